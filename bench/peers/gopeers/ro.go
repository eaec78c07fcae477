package main

import (
	"context"
	"errors"
	"strings"

	"github.com/samber/ro"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// user code: ro

// reactive counts by observables, in the goroutine of the source.
func reactive(_ context.Context, run *adapter.Run) (*contract.Result, error) {
	if run.Parallelism > 1 {
		return nil, errors.New("observables share the goroutine of their source: measure with a parallelism of 1")
	}
	counter := run.Counter()
	source, err := run.Source()
	if err != nil {
		return nil, err
	}
	draws := observe(source)
	if run.Workload == words.Sentences {
		draws = ro.Pipe1(draws, splitSentences)
	}
	draws.Subscribe(ro.NewObserver(
		func(d adapter.Draw) { counter.Add(d.Text, d.Due) },
		func(error) {},
		func() {},
	))
	return nil, source.Err()
}

// splitSentences is an operator, made as those of the library are.
func splitSentences(sentences ro.Observable[adapter.Draw]) ro.Observable[adapter.Draw] {
	return ro.NewUnsafeObservable(func(to ro.Observer[adapter.Draw]) ro.Teardown {
		return sentences.Subscribe(ro.NewObserver(
			func(d adapter.Draw) {
				for word := range strings.SplitSeq(d.Text, " ") {
					to.Next(adapter.Draw{Text: word, Due: d.Due})
				}
			},
			to.Error,
			to.Complete,
		)).Unsubscribe
	})
}

// end of user code

// observe returns an observable of the draws of a source.
func observe(source *adapter.Source) ro.Observable[adapter.Draw] {
	return ro.NewUnsafeObservable(func(to ro.Observer[adapter.Draw]) ro.Teardown {
		for {
			d, more := source.Next()
			if !more {
				to.Complete()
				return nil
			}
			to.Next(d)
		}
	})
}
