package journal

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/bench/logbench/bare"
)

// plain returns a function that appends n records to the bare loop and waits.
func plain(l *bare.Loop, n int) func() error {
	a, payload := l.Appender(), made(1, 100).Payload
	return func() error { return a.Append(payload, n) }
}

// round has so many appenders append each times, and returns how long that took.
func round(b *testing.B, appenders []func() error, each int) time.Duration {
	b.Helper()
	start := time.Now()
	var all sync.WaitGroup
	for _, one := range appenders {
		all.Go(func() {
			for range each {
				if err := one(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// BenchmarkAppend appends records of 100 bytes that are durable when the appender goes on: alone, with many appenders,
// and in entries of 100 records. The bare loop and the journal take turns in each iteration; ratio is what the journal
// reaches of the loop's rate.
func BenchmarkAppend(b *testing.B) {
	for _, bc := range []struct{ waiters, records, each int }{{1, 1, 300}, {64, 1, 50}, {1024, 1, 20}, {64, 100, 20}} {
		b.Run(fmt.Sprintf("waiters=%d/records=%d", bc.waiters, bc.records), func(b *testing.B) {
			loop, err := bare.Open(filepath.Join(b.TempDir(), "bare"), 64<<20)
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if _, err := loop.Close(); err != nil {
					b.Error(err)
				}
			}()
			j, _, err := Open(Options{Dir: b.TempDir()}, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			var limit, full []func() error
			for range bc.waiters {
				limit = append(limit, plain(loop, bc.records))
				e, w := made(1, 100*bc.records), NewWaiter()
				e.Count = uint32(bc.records)
				full = append(full, func() error {
					_, err := w.Append(j, &e, Disk)
					return err
				})
			}
			var plainTime, fullTime time.Duration
			rounds := 0
			round(b, full, 1) // the first file is made
			for b.Loop() {
				plainTime += round(b, limit, bc.each)
				fullTime += round(b, full, bc.each)
				j.Release(j.Synced())
				rounds++
			}
			records := float64(rounds * bc.waiters * bc.records * bc.each)
			b.ReportMetric(records/plainTime.Seconds(), "bare-records/s")
			b.ReportMetric(records/fullTime.Seconds(), "records/s")
			b.ReportMetric(plainTime.Seconds()/fullTime.Seconds(), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkRecovery opens a journal of 64 MiB in entries of 1 KiB.
func BenchmarkRecovery(b *testing.B) {
	o := Options{Dir: b.TempDir()}
	j, _, err := Open(o, nil)
	if err != nil {
		b.Fatal(err)
	}
	e := made(1, 1024)
	for range 64 << 10 {
		if err := j.Append(&e, Memory, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(64 << 20)
	for b.Loop() {
		r := recoverer{o: o.withDefaults()}
		for _, step := range []func() error{r.list, r.identify, r.bounds, func() error { return r.replay(nil) }} {
			if err := step(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
