package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// bare is the limit that a journal is held against: one goroutine that writes what waits and syncs once for it, in one
// file that was written before. It keeps a length and a checksum of each record, and nothing else; it cannot be read.
type bare struct {
	f    disk.File
	in   chan bareRecord
	done chan struct{}
}

type bareRecord struct {
	b    []byte // header and payload, as often as there are records
	told chan error
}

func newBare(b *testing.B) *bare {
	b.Helper()
	f, err := disk.OS{}.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Preallocate(64 << 20); err != nil {
		b.Fatal(err)
	}
	l := &bare{f: f, in: make(chan bareRecord, 4096), done: make(chan struct{})}
	go l.run()
	b.Cleanup(func() {
		close(l.in)
		<-l.done
		_ = f.Close()
	})
	return l
}

func (l *bare) run() {
	defer close(l.done)
	var buf []byte
	var waiting []chan error
	at := int64(0)
	for r := range l.in {
		buf, waiting = append(buf[:0], r.b...), append(waiting[:0], r.told)
		for len(l.in) > 0 && len(buf) < 4<<20 {
			r := <-l.in
			buf, waiting = append(buf, r.b...), append(waiting, r.told)
		}
		if at+int64(len(buf)) > 64<<20 {
			at = 0
		}
		_, err := l.f.WriteAt(buf, at)
		if err == nil {
			err = l.f.SyncData()
		}
		at += int64(len(buf))
		for _, told := range waiting {
			told <- err
		}
		runtime.Gosched() // as the writer does
	}
}

// appender returns a function that appends n records and waits.
func (l *bare) appender(n int) func() error {
	payload, told := made(1, 100).Payload, make(chan error, 1)
	b := make([]byte, 0, n*108)
	return func() error {
		b = b[:0]
		for range n {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
			b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(payload, castagnoli))
			b = append(b, payload...)
		}
		l.in <- bareRecord{b, told}
		return <-told
	}
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
			loop := newBare(b)
			j, _, err := Open(Options{Dir: b.TempDir()}, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			var plain, full []func() error
			for range bc.waiters {
				plain = append(plain, loop.appender(bc.records))
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
				plainTime += round(b, plain, bc.each)
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
		for _, step := range []func() error{r.list, r.identify, r.survey, func() error { return r.replay(nil) }} {
			if err := step(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
