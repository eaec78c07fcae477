package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The limits: programs without an engine that do the work of the random-words workload.
const (
	FusedLoop      = "fused loop"
	FusedLoopMap   = "fused loop, map"
	BatchedChannel = "batched channel"
	SocketRelay    = "socket relay"
)

// limits holds the programs. Each picks words and counts them with c until ctx
// ends, and keeps counted up to date.
var limits = map[string]func(ctx context.Context, p *Picker, c *Counter, counted *atomic.Uint64) error{
	FusedLoop:      fusedLoop,
	FusedLoopMap:   fusedLoop,
	BatchedChannel: batchedChannel,
	SocketRelay:    socketRelay,
}

// LimitNames returns the names of all limits, in the order in which reports show them.
func LimitNames() []string { return []string{FusedLoop, FusedLoopMap, BatchedChannel, SocketRelay} }

// runLimit measures one of the programs and checks it.
func runLimit(ctx context.Context, c Config, name string, repeat int) (LimitRun, error) {
	loop := &loop{}
	p, counter := c.Workload.picker(0), c.Workload.counter()
	switch name {
	case FusedLoop:
		counter = NewCounter()
	case FusedLoopMap:
		counter = newMapCounter()
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	var failure error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failure = limits[name](running, p, counter, &loop.counted)
	}()
	w, err := observe(ctx, loop, c.WarmUp, c.Duration)
	stop()
	<-ended
	if err = errors.Join(failure, err); err != nil {
		return LimitRun{}, fmt.Errorf("bench: %s, run %d: %w", name, repeat, err)
	}
	r := LimitRun{Name: name, Repeat: repeat, Cost: w.cost, AllocsPerTuple: ratio(float64(w.after.mallocs-w.before.mallocs), float64(w.cost.Tuples))}
	return r, compareTallies(fmt.Sprintf("%s, run %d", name, repeat), p.Tally(), c.Workload.tally(counter))
}

// loop is a limit as a subject: it runs in this process.
type loop struct{ counted atomic.Uint64 }

func (l *loop) read(context.Context) (reading, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return reading{}, fmt.Errorf("bench: CPU time: %w", err)
	}
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	now := part{at: time.Since(started), tuples: float64(l.counted.Load()), cpu: cpu}
	return reading{parts: []part{now}, mallocs: mallocs()}, nil
}

// started is the beginning of a clock for loops.
var started = time.Now()

func (l *loop) pids() []int { return []int{ownPID} }

// mallocs returns the number of objects that this process has allocated.
func mallocs() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/tiny/allocs:objects"}}
	metrics.Read(s)
	return s[0].Value.Uint64() + s[1].Value.Uint64()
}

// stride is the number of words between two looks at whether to stop.
const stride = 4096

// fusedLoop picks a word and counts it, over and over.
func fusedLoop(ctx context.Context, p *Picker, c *Counter, counted *atomic.Uint64) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		for range stride {
			c.Add(p.Next())
		}
		counted.Add(stride)
	}
	return nil
}

// wordsPerBatch is how many words go over the channel at once.
const wordsPerBatch = 256

// batchedChannel picks in one goroutine and counts in another. Batches go round
// and are used again.
func batchedChannel(ctx context.Context, p *Picker, c *Counter, counted *atomic.Uint64) error {
	const batches = 16
	full, empty := make(chan [][]byte, batches), make(chan [][]byte, batches)
	for range batches {
		empty <- make([][]byte, wordsPerBatch)
	}
	go func() {
		defer close(full)
		for ctx.Err() == nil {
			batch := <-empty
			for i := range batch {
				word := p.Next()
				if p.dictionary == nil { // the picker will write other words there
					word = append(batch[i][:0], word...)
				}
				batch[i] = word
			}
			full <- batch
		}
	}()
	for batch := range full {
		for _, word := range batch {
			c.Add(word)
		}
		counted.Add(wordsPerBatch)
		empty <- batch
	}
	return nil
}
