package metadata

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestCheck plants rows behind the back of the DB that contradict each other, takes rows away and spoils them: Check tells
// of each, and Open refuses the DB afterwards.
func TestCheck(t *testing.T) {
	leaktest.Check(t)
	put := func(p *pebble.DB, k, row []byte) error { return p.Set(k, row, pebble.Sync) }
	remove := func(p *pebble.DB, k []byte) error { return p.Delete(k, pebble.Sync) }
	log := func(id uint64, name string) ([]byte, []byte) {
		k, l := key(kindLog, id), Log{Name: name}
		return k, l.row(k)
	}
	segment := func(id, file, first, next uint64) ([]byte, []byte) {
		k, s := key(kindSegment, id, file), Segment{First: first, Next: next}
		return k, s.row(k)
	}
	number := func(k []byte, n uint64) ([]byte, []byte) { return k, numberRow(k, n) }
	for says, plant := range map[string]func(p *pebble.DB) error{
		"log 9 has a number that was never given out": func(p *pebble.DB) error { k, row := log(9, "x"); return put(p, k, row) },
		`log 1 has the name " "`:                      func(p *pebble.DB) error { k, row := log(1, " "); return put(p, k, row) },
		`log 1 is not found by its name "a"`:          func(p *pebble.DB) error { return remove(p, nameKey("a")) },
		"log 1 has a tombstone": func(p *pebble.DB) error {
			k, row := number(key(kindTombstone, 1), 5)
			return put(p, k, row)
		},
		`the name "x" stands for log 1`:       func(p *pebble.DB) error { k, row := number(nameKey("x"), 1); return put(p, k, row) },
		"log 1 uses file 9, a number that":    func(p *pebble.DB) error { k, row := segment(1, 9, 20, 20); return put(p, k, row) },
		"log 1 uses file 2, and the file":     func(p *pebble.DB) error { return remove(p, key(kindFile, 2, 1)) },
		"file 1 is used by log 1, which has":  func(p *pebble.DB) error { return remove(p, key(kindSegment, 1, 1)) },
		"log 1 begins at 0, its first":        func(p *pebble.DB) error { return remove(p, key(kindSegment, 1, 1)) },
		"file 2 begins at 11, file 1 before":  func(p *pebble.DB) error { k, row := segment(1, 2, 11, 20); return put(p, k, row) },
		"file 2 begins at 9, file 1 before":   func(p *pebble.DB) error { k, row := segment(1, 2, 9, 20); return put(p, k, row) },
		"log 1 has segments and does not":     func(p *pebble.DB) error { return remove(p, key(kindLog, 1)) },
		"there are 6 rows, and there were 7":  func(p *pebble.DB) error { return remove(p, subscriptionKey(1, "u")) },
		"the 7 rows are not those that were":  func(p *pebble.DB) error { k, row := segment(1, 2, 10, 21); return put(p, k, row) },
		"the row of log 1 is corrupt":         func(p *pebble.DB) error { return put(p, key(kindLog, 1), []byte("nonsense")) },
		"the row of the counters is corrupt":  func(p *pebble.DB) error { return put(p, key(kindState), nil) },
		`the row of key "zebra" is corrupt`:   func(p *pebble.DB) error { return put(p, []byte("zebra"), seal([]byte("zebra"), nil)) },
		`to log 1, "u" is corrupt`:            func(p *pebble.DB) error { return put(p, subscriptionKey(1, "u"), nil) },
		"the use of file 1 by log 1 is corr":  func(p *pebble.DB) error { return put(p, key(kindFile, 1, 1), nil) },
		`the row of the name "a" is corrupt`:  func(p *pebble.DB) error { return put(p, nameKey("a"), nil) },
		"the row of log 1, file 1 is corrupt": func(p *pebble.DB) error { return put(p, key(kindSegment, 1, 1), nil) },
	} {
		o := Options{FS: disktest.New(), Dir: dir}
		d := open(t, o)
		update(t, d, func(tx *Tx) error {
			return errors.Join(tx.PutLog(Log{ID: tx.NextID(), Name: "a"}),
				tx.PutSegment(Segment{Log: 1, File: tx.NextFile(), Next: 10}),
				tx.PutSegment(Segment{Log: 1, File: tx.NextFile(), First: 10, Next: 20}),
				tx.PutSubscription(Subscription{Log: 1, Name: "u"}))
		})
		if err := plant(d.pebble); err != nil {
			t.Fatal(err)
		}
		mustTell(t, d, says)
		mustClose(t, d)
		if _, err := Open(o); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: Open: %v", says, err)
		}
		o.ReadOnly = true
		d = open(t, o)
		mustTell(t, d, says)
		mustClose(t, d)
	}
}

func mustTell(t *testing.T, d *DB, says string) {
	t.Helper()
	var told []string
	err := d.Check(func(p Problem) error {
		if !errors.Is(p.Err, ErrCorrupt) {
			t.Errorf("not ErrCorrupt: %v", p.Err)
		}
		told = append(told, p.Err.Error())
		return nil
	})
	if err != nil || !strings.Contains(strings.Join(told, "\n"), says) {
		t.Errorf("Check does not say %q: %q, %v", says, told, err)
	}
}
