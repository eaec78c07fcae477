package dlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/pool"
)

// newLog opens a store in a folder of its own and makes a log with a writer in it.
func newLog(tb testing.TB, o Options) (*Store, *Writer) {
	tb.Helper()
	s, _, err := Open(tb.TempDir(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return s, newWriter(tb, s, "a", LogOptions{})
}

func newWriter(tb testing.TB, s *Store, name string, o LogOptions) *Writer {
	tb.Helper()
	l, err := s.Create(name, o)
	if err != nil {
		tb.Fatal(err)
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// TestTailReadersShareTheWindow lets a thousand readers follow a log, all of which must see all records in order, and
// end when the log is sealed. None of them takes memory beside the window.
func TestTailReadersShareTheWindow(t *testing.T) {
	leaktest.Check(t)
	before := pool.Outstanding()
	s, w := newLog(t, Options{})
	readers, records := 1000, 300
	if testing.Short() {
		readers = 100
	}
	errs := make([]error, readers)
	var all sync.WaitGroup
	for i := range readers {
		r, err := w.Log().NewReader(First, ReadOptions{Uncommitted: i%10 == 0})
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer r.Close()
			errs[i] = follow(t.Context(), r, records)
		})
	}
	fill(t, w, 0, records)
	if err := w.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("%.2000v", err)
	}
	if n := pool.Outstanding() - before; invariants.Enabled && n != 1 {
		t.Errorf("%d buffers are held, want the window's one", n)
	}
	mustCloseStore(t, s)
	if n := pool.Outstanding() - before; n != 0 {
		t.Errorf("%d buffers are held after Close", n)
	}
}

func follow(ctx context.Context, r *Reader, records int) error {
	next := 0
	for {
		recs, err := r.Next(ctx)
		if errors.Is(err, io.EOF) && next == records {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d records: %w", next, err)
		}
		for at, rec := range recs.All() {
			if int(at) != next || string(rec) != string(record("a", next)) {
				return fmt.Errorf("record %d is %q, want %d", at, rec, next)
			}
			next++
		}
	}
}

// TestHeldRecordsStay holds records of the window until the window has long been used for others.
func TestHeldRecordsStay(t *testing.T) {
	leaktest.Check(t)
	before := pool.Outstanding()
	s := mustStore(t, tiny(disktest.New()))
	w := newWriter(t, s, "a", LogOptions{})
	r, err := w.Log().NewReader(First, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var held []*Records
	for i := range 200 {
		fill(t, w, 3*i, 3*i+3)
		recs, err := r.TryNext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, recs.Retain())
	}
	for i, recs := range held {
		at := 3 * i
		for _, rec := range recs.All() {
			if string(rec) != string(record("a", at)) {
				t.Fatalf("record %d has become %q", at, rec)
			}
			at++
		}
		if at != 3*i+3 {
			t.Fatalf("batch %d has %d records", i, at-3*i)
		}
		recs.Release()
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	mustCloseStore(t, s)
	if n := pool.Outstanding() - before; n != 0 {
		t.Errorf("%d buffers are held after all was closed", n)
	}
}

// TestAppendAndTailReadDoNotAllocate counts what an append, its acknowledgement and reading it allocate.
func TestAppendAndTailReadDoNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checks may allocate")
	}
	leaktest.Check(t)
	s, w := newLog(t, Options{})
	r, err := w.Log().NewReader(First, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	rec := make([]byte, 100)
	ctx := t.Context()
	for _, level := range []Level{Disk, OS, Memory} {
		n := testing.AllocsPerRun(500, func() {
			f, err := w.Append(b.Reset().Add(rec).Add(rec), level)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Wait(ctx); err != nil {
				t.Fatal(err)
			}
			recs, err := r.Next(ctx)
			if err != nil || recs.Count != 2 {
				t.Fatal(err)
			}
			for range recs.All() {
			}
		})
		if n != 0 {
			t.Errorf("level %d: %v allocations for an append and a read", level, n)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	mustCloseStore(t, s)
}
