package metadata

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// addLog adds a log with a long name.
func addLog(d *DB) error {
	return d.Update(func(tx *Tx) error {
		id := tx.NextID()
		return tx.PutLog(Log{ID: id, Name: strings.Repeat("x", 200) + strconv.FormatUint(id, 10)})
	})
}

// filled adds logs until one fails, and returns how many have not.
func filled(d *DB) (done int, err error) {
	for err = addLog(d); err == nil; err = addLog(d) {
		done++
	}
	return done, err
}

func count(t *testing.T, d *DB) (n int) {
	t.Helper()
	if err := d.Logs(func(Log) error { n++; return nil }); err != nil {
		t.Errorf("reading: %v", err)
	}
	return n
}

// TestDiskFull fills disks of several sizes, without a reserve. The transaction that finds no room says so, reads go on, and when there is
// room all that was committed is there.
func TestDiskFull(t *testing.T) {
	leaktest.Check(t)
	for limit := int64(40 << 10); limit < 400<<10; limit += 27 << 10 {
		fs := disktest.New()
		o := Options{FS: fs, Dir: dir, Reserve: -1}
		d := open(t, o)
		fs.SetLimit(limit)
		n, err := filled(d)
		if !errors.Is(err, ErrFull) || !errors.Is(err, ErrStopped) {
			t.Fatalf("%d bytes: after %d transactions: %v", limit, n, err)
		}
		if _, err := filled(d); !errors.Is(err, ErrFull) || !errors.Is(err, ErrStopped) {
			t.Errorf("%d bytes: once more: %v", limit, err)
		}
		if got := count(t, d); got < n || got > n+1 {
			t.Errorf("%d bytes: %d logs can be read, want %d", limit, got, n)
		}
		if err := d.Close(); err != nil && !errors.Is(err, ErrFull) {
			t.Error(err)
		}
		fs.SetLimit(fs.Used()) // not even a byte
		if _, err := Open(o); !errors.Is(err, ErrFull) {
			t.Errorf("%d bytes: with no room: %v", limit, err)
		}
		fs.SetLimit(0)
		d = open(t, o)
		if got := count(t, d); got < n || got > n+1 {
			t.Errorf("%d bytes: %d logs were kept, want %d", limit, got, n)
		}
		if err := d.Check(func(p Problem) error { return p.Err }); err != nil {
			t.Error(err)
		}
		mustClose(t, d)
	}
}

// sick is a file system with room for so many tables more.
type sick struct {
	disk.FS

	left, refused *atomic.Int64
}

func (s sick) Create(name string) (disk.File, error) {
	if filepath.Ext(name) == tableSuffix && s.left.Add(-1) < 0 {
		s.refused.Add(1)
		return nil, syscall.ENOSPC
	}
	return s.FS.Create(name)
}

// TestFlushFails has flushes fail when there is much to flush, so that transactions wait for them. The DB must stop, at
// the first failure, and all that wait must end. No part of the disk may change from then on.
func TestFlushFails(t *testing.T) {
	leaktest.Check(t)
	fs := sick{disktest.New(), new(atomic.Int64), new(atomic.Int64)}
	var told atomic.Int64
	o := Options{FS: fs, Dir: dir, Reserve: -1, Hooks: Hooks{Failed: func(error) { told.Add(1) }}}
	d := open(t, o)
	var tasks sync.WaitGroup
	var committed atomic.Int64
	for range 4 {
		tasks.Go(func() {
			for err := error(nil); err == nil; {
				err = d.Update(func(tx *Tx) error {
					id := tx.NextID()
					for i := range 500 { // 250 KiB of rows
						if err := tx.PutLog(Log{ID: id, Name: strings.Repeat("x", 200) + fmt.Sprint(id, i)}); err != nil {
							return err
						}
						id = tx.NextID()
					}
					return nil
				})
				switch {
				case err == nil:
					committed.Add(500)
				case !errors.Is(err, ErrFull) || !errors.Is(err, ErrStopped):
					t.Error(err)
				}
			}
		})
	}
	tasks.Wait()
	if n := fs.refused.Load(); n != 1 || told.Load() != 1 {
		t.Errorf("%d flushes have failed, of which the hook was told %d times", n, told.Load())
	}
	least, most := int(committed.Load()), int(committed.Load())+4*500
	if got := count(t, d); got < least || got > most {
		t.Errorf("%d logs can be read, want %d", got, least)
	}
	mustClose(t, d)
	fs.refused.Store(0)
	if _, err := Open(o); !errors.Is(err, ErrFull) || fs.refused.Load() != 1 {
		t.Errorf("Open has tried %d times: %v", fs.refused.Load(), err)
	}
	fs.left.Store(1 << 30)
	d = open(t, o)
	if got := count(t, d); got < least || got > most {
		t.Errorf("%d logs were kept, want %d", got, least)
	}
	mustClose(t, d)
}

// TestCompactionFails lets flushes succeed and has the first compaction fail: the DB stops, and Pebble does not try again.
func TestCompactionFails(t *testing.T) {
	leaktest.Check(t)
	fs := sick{disktest.New(), new(atomic.Int64), new(atomic.Int64)}
	o := Options{FS: fs, Dir: dir, Reserve: -1}
	d := open(t, o)
	var err error
	n := 0
	for flushes := 0; err == nil; flushes++ {
		if flushes == 100 {
			t.Fatal("no compaction has failed")
		}
		fs.left.Store(1)
		if err = addLog(d); err == nil {
			n++
			err = d.pebble.Flush()
		}
		if err == nil {
			err = addLog(d)
		}
		if err == nil {
			n++
		}
	}
	if !errors.Is(err, ErrFull) || !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
	if got := count(t, d); got < n || got > n+1 {
		t.Errorf("%d logs can be read, want %d", got, n)
	}
	mustClose(t, d)
	if n := fs.refused.Load(); n != 1 {
		t.Errorf("Pebble has tried %d times", n)
	}
	fs.left.Store(1 << 30)
	d = open(t, o)
	if got := count(t, d); got < n || got > n+1 {
		t.Errorf("%d logs were kept, want %d", got, n)
	}
	mustClose(t, d)
}
