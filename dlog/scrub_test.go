package dlog

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestScrub finds damage in segment files, says which records it has hit, and changes nothing.
func TestScrub(t *testing.T) {
	leaktest.Check(t)
	closed, records := sealedSpecimen(t)
	names := closed.names(".segment")
	for _, c := range []struct {
		name     string
		damage   func(files map[string][]byte)
		from, to uint64 // of the first damage
		found    int
	}{
		{"nothing", func(map[string][]byte) {}, 0, 0, 0},
		{"a batch", func(f map[string][]byte) { f[names[0]][600] ^= 4 }, 0, 3, 1},
		{"two batches", func(f map[string][]byte) {
			f[names[0]][600] ^= 4
			f[names[0]][2000] ^= 4
		}, 0, 3, 2},
		{"the header", func(f map[string][]byte) { f[names[0]][30] ^= 1 }, 0, records, 1},
		{"the footer", func(f map[string][]byte) { f[names[0]][len(f[names[0]])-100] ^= 1 }, 0, 0, 1},
		{"a file is missing", func(f map[string][]byte) { delete(f, names[0]) }, 0, records, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string][]byte{}
			for name, b := range closed.files {
				files[name] = slices.Clone(b)
			}
			c.damage(files)
			fs := build(t, files)
			o, told := tiny(fs), 0
			o.Hooks.Damaged = func(*CorruptError) { told++ }
			s := mustStore(t, o)
			calls := 0
			report, err := s.Scrub(t.Context(), func(*ScrubReport) { calls++ })
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Damaged) != c.found || told != c.found || s.Stats().Damaged != int64(c.found) {
				t.Fatalf("%v, told of %d, want %d", report.Damaged, told, c.found)
			}
			if calls != len(names) || report.Files != len(names) || report.Bytes != report.OfBytes || s.Stats().Scrubs != 1 {
				t.Errorf("%+v after %d calls, want %d", report, calls, len(names))
			}
			if c.found > 0 {
				if d := report.Damaged[0]; d.File != names[0] || d.From != c.from || d.To != c.to || !errors.Is(d, ErrCorrupt) {
					t.Errorf("%v, want records %d to %d", d, c.from, c.to)
				}
			}
			mustCloseStore(t, s)
			if err := closed.kept(t, fs, files); err != nil {
				t.Error(err)
			}
		})
	}
}

// sealedSpecimen returns a store of which the first segment file is sealed, and how many records that has.
func sealedSpecimen(t *testing.T) (specimen, uint64) {
	t.Helper()
	for {
		closed, _ := specimens(t)
		s := mustStore(t, tiny(build(t, closed.files)))
		rows, err := s.durableFiles()
		mustCloseStore(t, s)
		if err != nil || len(rows) != len(closed.names(".segment")) {
			t.Fatal(len(rows), err)
		}
		if rows[0].Sealed { // that depends on when the flusher comes
			return closed, rows[0].Next
		}
	}
}

func TestScrubEnds(t *testing.T) {
	leaktest.Check(t)
	closed, _ := specimens(t)
	found := make(chan struct{}, 100)
	name := closed.names(".segment")[0]
	closed.files[name][600] ^= 4
	o := tiny(build(t, closed.files))
	o.ScrubEvery = time.Millisecond
	o.Hooks.Damaged = func(*CorruptError) {
		select {
		case found <- struct{}{}:
		default:
		}
	}
	s := mustStore(t, o)
	<-found // by itself
	<-found
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Scrub(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	mustCloseStore(t, s)
	if _, err := s.Scrub(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("of a closed store: %v", err)
	}
}

// TestIdleStoreMakesACheckpoint appends less than what calls for a checkpoint, and waits for one.
func TestIdleStoreMakesACheckpoint(t *testing.T) {
	leaktest.Check(t)
	o, made := tiny(disktest.New()), make(chan struct{}, 10)
	o.CheckpointBytes = 64 << 10
	o.WindowBytes = 1 << 20
	o.Hooks.Checkpoint = func(int, time.Duration) { made <- struct{}{} }
	s := mustStore(t, o)
	s.idle.after = time.Millisecond
	w := newWriter(t, s, "a", LogOptions{})
	fill(t, w, 0, 300)
	for <-made; s.Stats().SinceCheckpoint > s.idle.least; <-made { // there may be pauses between appends
	}
	mustCloseStore(t, s)
}

func TestLag(t *testing.T) {
	leaktest.Check(t)
	s := mustStore(t, tiny(disktest.New()))
	w := newWriter(t, s, "a", LogOptions{})
	fill(t, w, 0, 9)
	r, err := w.Log().NewReader(First, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{9, 6, 3, 0} {
		records, behind := r.Lag()
		if records != want || (behind > 0) != (want > 0 && want < 9) {
			t.Errorf("%d records and %v behind, want %d", records, behind, want)
		}
		if _, err := r.TryNext(t.Context()); err != nil && want > 0 {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	mustCloseStore(t, s)
}
