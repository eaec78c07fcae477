package main

import (
	"context"
	"errors"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// user code: channels

// queue is the number of words that a channel holds.
const queue = 1024

// channels counts by goroutines with channels between them, a word at a time.
func channels(_ context.Context, run *adapter.Run) (*contract.Result, error) {
	sinks := make([]chan adapter.Draw, run.Parallelism)
	var counting sync.WaitGroup
	for i := range sinks {
		sinks[i] = make(chan adapter.Draw, queue)
		counter := run.Counter()
		counting.Go(func() {
			for d := range sinks[i] {
				counter.Add(d.Text, d.Due)
			}
		})
	}
	seed := maphash.MakeSeed()
	count := func(d adapter.Draw) {
		if len(sinks) == 1 {
			sinks[0] <- d
			return
		}
		sinks[maphash.String(seed, d.Text)%uint64(len(sinks))] <- d
	}
	err := emit(run, split(run, count))
	for _, sink := range sinks {
		close(sink)
	}
	counting.Wait()
	return nil, err
}

// split returns what splits sentences and calls out with their words; of words it is out itself.
func split(run *adapter.Run, out func(adapter.Draw)) func(adapter.Draw) {
	if run.Workload != words.Sentences {
		return out
	}
	return func(d adapter.Draw) {
		for word := range strings.SplitSeq(d.Text, " ") {
			out(adapter.Draw{Text: word, Due: d.Due})
		}
	}
}

// end of user code

// emit calls out with the draws of each source, by one goroutine a source.
func emit(run *adapter.Run, out func(adapter.Draw)) error {
	return emitIdle(run, func(int) (func(adapter.Draw), func()) { return out, func() {} })
}

// emitIdle calls for each source, by a goroutine of its own, the first that of returns with its draws, and the second when
// it waits for its next draw and when it has ended. of is called in the goroutine of the caller.
func emitIdle(run *adapter.Run, of func(source int) (out func(adapter.Draw), idle func())) error {
	var drawing sync.WaitGroup
	errs := make([]error, run.Parallelism)
	for i := range run.Parallelism {
		source, err := run.Source()
		if err != nil {
			return err
		}
		out, idle := of(i)
		source.Idle = func() error {
			idle()
			return nil
		}
		drawing.Go(func() {
			for {
				d, more := source.Next()
				if !more {
					idle()
					errs[i] = source.Err()
					return
				}
				out(d)
			}
		})
	}
	drawing.Wait()
	return errors.Join(errs...)
}
