package dlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// patience is how long a test waits for what should come at once.
const patience = 30 * time.Second

// TestLargestBatch appends batches of all sizes that a store says it takes.
func TestLargestBatch(t *testing.T) {
	leaktest.Check(t)
	for _, window := range []int64{16 << 10, 20000, 48 << 10, 64 << 10, 100000} {
		o := tiny(disktest.New())
		o.WindowBytes, o.JournalFile, o.MaxBatch = window, 512<<10, 128<<10
		s := mustStore(t, o)
		w := newWriter(t, s, "a", LogOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		for _, size := range []int{s.MaxBatch(), s.MaxBatch() - 50, s.MaxBatch()*3/4 + 1, s.MaxBatch()/2 + 1, s.MaxBatch()} {
			body := append([]byte{0x0a}, make([]byte, 0, size)...)
			rest := size - 4 // a tag and a length of 3 bytes
			body = append(body, byte(rest)|0x80, byte(rest>>7)|0x80, byte(rest>>14))
			body = append(body, make([]byte, rest)...)
			done := make(chan error, 1)
			go func() {
				var b Batch
				f, err := w.Append(b.Body(body, 1), Disk)
				if err == nil {
					_, err = f.Wait(ctx)
				}
				done <- err
			}()
			select {
			case err := <-done:
				if err != nil {
					t.Fatalf("a window of %d, a batch of %d: %v", window, size, err)
				}
			case <-ctx.Done():
				t.Fatalf("a window of %d, a batch of %d of %d bytes: it never comes in", window, size, s.MaxBatch())
			}
		}
		cancel()
		mustCloseStore(t, s)
	}
}

// TestHighestEpoch opens writers with the highest epoch that there is.
func TestHighestEpoch(t *testing.T) {
	leaktest.Check(t)
	s := mustStore(t, tiny(disktest.New()))
	w := newWriter(t, s, "a", LogOptions{})
	l := w.Log()
	if _, err := l.OpenWriter(math.MaxUint64); err != nil {
		t.Fatal(err)
	}
	var fenced *FencedError
	if w, err := l.OpenWriter(0); !errors.As(err, &fenced) || fenced.Seen != math.MaxUint64 {
		t.Errorf("a writer behind the last epoch: %+v, %v", w, err)
	}
	if info, err := l.Info(); err != nil || info.Epoch != math.MaxUint64 {
		t.Errorf("the log has seen epoch %d, %v", info.Epoch, err)
	}
	if _, err := l.OpenWriter(math.MaxUint64); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	mustCloseStore(t, s)
}

// stuck is a file system on which the writes of the journal wait until they are let go, and then may fail.
type stuck struct {
	disk.FS

	armed   atomic.Bool
	reached chan struct{} // a write waits
	release chan error
}

func (s *stuck) Create(name string) (disk.File, error) {
	f, err := s.FS.Create(name)
	if err == nil && filepath.Base(filepath.Dir(name)) == "journal" {
		f = &stuckFile{f, s}
	}
	return f, err
}

type stuckFile struct {
	disk.File

	fs *stuck
}

func (f *stuckFile) WriteAt(b []byte, at int64) (int, error) {
	if at >= disk.Sector && f.fs.armed.CompareAndSwap(true, false) { // a record, not a header
		f.fs.reached <- struct{}{}
		if err := <-f.fs.release; err != nil {
			return 0, err
		}
	}
	return f.File.WriteAt(b, at)
}

func newStuck() *stuck {
	return &stuck{FS: disktest.New(), reached: make(chan struct{}), release: make(chan error)}
}

// TestFlushTellsOfWhatIsLost calls Flush while a batch is on its way that fails, and appends another one in its place
// before Flush can look.
func TestFlushTellsOfWhatIsLost(t *testing.T) {
	leaktest.Check(t)
	fs := newStuck()
	o := tiny(nil)
	o.FS = fs
	s := mustStore(t, o)
	w := newWriter(t, s, "a", LogOptions{})
	fill(t, w, 0, 3)
	fs.armed.Store(true)
	var b Batch
	f, err := w.Append(b.Add([]byte("lost")).TxID(10), Disk)
	if err != nil {
		t.Fatal(err)
	}
	<-fs.reached
	before := w.Log().watch()
	fs.release <- syscall.ENOSPC
	if _, err := f.Wait(t.Context()); !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	for range 2 {
		var b Batch
		f, err := w.Append(b.Add([]byte("another")).TxID(11), Disk)
		for errors.Is(err, ErrFull) { // not all know of the failure yet
			f, err = w.Append(&b, Disk)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Log().waitDurable(t.Context(), before); !errors.Is(err, ErrUnknown) {
		t.Errorf("Flush says %v although a batch before it is lost", err)
	}
	w.Log().unwatch(before)
	mustCloseStore(t, s)
}

// TestAppendAllTellsOfWhatIsLost lets the first batch of an AppendAll fail before the last one is appended.
func TestAppendAllTellsOfWhatIsLost(t *testing.T) {
	leaktest.Check(t)
	fs := newStuck()
	o := tiny(nil)
	o.FS = fs
	s := mustStore(t, o)
	w := newWriter(t, s, "a", LogOptions{})
	fill(t, w, 0, 3)
	big := make([]byte, 3000) // the journal takes 4 KiB at a time, so the third waits for the first
	batches := []*Batch{new(Batch), new(Batch), new(Batch), new(Batch)}
	for i, b := range batches {
		b.Add(big).TxID(int64(10 + i))
	}
	type outcome struct {
		f   *Future
		n   int
		err error
	}
	fs.armed.Store(true)
	told := make(chan outcome, 1)
	go func() {
		f, n, err := w.AppendAll(batches, Disk)
		told <- outcome{f, n, err}
	}()
	<-fs.reached
	fs.release <- syscall.ENOSPC
	got := <-told
	if got.err == nil {
		_, got.err = got.f.Wait(t.Context())
	}
	if !errors.Is(got.err, ErrFull) || !errors.Is(got.err, ErrUnknown) || got.n > 0 && got.f == nil {
		t.Errorf("%d of %d batches were appended: %v", got.n, len(batches), got.err)
	}
	if info, err := w.Log().Info(); err != nil || info.End != 3 {
		t.Errorf("the log ends at %d, %v", info.End, err)
	}
	mustCloseStore(t, s)
}

// TestFilesGoWhileAPlaceIsLookedUp truncates a log when a reader has found in which file a transaction or a time is, and
// has not opened it yet.
func TestFilesGoWhileAPlaceIsLookedUp(t *testing.T) {
	leaktest.Check(t)
	for _, from := range []From{TxID(30), Time(time.Unix(0, 1))} {
		fs := disktest.New()
		s := mustStore(t, tiny(fs))
		fill(t, newWriter(t, s, "a", LogOptions{}), 0, 600)
		mustCloseStore(t, s)
		s = mustStore(t, tiny(fs))
		l, err := s.Log("a")
		if err != nil {
			t.Fatal(err)
		}
		r, err := l.NewReader(from, ReadOptions{})
		if err != nil {
			t.Fatalf("%v: %v", from, err)
		}
		r.src.close()
		found, ok := r.candidate()
		if err := l.Truncate(500); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := r.lookUp(found); !errors.Is(err, errMoved) {
			t.Errorf("%v: in a file that has gone: %v", from, err)
		}
		if err := r.seek(); err != nil || r.Position() != 500 {
			t.Errorf("%v: at %d: %v", from, r.Position(), err)
		}
		_ = r.Close()
		mustCloseStore(t, s)
	}
}

// TestCloseDuringEverything closes stores that are used in all ways. Whatever is called must end, with nil or ErrClosed,
// and what was acknowledged must be there afterwards.
func TestCloseDuringEverything(t *testing.T) {
	leaktest.Check(t)
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	for round := range rounds {
		fs := disktest.New()
		s := mustStore(t, tiny(fs))
		const logs = 3
		var acked [logs]atomic.Uint64
		enough := make(chan struct{}) // were acknowledged, or nothing more is
		var busy sync.WaitGroup
		may := func(what string, err error) bool {
			for _, ok := range []error{nil, ErrClosed, ErrEnd, ErrTruncated, ErrExists, ErrNotFound, ErrDeleted, ErrBeyondEnd} {
				if errors.Is(err, ok) {
					return !errors.Is(err, ErrClosed)
				}
			}
			t.Errorf("round %d: %s: %v", round, what, err)
			return false
		}
		for i := range logs {
			w := newWriter(t, s, fmt.Sprint("log", i), LogOptions{})
			l := w.Log()
			told := func() {}
			if i == round%logs {
				told = sync.OnceFunc(func() { close(enough) })
			}
			busy.Go(func() {
				defer told()
				for at := uint64(0); ; at++ {
					var b Batch
					f, err := w.Append(b.Add(record("x", int(at))), Disk)
					if err == nil {
						_, err = f.Wait(t.Context())
					}
					if !may("append", err) {
						return
					}
					if acked[i].Store(at + 1); at+1 >= uint64(5+10*round%100) {
						told()
					}
				}
			})
			busy.Go(func() {
				for {
					r, err := l.NewReader(First, ReadOptions{Uncommitted: i == 1})
					if !may("a reader", err) {
						return
					}
					for range 50 {
						_, err := r.Next(t.Context())
						if !may("read", err) {
							_ = r.Close()
							return
						}
						r.Skip()
					}
					_ = r.Close()
				}
			})
			busy.Go(func() {
				for k := 0; ; k++ {
					name := fmt.Sprintf("fork%d.%d", i, k)
					end := l.committed.Load()
					_, err := l.Fork(name, end)
					if !may("fork", err) || !may("truncate", l.Truncate(end/2)) || !may("rename", s.Rename(name, name+"'")) ||
						!may("delete", s.Delete(name+"'")) || !may("commit", l.Subscription("s").Commit(end)) || !may("flush", w.Flush(t.Context())) {
						return
					}
				}
			})
		}
		busy.Go(func() {
			for may("checkpoint", s.Checkpoint()) {
				_, err := s.Scrub(t.Context(), nil)
				if !may("scrub", err) {
					return
				}
			}
		})
		<-enough
		if err := s.Close(); err != nil {
			t.Errorf("round %d: Close: %v", round, err)
		}
		done := make(chan struct{})
		go func() { busy.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatalf("round %d: something does not end", round)
		}
		s = mustStore(t, tiny(fs))
		for i := range logs {
			l, err := s.Log(fmt.Sprint("log", i))
			if err != nil {
				t.Fatal(err)
			}
			if info, err := l.Info(); err != nil || info.End < acked[i].Load() {
				t.Errorf("round %d: log %d ends at %d, %d were acknowledged: %v", round, i, info.End, acked[i].Load(), err)
			}
		}
		mustCloseStore(t, s)
	}
}

// TestUseAfterClose calls everything on a store that was closed.
func TestUseAfterClose(t *testing.T) {
	leaktest.Check(t)
	s := mustStore(t, tiny(disktest.New()))
	w := newWriter(t, s, "a", LogOptions{})
	fill(t, w, 0, 50)
	l := w.Log()
	sub, err := l.Subscribe("s", First)
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.NewReader(First, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mustCloseStore(t, s)
	for name, call := range map[string]func() error{
		"Create":     func() error { _, err := s.Create("b", LogOptions{}); return err },
		"Log":        func() error { _, err := s.Log("a"); return err },
		"Rename":     func() error { return s.Rename("a", "b") },
		"Delete":     func() error { return s.Delete("a") },
		"Checkpoint": s.Checkpoint,
		"Scrub":      func() error { _, err := s.Scrub(t.Context(), nil); return err },
		"Truncate":   func() error { return l.Truncate(20) },
		"Fork":       func() error { _, err := l.Fork("b", 20); return err },
		"Retain":     func() error { return l.Retain(Retention{Bytes: 1}) },
		"OpenWriter": func() error { _, err := l.OpenWriter(0); return err },
		"Commit":     func() error { return sub.Commit(3) },
		"Position":   func() error { _, err := sub.Position(); return err },
		"Append":     func() error { _, err := w.Append(new(Batch).Add(nil).TxID(100), Disk); return err },
		"AppendAll":  func() error { _, _, err := w.AppendAll([]*Batch{new(Batch).Add(nil).TxID(100)}, Disk); return err },
		"Seal":       func() error { return w.Seal(t.Context()) },
		"Next":       func() error { _, err := r.Next(t.Context()); return err },
		"Close":      s.Close,
	} {
		if err := call(); !errors.Is(err, ErrClosed) || errors.Is(err, ErrStopped) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = r.Close()
}
