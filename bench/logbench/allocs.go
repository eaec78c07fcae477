package logbench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/ardea-stream/ardea/dlog"
)

const (
	allocAppends = 5000
	allocWarm    = 500 // before, so that pools are full
)

// allocs counts allocations of appends and of reads at the tail.
func (r *runner) allocs(ctx context.Context) error {
	f := r.figure(Allocs, "Allocations for each record", "none")
	for range r.c.Repeat {
		err := r.inStore("allocs", func(s *dlog.Store) error { return r.allocsIn(ctx, f, s) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) allocsIn(ctx context.Context, f *Figure, s *dlog.Store) error {
	run := r.number()
	l, err := s.Create("allocs", dlog.LogOptions{})
	if err != nil {
		return err
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		return err
	}
	reader, err := l.NewReader(dlog.First, dlog.ReadOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	record, n := newRecord(run, 0, 100), uint64(0)
	var b dlog.Batch
	appendOne := func() error {
		number(record, n)
		n++
		f, err := w.Append(b.Reset().Add(record), dlog.Disk)
		if err == nil {
			_, err = f.Wait(ctx)
		}
		return err
	}
	t := newTally("allocations", run, 1, 100)
	readOne := func() error {
		records, err := reader.TryNext(ctx)
		if err != nil {
			return err
		}
		for _, have := range records.All() {
			if err := t.see(have); err != nil {
				return err
			}
		}
		return nil
	}
	counts := map[string]float64{}
	for _, part := range []struct {
		name  string
		times int
		do    func() error
	}{
		{"", allocWarm, appendOne}, {"append", allocAppends, appendOne}, {"", allocWarm, readOne}, {"read at the tail", allocAppends, readOne},
	} {
		if counts[part.name], err = mallocs(part.times, part.do); err != nil {
			return err
		}
	}
	if t.next[0] != n {
		return &CheckError{"allocations", fmt.Sprintf("%d records were appended, %d were read", n, t.next[0])}
	}
	const is = "no allocation"
	r.add(f, "append, Disk, one writer", AllocsPer, is, counts["append"], 0)
	r.add(f, "read at the tail", AllocsPer, is, counts["read at the tail"], 0)
	return nil
}

// mallocs returns how many allocations of the whole process a call takes, on average.
func mallocs(times int, do func() error) (float64, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		if err := do(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(times), nil
}
