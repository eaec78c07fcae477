package metadata

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestCheckName tries names at the bounds of the rules.
func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "a b", "/", "..", "Größe", "日本", strings.Repeat("x", MaxName)} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", " a", "a ", "a\n", "\x00", "a\u200b", "\xff", strings.Repeat("x", MaxName+1)} {
		if err := CheckName(bad); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestErrorsOfTransactions breaks each rule of Tx. A transaction that returns the error has changed nothing.
func TestErrorsOfTransactions(t *testing.T) {
	leaktest.Check(t)
	d := open(t, Options{FS: disktest.New(), Dir: dir})
	defer mustClose(t, d)
	update(t, d, func(tx *Tx) error {
		tx.NextFile()
		return errors.Join(tx.PutLog(Log{ID: tx.NextID(), Name: "a"}), tx.PutLog(Log{ID: tx.NextID(), Name: "b"}),
			tx.PutLog(Log{ID: tx.NextID(), Name: "gone"}), tx.DeleteLog(3))
	})
	for name, c := range map[string]struct {
		want   error
		change func(tx *Tx) error
	}{
		"a name twice":             {ErrExists, func(tx *Tx) error { return tx.PutLog(Log{ID: tx.NextID(), Name: "a"}) }},
		"a name twice, by rename":  {ErrExists, func(tx *Tx) error { return tx.Rename(1, "b") }},
		"a name twice, by put":     {ErrExists, func(tx *Tx) error { return tx.PutLog(Log{ID: 1, Name: "b"}) }},
		"a bad name":               {ErrName, func(tx *Tx) error { return tx.PutLog(Log{ID: tx.NextID()}) }},
		"a bad name, by rename":    {ErrName, func(tx *Tx) error { return tx.Rename(1, " ") }},
		"a bad subscription":       {ErrName, func(tx *Tx) error { return tx.PutSubscription(Subscription{Log: 1}) }},
		"a deleted log":            {ErrDeleted, func(tx *Tx) error { return tx.PutLog(Log{ID: 3, Name: "c"}) }},
		"log 0":                    {ErrRow, func(tx *Tx) error { return tx.PutLog(Log{Name: "c"}) }},
		"a log not given out":      {ErrRow, func(tx *Tx) error { return tx.PutLog(Log{ID: 9, Name: "c"}) }},
		"a file not given out":     {ErrRow, func(tx *Tx) error { return tx.PutSegment(Segment{Log: 1, File: 2}) }},
		"a segment that runs back": {ErrRow, func(tx *Tx) error { return tx.PutSegment(Segment{Log: 1, File: 1, First: 2, Next: 1}) }},
		"a segment of no log":      {ErrNotFound, func(tx *Tx) error { return tx.PutSegment(Segment{Log: 3, File: 1}) }},
		"a subscription to no log": {ErrNotFound, func(tx *Tx) error { return tx.PutSubscription(Subscription{Log: 3, Name: "u"}) }},
		"rename no log":            {ErrNotFound, func(tx *Tx) error { return tx.Rename(3, "c") }},
		"delete no log":            {ErrNotFound, func(tx *Tx) error { return tx.DeleteLog(3) }},
	} {
		err := d.Update(func(tx *Tx) error {
			return errors.Join(tx.PutSubscription(Subscription{Log: 1, Name: "trace"}), c.change(tx))
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, ok, err := d.Subscription(1, "trace"); ok || err != nil {
			t.Fatalf("%s: a part was done, %v", name, err)
		}
	}
	update(t, d, func(tx *Tx) error { // what is not there is no error
		return errors.Join(tx.DeleteSegment(1, 7), tx.DeleteSubscription(1, "nobody"), tx.Rename(1, "a"))
	})
	if err := d.Check(func(p Problem) error { return p.Err }); err != nil {
		t.Error(err)
	}
}

// TestTombstonesHaveTheTime deletes a log by a clock of the test's.
func TestTombstonesHaveTheTime(t *testing.T) {
	leaktest.Check(t)
	d := open(t, Options{FS: disktest.New(), Dir: dir, Now: func() time.Time { return time.Unix(7, 8) }})
	defer mustClose(t, d)
	update(t, d, func(tx *Tx) error {
		return errors.Join(tx.PutLog(Log{ID: tx.NextID(), Name: "a"}), tx.DeleteLog(1))
	})
	if at, ok, err := d.Deleted(1); at != 7e9+8 || !ok || err != nil {
		t.Errorf("deleted at %d, %v, %v", at, ok, err)
	}
}

// TestNumbersOfFailedTransactions are not given out again while the DB is open.
func TestNumbersOfFailedTransactions(t *testing.T) {
	leaktest.Check(t)
	d := open(t, Options{FS: disktest.New(), Dir: dir})
	defer mustClose(t, d)
	errNo := errors.New("no")
	if err := d.Update(func(tx *Tx) error { tx.NextID(); tx.NextFile(); return errNo }); !errors.Is(err, errNo) {
		t.Error(err)
	}
	update(t, d, func(tx *Tx) error {
		if id, file := tx.NextID(), tx.NextFile(); id != 2 || file != 2 {
			t.Errorf("got the numbers %d and %d", id, file)
		}
		return nil
	})
}

// TestLocked opens a DB twice, and calls one that is closed.
func TestLocked(t *testing.T) {
	leaktest.Check(t)
	for name, o := range map[string]Options{
		"disk": {Dir: t.TempDir(), FS: disk.OS{}}, "memory": {Dir: dir, FS: disktest.New()},
	} {
		d := open(t, o)
		if _, err := Open(o); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
		mustClose(t, d)
		for call, err := range map[string]error{
			"Close":  d.Close(),
			"Update": d.Update(func(*Tx) error { return nil }),
			"Logs":   d.Logs(func(Log) error { return nil }),
		} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%s: %s after Close: %v", name, call, err)
			}
		}
		mustClose(t, open(t, o))
	}
	if _, err := Open(Options{}); err == nil {
		t.Error("a DB without a folder was opened")
	}
}

