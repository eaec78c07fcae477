package dlog

import (
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// kept returns where a log begins and how many bytes its files have, after retention has looked at it at a time.
func kept(t *testing.T, l *Log, now time.Time) (first uint64, bytes int64) {
	t.Helper()
	if err := l.store.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if err := l.store.retireLog(l, now); err != nil {
		t.Fatal(err)
	}
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	return info.First, info.Bytes
}

func TestRetention(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	s := mustStore(t, tiny(fs))
	w := newWriter(t, s, "a", LogOptions{})
	l := w.Log()
	fill(t, w, 0, 900)
	now := time.Now()
	if first, _ := kept(t, l, now.Add(1000*time.Hour)); first != 0 {
		t.Fatalf("without retention it begins at %d", first)
	}
	if err := l.Retain(Retention{Bytes: 10 << 10, Age: time.Hour}); err != nil {
		t.Fatal(err)
	}
	first, bytes := kept(t, l, now)
	if first == 0 || bytes < 10<<10 || bytes > 20<<10 {
		t.Errorf("by size it begins at %d and has %d bytes", first, bytes)
	}
	if n := readAll(t, l, first, "a"); n != 900-int(first) {
		t.Errorf("%d records from %d", n, first)
	}
	if again, _ := kept(t, l, now.Add(30*time.Minute)); again != first {
		t.Errorf("it begins at %d, before the time", again)
	}
	if all, _ := kept(t, l, now.Add(2*time.Hour)); all != 900 {
		t.Errorf("by age it begins at %d", all)
	}
	files, err := fs.List(s.segments)
	if err != nil || len(files) > 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
	fill(t, w, 900, 1000)
	mustCloseStore(t, s)
	s = mustStore(t, tiny(fs))
	if l, err = s.Log("a"); err != nil {
		t.Fatal(err)
	}
	if n := readAll(t, l, 900, "a"); n != 100 {
		t.Errorf("%d records after a restart", n)
	}
	mustCloseStore(t, s)
}

func TestRetentionSparesSubscriptions(t *testing.T) {
	leaktest.Check(t)
	for _, spare := range []bool{false, true} {
		o := tiny(disktest.New())
		o.KeepForSubscriptions = spare
		s := mustStore(t, o)
		w := newWriter(t, s, "a", LogOptions{Retain: Retention{Age: time.Hour}})
		l := w.Log()
		fill(t, w, 0, 600)
		var subs [2]*Subscription
		for i, at := range []uint64{400, 200} {
			sub, err := l.Subscribe([]string{"x", "y"}[i], Offset(at))
			if err != nil {
				t.Fatal(err)
			}
			subs[i] = sub
		}
		later := time.Now().Add(2 * time.Hour)
		want := map[bool][]uint64{false: {600, 600, 600}, true: {200, 400, 600}}[spare]
		for i, next := range []func() error{
			func() error { return nil }, subs[1].Delete, func() error { return subs[0].Commit(600) },
		} {
			if err := next(); err != nil {
				t.Fatal(err)
			}
			if first, _ := kept(t, l, later); first != want[i] {
				t.Errorf("spare %v: it begins at %d, want %d", spare, first, want[i])
			}
		}
		mustCloseStore(t, s)
	}
}
