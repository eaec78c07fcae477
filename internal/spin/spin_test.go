package spin

import (
	"runtime"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestLock counts under a lock that others hold for short, and for as long as others can run.
func TestLock(t *testing.T) {
	leaktest.Check(t)
	var mu sync.Mutex
	var all sync.WaitGroup
	n := 0
	for i := range 8 {
		all.Go(func() {
			for range 1000 {
				Lock(&mu)
				n++
				if i == 0 {
					runtime.Gosched()
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if n != 8000 {
		t.Errorf("counted %d of 8000", n)
	}
}
