package main

import (
	"context"
	"hash/maphash"
	"sync"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// user code: batches

// batchSize is the number of words that travel together, queued the number of batches that wait for a task.
const (
	batchSize = 256
	queued    = 16
)

// batches counts by goroutines with channels between them, many words at a time.
func batches(_ context.Context, run *adapter.Run) (*contract.Result, error) {
	pool := sync.Pool{New: func() any { b := make([]adapter.Draw, 0, batchSize); return &b }}
	sinks := make([]chan *[]adapter.Draw, run.Parallelism)
	var counting sync.WaitGroup
	for i := range sinks {
		sinks[i] = make(chan *[]adapter.Draw, queued)
		counter := run.Counter()
		counting.Go(func() {
			for b := range sinks[i] {
				for _, d := range *b {
					counter.Add(d.Text, d.Due)
				}
				*b = (*b)[:0]
				pool.Put(b)
			}
		})
	}
	seed := maphash.MakeSeed()
	err := emitIdle(run, func(int) (out func(adapter.Draw), idle func()) {
		filling := make([]*[]adapter.Draw, len(sinks))
		for to := range filling {
			filling[to] = pool.Get().(*[]adapter.Draw)
		}
		flush := func(to int) {
			if len(*filling[to]) > 0 {
				sinks[to] <- filling[to]
				filling[to] = pool.Get().(*[]adapter.Draw)
			}
		}
		add := func(d adapter.Draw) {
			to := 0
			if len(sinks) > 1 {
				to = int(maphash.String(seed, d.Text) % uint64(len(sinks)))
			}
			if *filling[to] = append(*filling[to], d); len(*filling[to]) == batchSize {
				flush(to)
			}
		}
		return split(run, add), func() {
			for to := range filling {
				flush(to)
			}
		}
	})
	for _, sink := range sinks {
		close(sink)
	}
	counting.Wait()
	return nil, err
}

// end of user code
