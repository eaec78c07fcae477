package dlog

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

const testDir = "/disk/store"

// tiny are options for a store in memory in which everything happens soon.
func tiny(fs *disktest.FS) Options {
	return Options{
		FS: fs, JournalFile: 16 << 10, MaxBatch: 4 << 10, WindowBytes: 16 << 10, SegmentBytes: 4 << 10, CheckpointBytes: 16 << 10,
		RetentionEvery: -1,
	}
}

func mustStore(tb testing.TB, o Options) *Store {
	tb.Helper()
	s, _, err := Open(testDir, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func mustCloseStore(tb testing.TB, s *Store) {
	tb.Helper()
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

func record(log string, i int) []byte {
	return fmt.Appendf(nil, "record %d of %s %0*d", i, log, i*7%50, i)
}

// fill appends records from..to-1, three to a batch, and waits until they are durable.
func fill(tb testing.TB, w *Writer, from, to int) {
	tb.Helper()
	for at := from; at < to; {
		var b Batch
		for range 3 {
			if at < to {
				b.Add(record(w.Log().Name(), at))
				at++
			}
		}
		f, err := w.Append(b.TxID(int64(at)), Disk)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := f.Wait(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
}

// readAll reads a log from an offset to its end and checks what it reads.
func readAll(tb testing.TB, l *Log, from uint64, name string) (n int) {
	tb.Helper()
	r, err := l.NewReader(Offset(from), ReadOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	for {
		rec, err := r.TryNext(tb.Context())
		if errors.Is(err, ErrEnd) {
			return n
		}
		if err != nil {
			tb.Fatalf("at %d: %v", r.Position(), err)
		}
		for at, b := range rec.All() {
			if at != from+uint64(n) || string(b) != string(record(name, int(at))) {
				tb.Fatalf("record %d is %q, want that of %d", at, b, from+uint64(n))
			}
			n++
		}
	}
}

func TestAppendReadRestart(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	s := mustStore(t, tiny(fs))
	l, err := s.Create("a", LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, w, 0, 100)
	if n := readAll(t, l, 0, "a"); n != 100 {
		t.Fatalf("%d records of 100", n)
	}
	fill(t, w, 100, 1000)
	if n := readAll(t, l, 0, "a"); n != 1000 {
		t.Fatalf("%d records of 1000", n)
	}
	crashed := fs.Crash(0)
	mustCloseStore(t, s)
	for _, fs := range []*disktest.FS{fs, crashed} {
		s, report, err := Open(testDir, tiny(fs))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", report)
		l, err := s.Log("a")
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range []uint64{0, 1, 500, 999, 1000} {
			if n := readAll(t, l, from, "a"); n != 1000-int(from) {
				t.Fatalf("%d records from %d", n, from)
			}
		}
		info, err := l.Info()
		t.Logf("%+v %v", info, err)
		mustCloseStore(t, s)
	}
}
