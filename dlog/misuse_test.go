package dlog

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/pool"
)

// TestSecondOpen opens a store that is open.
func TestSecondOpen(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(t.TempDir(), "store")
	s, _, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Open(dir, Options{})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open: %v", err)
	}
	mustCloseStore(t, s)
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
}

// TestFullDisk fills the disk of the journal, again and again: what is refused is not there, what is acknowledged is, and
// appends work as soon as there is room, at the offset that follows.
func TestFullDisk(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	s := mustStore(t, tiny(fs))
	w := newWriter(t, s, "a", LogOptions{})
	next, refused := 0, 0
	for range 10 {
		fs.Fail(disktest.Fault{Kind: disktest.OpPreallocate, K: 1, On: true, Err: syscall.ENOSPC})
		for range 400 {
			var b Batch
			f, err := w.Append(b.Add(record("a", next)).TxID(int64(next)+1), []Level{Disk, OS}[next%2])
			if err == nil {
				_, err = f.Wait(t.Context())
			}
			if errors.Is(err, ErrFull) {
				refused++
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			next++
		}
		fs.Heal()
		if info, err := w.Log().Info(); err != nil || info.End != uint64(next) {
			t.Fatalf("the log ends at %d after %d records, %v", info.End, next, err)
		}
		if err := w.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		fill(t, w, next, next+10)
		next += 10
		if n := readAll(t, w.Log(), 0, "a"); n != next {
			t.Fatalf("%d records of %d can be read", n, next)
		}
	}
	mustCloseStore(t, s)
	s = mustStore(t, tiny(fs))
	l, err := s.Log("a")
	if err != nil {
		t.Fatal(err)
	}
	if n := readAll(t, l, 0, "a"); n != next || refused == 0 {
		t.Fatalf("%d records of %d came back; %d were refused", n, next, refused)
	}
	mustCloseStore(t, s)
}

// TestAppendShared appends buffers that the log shares, large ones without a copy.
func TestAppendShared(t *testing.T) {
	leaktest.Check(t)
	before := pool.Outstanding()
	s, w := newLog(t, Options{})
	r, err := w.Log().NewReader(First, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{10, 60 << 10} {
		var b Batch
		b.Add(make([]byte, size))
		buf := pool.Get(24 + b.Len())
		buf.B = append(append(buf.B, make([]byte, 24)...), b.body...)
		body := buf.B[24:]
		told := make(chan error, 1)
		if err := w.AppendShared(buf, body, 1, 0, Disk, func(_ Result, err error) { told <- err }); err != nil {
			t.Fatal(err)
		}
		if err := <-told; err != nil {
			t.Fatal(err)
		}
		recs, err := r.Next(t.Context())
		if err != nil || string(recs.Body()) != string(body) {
			t.Fatalf("%d bytes of %d come back: %v", len(recs.Body()), len(body), err)
		}
		if shared := &recs.Body()[0] == &body[0]; shared != (size > 4<<10) {
			t.Errorf("%d bytes: shared is %v", size, shared)
		}
		buf.Release()
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	mustCloseStore(t, s)
	if n := pool.Outstanding() - before; n != 0 {
		t.Errorf("%d buffers are held after all was closed", n)
	}
}
