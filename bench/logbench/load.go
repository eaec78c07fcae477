package logbench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// runBytes bounds what one run appends, so that it is known how much room it needs.
const runBytes = 1 << 30

// appender appends once, waits until that is durable, and returns how many bytes it were.
type appender func() (int, error)

// outcome is what a run of appenders has reached.
type outcome struct {
	appends []uint64 // of each
	took    time.Duration
	nanos   []uint32 // of each append; not sorted, nothing over 4 s
}

// sum returns how many appends there were.
func (o *outcome) sum() (n uint64) {
	for _, appends := range o.appends {
		n += appends
	}
	return n
}

// rate returns appends per second.
func (o *outcome) rate() float64 { return float64(o.sum()) / o.took.Seconds() }

// drive has each appender append on a goroutine of its own, until time or bytes are used up.
func drive(ctx context.Context, each []appender, d time.Duration) (*outcome, error) {
	o := &outcome{appends: make([]uint64, len(each))}
	var stop atomic.Bool
	var bytes atomic.Int64
	times, errs := make([][]uint32, len(each)), make([]error, len(each))
	timer := time.AfterFunc(d, func() { stop.Store(true) })
	defer timer.Stop()
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	var all sync.WaitGroup
	start := time.Now()
	for w, one := range each {
		all.Go(func() {
			before := time.Now()
			for !stop.Load() {
				n, err := one()
				if err != nil {
					errs[w] = err
					stop.Store(true)
					return
				}
				now := time.Now()
				times[w] = append(times[w], uint32(min(now.Sub(before), 1<<32-1)))
				before = now
				o.appends[w]++
				if bytes.Add(int64(n)) > runBytes {
					stop.Store(true)
				}
			}
		})
	}
	all.Wait()
	o.took, o.nanos = time.Since(start), slices.Concat(times...)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return o, nil
}

// quantile returns the time below which a share of times lies, in microseconds, and sorts them.
func quantile(nanos []uint32, share float64) float64 {
	if len(nanos) == 0 {
		return 0
	}
	slices.Sort(nanos)
	return float64(nanos[min(int(share*float64(len(nanos))), len(nanos)-1)]) / 1e3
}
