package metadata

import (
	"errors"
	"reflect"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// dir is the folder of a DB in memory.
const dir = "/disk/meta"

func open(tb testing.TB, o Options) *DB {
	tb.Helper()
	d, err := Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func mustClose(tb testing.TB, d *DB) {
	tb.Helper()
	if err := d.Close(); err != nil {
		tb.Fatal(err)
	}
}

func update(tb testing.TB, d *DB, change func(*Tx) error) {
	tb.Helper()
	if err := d.Update(change); err != nil {
		tb.Fatal(err)
	}
}

// full returns rows with every field set. The log has the numbers 1 and 1, and one before it is taken.
func full() (Log, Segment, Subscription) {
	return Log{
			ID: 2, Name: "orders/2024 ünï", Created: -3, Epoch: 4, First: 5, Sealed: true, Retain: Retention{Age: 6, Bytes: 7},
			Codec: 8, Parent: 1, ForkedAt: 9,
		},
		Segment{
			Log: 2, File: 1, Owner: 1, OwnerFirst: 2, First: 5, Next: 99, Bytes: 1000, TxID: -6, Time: -7, FirstTxID: -8,
			FirstTime: -9, Sealed: true, Created: 10,
		},
		Subscription{Log: 2, Name: "a reader", Offset: 1 << 63, Updated: -1}
}

// TestRowsComeBack writes a row of each kind and finds it again, also after the DB was closed, on both file systems.
func TestRowsComeBack(t *testing.T) {
	leaktest.Check(t)
	for name, o := range map[string]Options{
		"disk": {Dir: t.TempDir(), FS: disk.OS{}}, "memory": {Dir: dir, FS: disktest.New()},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, o)
			l, s, u := full()
			update(t, d, func(tx *Tx) error {
				return errors.Join(tx.PutLog(Log{ID: tx.NextID(), Name: "parent"}), func() error {
					if id, file := tx.NextID(), tx.NextFile(); id != l.ID || file != s.File {
						t.Errorf("got the numbers %d and %d", id, file)
					}
					return errors.Join(tx.PutLog(l), tx.PutSegment(s), tx.PutSubscription(u))
				}())
			})
			checkFull(t, d)
			mustClose(t, d)
			d = open(t, o)
			checkFull(t, d)
			mustClose(t, d)
		})
	}
}

func checkFull(t *testing.T, d *DB) {
	t.Helper()
	l, s, u := full()
	if got, ok, err := d.Log(l.Name); got != l || !ok || err != nil {
		t.Errorf("log: %+v, %v, %v", got, ok, err)
	}
	if got, ok, err := d.Subscription(u.Log, u.Name); got != u || !ok || err != nil {
		t.Errorf("subscription: %+v, %v, %v", got, ok, err)
	}
	var segments []Segment
	var subscriptions []Subscription
	err := errors.Join(
		d.Segments(s.Log, func(s Segment) error { segments = append(segments, s); return nil }),
		d.Subscriptions(u.Log, func(u Subscription) error { subscriptions = append(subscriptions, u); return nil }),
		d.Check(func(p Problem) error { return p.Err }),
	)
	if err != nil || !reflect.DeepEqual(segments, []Segment{s}) || !reflect.DeepEqual(subscriptions, []Subscription{u}) {
		t.Errorf("%+v, %+v, %v", segments, subscriptions, err)
	}
	if n, err := d.FileUsers(s.File); n != 1 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}
