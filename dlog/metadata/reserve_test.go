package metadata

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// addLogs adds as many logs as have about 50 KiB of rows, all or none.
func addLogs(d *DB) error {
	return d.Update(func(tx *Tx) error {
		for range 100 {
			id := tx.NextID()
			if err := tx.PutLog(Log{ID: id, Name: strings.Repeat("x", 200) + strconv.FormatUint(id, 10)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// removeLogs removes the logs of numbers, each in a transaction that frees, until one fails.
func removeLogs(d *DB, ids []uint64) (removed int, err error) {
	for _, id := range ids {
		if err := d.Free(func(tx *Tx) error { return tx.DeleteLog(id) }); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// TestFullDiskIsOutlived fills the disk at many moments, with flushes and compactions on their way. Transactions say that
// it is full, and change nothing; reads go on; what frees room goes on for a while; and when there is room again all works
// as before, without being opened again.
func TestFullDiskIsOutlived(t *testing.T) {
	leaktest.Check(t)
	rooms := []int64{0, 1000, 4300}
	if testing.Short() {
		rooms = rooms[:2]
	}
	for _, room := range rooms {
		fullDisk(t, room<<10)
	}
}

func fullDisk(t *testing.T, room int64) {
	t.Helper()
	fs := disktest.New()
	o := Options{FS: fs, Dir: dir}
	d := open(t, o)
	fs.SetLimit(fs.Used() + room)
	logs, removed := 0, 0
	for round := range 2 {
		err := addLogs(d)
		for ; err == nil; err = addLogs(d) {
			logs += 100
		}
		if !errors.Is(err, ErrFull) || errors.Is(err, ErrStopped) {
			t.Fatalf("%d bytes, round %d: after %d logs: %v", room, round, logs, err)
		}
		if got := count(t, d); got != logs-removed {
			t.Fatalf("%d bytes, round %d: %d logs can be read, want %d", room, round, got, logs-removed)
		}
		var ids []uint64
		if err := d.Logs(func(l Log) error { ids = append(ids, l.ID); return nil }); err != nil {
			t.Fatal(err)
		}
		n, err := removeLogs(d, ids[:min(len(ids), 40)])
		if err != nil && (!errors.Is(err, ErrFull) || errors.Is(err, ErrStopped)) || n == 0 && len(ids) > 0 {
			t.Fatalf("%d bytes, round %d: after %d were removed: %v", room, round, n, err)
		}
		removed += n
		fs.SetLimit(0)
		if err := addLogs(d); err != nil {
			t.Fatalf("%d bytes, round %d: when there is room: %v", room, round, err)
		}
		logs += 100
		fs.SetLimit(fs.Used() + room)
	}
	fs.SetLimit(0)
	crashed := fs.Crash(uint64(room))
	mustClose(t, d)
	for _, fs := range []*disktest.FS{fs, crashed} {
		d := open(t, Options{FS: fs, Dir: dir})
		if got := count(t, d); got != logs-removed {
			t.Errorf("%d bytes: %d logs were kept, want %d", room, got, logs-removed)
		}
		if err := d.Check(func(p Problem) error { return p.Err }); err != nil {
			t.Error(err)
		}
		mustClose(t, d)
	}
}

// TestFullDiskIsOpened opens a DB when the disk is full: it can be read, and written to when there is room.
func TestFullDiskIsOpened(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	o := Options{FS: fs, Dir: dir}
	d := open(t, o)
	if err := addLogs(d); err != nil {
		t.Fatal(err)
	}
	mustClose(t, d)
	fs.SetLimit(fs.Used())
	d = open(t, o)
	if got := count(t, d); got != 100 {
		t.Errorf("%d logs of 100 can be read", got)
	}
	var err error
	for err == nil {
		err = addLogs(d)
	}
	if !errors.Is(err, ErrFull) || errors.Is(err, ErrStopped) {
		t.Errorf("a transaction: %v", err)
	}
	fs.SetLimit(0)
	if err := addLogs(d); err != nil {
		t.Errorf("when there is room: %v", err)
	}
	mustClose(t, d)
}

// TestReadOnlyFolderIsOutlived makes the folder read-only for a while.
func TestReadOnlyFolderIsOutlived(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	d := open(t, Options{FS: fs, Dir: dir})
	for round := range 3 {
		if err := addLogs(d); err != nil {
			t.Fatal(err)
		}
		fs.SetReadOnly(true)
		for range 2 {
			if err := addLogs(d); !errors.Is(err, ErrUnwritable) || errors.Is(err, ErrStopped) {
				t.Fatal(err)
			}
		}
		if got := count(t, d); got != 100*(round+1) {
			t.Errorf("%d logs can be read in round %d", got, round)
		}
		fs.SetReadOnly(false)
	}
	mustClose(t, d)
}
