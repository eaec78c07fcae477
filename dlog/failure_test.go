package dlog

import (
	"errors"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// fillDisk appends to a new log without waiting until an append is refused on a full disk, makes room again, and returns
// the futures of what was appended.
func fillDisk(t *testing.T, fs *disktest.FS, w *Writer) []*Future {
	t.Helper()
	fs.Fail(disktest.Fault{Kind: disktest.OpPreallocate, K: 1, On: true, Err: syscall.ENOSPC})
	defer fs.Heal()
	var all []*Future
	for next := range 2000 {
		var b Batch
		f, err := w.Append(b.Add(record("a", next)).TxID(int64(next)), Disk)
		if errors.Is(err, ErrFull) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	t.Fatal("the disk does not become full")
	return nil
}

// again appends a batch in the place of the first that has failed, with its transaction.
func again(t *testing.T, w *Writer, next int) {
	t.Helper()
	var b Batch
	b.Add(record("a", next)).TxID(int64(next))
	f, err := w.Append(&b, Disk)
	for errors.Is(err, ErrFull) { // until all who were to be told of the failure were
		f, err = w.Append(&b, Disk)
	}
	if err != nil {
		t.Fatal(err)
	}
	if res, err := f.Wait(t.Context()); err != nil || int(res.First) != next {
		t.Fatalf("%+v, %v; want offset %d", res, err, next)
	}
}

// TestNoBatchPassesOneThatFailed appends many batches without waiting while the disk becomes full. What follows a batch
// that has failed must fail, too, until somebody has asked for each; then they are appended again, each at its place.
func TestNoBatchPassesOneThatFailed(t *testing.T) {
	leaktest.Check(t)
	failures := 0
	for range 5 {
		fs := disktest.New()
		s := mustStore(t, tiny(fs))
		w := newWriter(t, s, "a", LogOptions{})
		next := 0
		all := fillDisk(t, fs, w)
		failed := 0
		for i, f := range all {
			res, err := f.Wait(t.Context())
			switch {
			case err == nil && failed == 0 && int(res.First) == next:
				next++
				continue
			case !errors.Is(err, ErrFull):
				t.Fatalf("batch %d of %d, %d failed before it: %+v, %v", i, len(all), failed, res, err)
			}
			if failed++; i < len(all)-1 {
				var b Batch
				if _, err := w.Append(b.Add([]byte("x")).TxID(1<<40), Disk); !errors.Is(err, ErrFull) {
					t.Fatalf("a batch passes %d that failed: %v", len(all)-i-1, err)
				}
			}
		}
		failures += failed
		again(t, w, next)
		fill(t, w, next+1, next+10)
		if n := readAll(t, w.Log(), 0, "a"); n != next+10 {
			t.Fatalf("%d records, want %d", n, next+10)
		}
		mustCloseStore(t, s)
	}
	if failures == 0 {
		t.Error("nothing has failed")
	}
}

// TestLostBatchesAreToldOf loses a batch that was acknowledged at level Memory. The next append, or Flush, tells of it, and
// after that batches are appended again.
func TestLostBatchesAreToldOf(t *testing.T) {
	leaktest.Check(t)
	for _, byFlush := range []bool{false, true} {
		fs := disktest.New()
		s := mustStore(t, tiny(fs))
		w := newWriter(t, s, "a", LogOptions{})
		fs.Fail(disktest.Fault{Kind: disktest.OpPreallocate, K: 1, On: true, Err: syscall.ENOSPC})
		next := uint64(0)
		for ; ; next++ {
			var b Batch
			if _, err := w.Append(b.Add(record("a", int(next))), Memory); err != nil {
				t.Fatal(err)
			}
			before := w.log.watch()
			lost := w.log.waitDurable(t.Context(), before)
			w.log.unwatch(before)
			if lost != nil {
				break
			}
		}
		fs.Heal()
		var b Batch
		tell := func() error { return w.Flush(t.Context()) }
		if !byFlush {
			tell = func() error {
				_, err := w.Append(b.Add([]byte("x")), Disk)
				return err
			}
		}
		if err := tell(); !errors.Is(err, ErrFull) {
			t.Errorf("by Flush %v: told %v", byFlush, err)
		}
		again(t, w, int(next))
		mustCloseStore(t, s)
	}
}
