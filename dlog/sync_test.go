package dlog

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// changed are the segment files that were changed, by name.
type changed struct {
	mu    sync.Mutex
	files map[string]bool
}

func (c *changed) after(op disktest.Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files != nil && strings.HasSuffix(op.Name, ".segment") && op.Kind != disktest.OpRemove {
		c.files[filepath.Base(op.Name)] = true
	}
}

// take returns the files since the last call.
func (c *changed) take() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	files := c.files
	c.files = map[string]bool{}
	return files
}

// TestFailedSyncEndsAFile lets the syncs of segment files fail, one by one and all together. The store stops, whatever
// the error was, and nothing is ever written again to a file whose sync has failed: the log goes on in another one.
func TestFailedSyncEndsAFile(t *testing.T) {
	leaktest.Check(t)
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, logs := range []int{1, manyFiles} {
			for _, before := range []int{0, 40} {
				t.Run(fmt.Sprintf("%v of %d files with %d records", cause, logs, before), func(t *testing.T) {
					failedSync(t, cause, logs, before)
				})
			}
		}
	}
}

func failedSync(t *testing.T, cause error, logs, before int) {
	t.Helper()
	fs, ops := disktest.New(), &changed{}
	fs.After(ops.after)
	o := tiny(fs)
	o.WindowBytes, o.SegmentBytes, o.CheckpointBytes = 1<<20, 1<<20, 1<<20
	s := mustStore(t, o)
	names := make([]string, logs)
	writers := make([]*Writer, logs)
	for i := range logs {
		names[i] = fmt.Sprint("log", i)
		writers[i] = newWriter(t, s, names[i], LogOptions{})
		fill(t, writers[i], 0, before)
	}
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	for _, w := range writers {
		fill(t, w, before, before+20)
	}
	ops.take()
	for _, kind := range []disktest.Kind{disktest.OpSync, disktest.OpSyncAll} {
		fs.Fail(disktest.Fault{Kind: kind, K: 1, Err: cause})
	}
	if err := s.Checkpoint(); !errors.Is(err, cause) || !errors.Is(s.Err(), ErrStopped) {
		t.Fatalf("a checkpoint returns %v, the store %v", err, s.Err())
	}
	fs.Heal()
	failed := ops.take()
	var b Batch
	if _, err := writers[0].Append(b.Add([]byte("x")).TxID(1<<20), Disk); !errors.Is(err, ErrStopped) {
		t.Errorf("an append: %v", err)
	}
	crashed := fs.Crash(7)
	_ = s.Close()
	if more := ops.take(); len(more) > 0 {
		t.Errorf("Close writes to %v", more)
	}
	for _, fs := range []*disktest.FS{fs, crashed} {
		o.FS = fs
		s := mustStore(t, o)
		for i, name := range names {
			l, err := s.Log(name)
			if err != nil {
				t.Fatal(err)
			}
			if n := readAll(t, l, 0, name); n != before+20 {
				t.Fatalf("%s: %d records of %d", name, n, before+20)
			}
			if writers[i], err = l.OpenWriter(0); err != nil {
				t.Fatal(err)
			}
			fill(t, writers[i], before+20, before+30)
		}
		if err := s.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		for _, w := range writers {
			if n := readAll(t, w.Log(), 0, w.Log().Name()); n != before+30 {
				t.Errorf("%s: %d records of %d", w.Log().Name(), n, before+30)
			}
		}
		mustCloseStore(t, s)
	}
	for name := range ops.take() {
		if failed[name] {
			t.Errorf("%s is written to, although its sync has failed", name)
		}
	}
}
