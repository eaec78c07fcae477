package journal

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestEntriesComeBackInOrder(t *testing.T) {
	leaktest.Check(t)
	for _, tc := range []struct {
		name string
		o    Options
	}{
		{"in memory", small(disktest.New())},
		{"on disk", Options{Dir: t.TempDir() + "/new/journal", FileSize: 64 << 10}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := mustOpen(t, tc.o)
			if j.report.Files != 0 || j.report.Entries != 0 || j.report.End != 0 {
				t.Errorf("a new journal reports %+v", j.report)
			}
			j.fill(t, 1, 101)
			if j.Synced() != j.End() || j.Written() != j.End() {
				t.Errorf("synced %v, written %v, end %v: all was acknowledged", j.Synced(), j.Written(), j.End())
			}
			for id, at := range j.at {
				e, err := j.Read(at)
				if err != nil {
					t.Fatal(err)
				}
				if err := checkMade(e); err != nil || e.First != id {
					t.Errorf("entry %d at %v is %d: %v", id, at, e.First, err)
				}
			}
			end := j.End()
			j.mustClose(t)
			again := mustOpen(t, tc.o)
			defer again.mustClose(t)
			if len(again.at) != 100 || !again.report.Clean || again.report.TornBytes != 0 {
				t.Errorf("%d entries, %+v", len(again.at), again.report)
			}
			if again.report.End != end+markSize {
				t.Errorf("the journal ended at %v, and is said to have ended at %v", end+markSize, again.report.End)
			}
			for id, at := range j.at {
				if again.at[id] != at {
					t.Errorf("entry %d is at %v, was appended at %v", id, again.at[id], at)
				}
			}
		})
	}
}

