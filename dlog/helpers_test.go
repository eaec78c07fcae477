package dlog

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// background is for helpers that have no test at hand.
var background = context.Background()

// spread calls a function with the numbers below n, on as many goroutines as may run.
func spread(n int, call func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				call(int(i))
			}
		})
	}
	all.Wait()
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
