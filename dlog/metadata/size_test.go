package metadata

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestManyLogs lists 100,000 logs. Listing makes little garbage for each, and holds nothing of those that were listed.
func TestManyLogs(t *testing.T) {
	if testing.Short() || invariants.Enabled {
		t.Skip("counts what the plain program allocates")
	}
	leaktest.Check(t)
	const logs, each = 100_000, 1000
	o := Options{FS: disktest.New(), Dir: dir}
	d := open(t, o)
	for at := 0; at < logs; at += each {
		update(t, d, func(tx *Tx) error {
			for range each {
				l := Log{ID: tx.NextID(), Name: "tenant/" + strconv.Itoa(at)}
				k := key(kindLog, l.ID) // without its name and what PutLog looks for first
				row := l.row(k)
				tx.state.content.add(k, row)
				if err := tx.batch.Set(k, row, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	mustClose(t, d)
	d = open(t, o)
	defer mustClose(t, d)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	if err := d.Logs(func(Log) error { n++; return nil }); err != nil || n != logs {
		t.Errorf("%d logs, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	objects, bytes := float64(after.Mallocs-before.Mallocs)/logs, float64(after.TotalAlloc-before.TotalAlloc)/logs
	t.Logf("%.2f objects and %.0f bytes for each log", objects, bytes)
	// The name, and what Pebble makes for each block of many rows.
	if objects > 1.5 || bytes > 150 {
		t.Errorf("%.2f objects and %.0f bytes for each log, at most 1.5 and 150 are expected", objects, bytes)
	}
}
