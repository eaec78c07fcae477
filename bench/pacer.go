package bench

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// paceEvery is how far apart the pacer's wake-ups are at least. Tuples whose
// time comes in between are sent together; their lateness is recorded, and it
// is part of the latency. Shorter pauses lower the median a little and keep so
// small a machine as busy with waking up that the tail grows.
const paceEvery = 100 * time.Microsecond

// procsWithPacer is the processors (GOMAXPROCS) that a process with a pacer
// needs: its thread keeps one while it sleeps, until the Go runtime notices, up
// to 10 ms later, and the task would wait for that.
const procsWithPacer = 2

// pacer says when tuples are due. It is an open loop: the schedule does not
// wait for anybody. It runs on a goroutine and thread of its own that sleeps by
// nanosleep, because Go's timers are late by a millisecond on some machines.
type pacer struct {
	clock  clock
	rate   float64 // tuples a second
	tuples uint64  // in all
	warmUp uint64  // of them, whose lateness is not recorded
	wake   func()  // called whenever more are due

	start int64         // when the first tuple is due, on clock; set before begun is closed
	begun chan struct{} // closed when the schedule may start
	due   atomic.Uint64 // tuples whose time has come

	// Owned by the goroutine until done is closed.
	lateness *hdr.Histogram
	done     chan struct{}
}

// newPacer returns the pacer of a workload. Its caller calls run on a goroutine
// of its own and then begin.
func newPacer(c clock, s Spec, wake func()) *pacer {
	return &pacer{
		clock: c, rate: s.Rate, tuples: s.Tuples, warmUp: s.WarmUp, wake: wake,
		begun: make(chan struct{}), lateness: newHistogram(), done: make(chan struct{}),
	}
}

// deadline returns when whoever has not sent everything may give up: a quarter
// of the schedule after its end, and half a second at least.
func (p *pacer) deadline() int64 {
	end := p.intended(p.tuples)
	return end + max((end-p.start)/4, int64(500*time.Millisecond))
}

// intended returns when tuple i, from 0, has to be sent.
func (p *pacer) intended(i uint64) int64 {
	return p.start + int64(float64(i)*(1e9/p.rate))
}

// begin starts the schedule in a little while.
func (p *pacer) begin() {
	p.start = p.clock.now() + int64(time.Millisecond)
	close(p.begun)
}

// run waits for begin and releases tuples until the last one, or until ctx ends.
func (p *pacer) run(ctx context.Context) {
	defer close(p.done)
	select {
	case <-p.begun:
	case <-ctx.Done():
		return
	}
	runtime.LockOSThread() // for good: its timer slack is changed
	sharpenTimers()
	var due uint64
	for due < p.tuples && ctx.Err() == nil {
		now := p.clock.now()
		for ; due < p.tuples && p.intended(due) <= now; due++ {
			if due >= p.warmUp {
				record(p.lateness, now-p.intended(due))
			}
		}
		if due != p.due.Load() {
			p.due.Store(due)
			p.wake()
		}
		if due < p.tuples {
			sleepUntil(max(p.intended(due), now+int64(paceEvery)))
		}
	}
}