func TestManyAppendersShareSyncs(t *testing.T) {
	leaktest.Check(t)
	var batches atomic.Int64
	o := Options{Dir: t.TempDir(), FileSize: 1 << 20}
	o.Hooks.Batch = func(entries, bytes int, _, _ time.Duration) {
		if bytes == 0 || entries == 0 && bytes != markSize {
			t.Errorf("a batch of %d entries and %d bytes was written", entries, bytes)
		}
		batches.Add(1)
	}
	j := mustOpen(t, o)
	const appenders, each = 64, 20
	var all sync.WaitGroup
	for a := range appenders {
		all.Go(func() {
			w, last := NewWaiter(), Position(0)
			for i := range each {
				e := made(uint64(1+a*each+i), 100)
				at, err := w.Append(j.Journal, &e, Disk)
				if err != nil || at <= last || j.Synced() <= at {
					t.Errorf("%v after %v, synced %v: %v", at, last, j.Synced(), err)
				}
				last = at
			}
		})
	}
	all.Wait()
	if n := batches.Load(); n > appenders*each/2 {
		t.Errorf("%d syncs for %d entries of %d appenders: they do not share", n, appenders*each, appenders)
	}
	j.mustClose(t)
	if again, _, err := Open(o, nil); err != nil {
		t.Error(err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestLevels holds the writer in the middle of a write or a sync and looks at who has been told.
func TestLevels(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	at, goOn := make(chan disktest.Kind), make(chan struct{})
	var holding atomic.Bool
	fs.After(func(op disktest.Op) {
		if holding.Load() && strings.HasSuffix(op.Name, "00000001.new") { // its name when it was made
			at <- op.Kind
			<-goOn
		}
	})
	j := mustOpen(t, small(fs))
	j.fill(t, 1, 2) // takes the first file
	holding.Store(true)
	var told [3]atomic.Bool
	for _, level := range []Level{Disk, OS, Memory} {
		e := made(uint64(2+level), 10)
		if err := j.Append(&e, level, func(_ Position, err error) { told[level].Store(err == nil) }); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, disk, os, memory bool) {
		t.Helper()
		for level, want := range []bool{disk, os, memory} {
			if told[level].Load() != want {
				t.Errorf("%s: level %d told is %v, want %v", when, level, !want, want)
			}
		}
	}
	if kind := <-at; kind != disktest.OpWrite {
		t.Fatal(kind)
	}
	check("before the write has returned", false, false, true)
	goOn <- struct{}{}
	for kind := range at { // the entries may be in two batches
		if kind == disktest.OpSync {
			if !told[Disk].Load() && told[OS].Load() && j.Written() <= j.Synced() {
				t.Errorf("written %v, synced %v", j.Written(), j.Synced())
			}
			if j.Written() == j.End() {
				check("before the last sync has returned", told[Disk].Load(), true, true)
				break
			}
		}
		goOn <- struct{}{}
	}
	holding.Store(false)
	goOn <- struct{}{}
	j.mustClose(t)
	check("at the end", true, true, true)
}

func TestRefusals(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	j := mustOpen(t, small(fs))
	never := func(Position, error) { t.Error("done was called although Append had refused") }
	if _, err := open(small(fs)); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("a second Open: %v, want ErrLocked", err)
	}
	largest := made(1, j.MaxPayload())
	if _, err := NewWaiter().Append(j.Journal, &largest, Disk); err != nil {
		t.Errorf("the largest payload: %v", err)
	}
	tooLarge := made(2, j.MaxPayload()+1)
	if err := j.Append(&tooLarge, Disk, never); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a larger payload: %v", err)
	}
	if _, err := j.Read(j.End()); err == nil {
		t.Error("Read found an entry that was not appended")
	}
	if _, err := j.Read(position(1, firstRecord+8)); !isCorrupt(err) {
		t.Errorf("Read between two entries: %v", err)
	}
	j.mustClose(t)
	if err := j.Append(&largest, Disk, never); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	if err := j.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
	stop := errors.New("stop")
	if _, _, err := Open(small(fs), func(Position, Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("replay's error: %v", err)
	}
	mustOpen(t, small(fs)).mustClose(t) // the lock is free
}

func TestOptions(t *testing.T) {
	if err := (Options{Dir: dir}).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for field, o := range map[string]Options{
		"Dir":      {},
		"FileSize": {Dir: dir, FileSize: 2 << 10},
		"MaxBatch": {Dir: dir, MaxBatch: 64 << 20},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("bad %s: %v", field, err)
		}
		if _, _, err := Open(o, nil); err == nil {
			t.Errorf("Open with a bad %s", field)
		}
	}
	if err := (Options{FileSize: maxFileSize + 512, MaxBatch: 1}).Validate(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all faults are named: %v", err)
	}
}

// TestReleasedFilesAreRecycled appends for long, releasing all the time: the journal must not grow, and what it has
// written into recycled files must come back, and nothing of what they held before.
func TestReleasedFilesAreRecycled(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	recycled := make(chan bool, 1000)
	o := small(fs)
	o.Hooks.File = func(_ uint32, again bool) { recycled <- again }
	j := mustOpen(t, o)
	for id := uint64(1); id <= 500; id += 10 {
		j.fill(t, id, id+10)
		j.Release(j.at[id])
	}
	kept := j.at[491]
	if _, err := j.Read(kept); err != nil {
		t.Errorf("an entry that was not released: %v", err)
	}
	j.mustClose(t)
	n := 0
	for len(recycled) > 0 {
		if <-recycled {
			n++
		}
	}
	if n < 10 {
		t.Errorf("%d files were recycled", n)
	}
	if names := files(t, fs); len(names) > 8 {
		t.Errorf("%d files are left", len(names))
	}
	again := mustOpen(t, o)
	defer again.mustClose(t)
	ids := again.ids()
	if first, last := ids[0], ids[len(ids)-1]; first > 491 || last != 500 || uint64(len(ids)) != last-first+1 {
		t.Errorf("entries %d to %d came back, %d of them", first, last, len(ids))
	}
	if _, err := again.Read(j.at[1]); !errors.Is(err, ErrReleased) {
		t.Errorf("Read of what was released: %v", err)
	}
}

func TestReleaseKeepsWhatIsNotSynced(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	j := mustOpen(t, small(fs))
	j.fill(t, 1, 30)
	j.Release(position(1<<30, 0))
	j.mustClose(t)
	again := mustOpen(t, small(fs))
	defer again.mustClose(t)
	if !slices.Contains(again.ids(), 29) {
		t.Error("the file that is written to was released")
	}
}

func TestFileSizeMayChange(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	o := small(fs)
	for round := range uint64(6) {
		o.FileSize = 4096 << (round % 3)
		j := mustOpen(t, o)
		if want := round * 40; uint64(len(j.at)) != want {
			t.Fatalf("round %d: %d entries, want %d", round, len(j.at), want)
		}
		j.fill(t, 1+round*40, 1+(round+1)*40)
		j.mustClose(t)
	}
}

// TestNeededFileIsThere opens journals of which the file that the owner needs, Options.From, is there or not.
func TestNeededFileIsThere(t *testing.T) {
	leaktest.Check(t)
	fs, at := closedJournal(t, 40)
	o := small(fs)
	for _, c := range []struct {
		from    Position
		missing bool
	}{
		{0, false}, {at[1], false}, {at[40], false}, {at[40] + position(9, 0), true},
	} {
		o.From = c.from
		j, _, err := Open(o, nil)
		if errors.Is(err, ErrCorrupt) != c.missing || !c.missing && err != nil {
			t.Errorf("from %v: %v", c.from, err)
		}
		if err == nil {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := fs.Remove(fileName(dir, 1, extJournal)); err != nil {
		t.Fatal(err)
	}
	o.From = at[1]
	if _, _, err := Open(o, nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("without the first file: %v", err)
	}
	o.Salvage = true
	j, report, err := Open(o, nil)
	if err != nil || len(report.Quarantined) != 1 {
		t.Fatalf("salvaged: %+v, %v", report, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