// TestSeen gives a DB another's SEEN: one of more transactions, a damaged one, none at all.
func TestSeen(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	o := Options{FS: fs, Dir: dir}
	d := open(t, o)
	for range 3 {
		update(t, d, func(tx *Tx) error { tx.NextID(); return nil })
	}
	mustClose(t, d)
	n, ok, err := readSeen(fs, dir)
	if n != 3 || !ok || err != nil {
		t.Fatalf("%d transactions were seen, %v, %v", n, ok, err)
	}
	slots := func(first, second []byte) []byte {
		b := make([]byte, 2*disk.Sector)
		copy(b, first)
		copy(b[disk.Sector:], second)
		return b
	}
	noise, two, three := numberRow(key(kindTombstone, 3), 3), numberRow(seenKey, 2), numberRow(seenKey, 3)
	for name, b := range map[string][]byte{
		"more transactions":      slots(numberRow(seenKey, 4), three),
		"wrong checksum":         slots(append(two[:12:12], 0), append(three[:12:12], 0)),
		"too short":              two[:12],
		"empty":                  {},
		"rows of something else": slots(noise, noise),
	} {
		left := fs.Crash(0)
		if err := left.WriteFile(dir+"/"+seenFile, b); err != nil {
			t.Fatal(err)
		}
		if d, err := Open(Options{FS: left, Dir: dir}); err == nil {
			t.Errorf("%s: opened", name)
			mustClose(t, d)
		} else if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		d := open(t, Options{FS: left, Dir: dir, ReadOnly: true})
		if err := d.Update(func(*Tx) error { return nil }); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
		mustClose(t, d)
	}
	for name, b := range map[string][]byte{
		"killed before it was noted": slots(two, numberRow(seenKey, 1)),
		"one row is damaged":         slots(noise, three),
		"one row is left":            two,
	} {
		if err := fs.WriteFile(dir+"/"+seenFile, b); err != nil {
			t.Fatal(err)
		}
		mustClose(t, open(t, o))
		if n, _, err := readSeen(fs, dir); n != 3 || err != nil {
			t.Errorf("%s: %d transactions were noted after Open, %v", name, n, err)
		}
	}
}

// TestReadsAfterAStop has a sync fail. Transactions end, and reads find what was committed.
func TestReadsAfterAStop(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	var told error
	d := open(t, Options{FS: fs, Dir: dir, Hooks: Hooks{Failed: func(err error) { told = err }}})
	update(t, d, func(tx *Tx) error { return tx.PutLog(Log{ID: tx.NextID(), Name: "a"}) })
	fs.Fail(disktest.Fault{Kind: disktest.OpSync, K: 1, Err: syscall.EIO})
	for range 2 {
		if err := addLog(d); !errors.Is(err, ErrStopped) || !errors.Is(err, syscall.EIO) || errors.Is(err, ErrFull) {
			t.Error(err)
		}
	}
	if !errors.Is(told, ErrStopped) {
		t.Errorf("the hook was told %v", told)
	}
	if l, ok, err := d.Log("a"); l.ID != 1 || !ok || err != nil {
		t.Errorf("%+v, %v, %v", l, ok, err)
	}
	if err := d.Close(); err != nil && !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
}
