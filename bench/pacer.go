package bench

import (
	"context"
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The pacer's wake-ups are at least so far apart. Tuples whose time comes in
// between are sent together; their lateness is recorded, and it is part of the
// latency. Shorter pauses lower the median a little and keep so small a machine as
// busy with waking up that the tail grows, the more so the busier it is.
const (
	paceEvery     = 100 * time.Microsecond
	paceFastEvery = 200 * time.Microsecond // at fastRate and above
	fastRate      = 1e6                    // tuples a second
)

// pacer says when tuples are due. It is an open loop: the schedule does not
// wait for anybody. It runs on a goroutine of its own that waits for an alarm,
// because Go's timers are late by a millisecond on some machines.
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
	failed   error
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

// dueAt returns how many tuples are due at an instant.
func (p *pacer) dueAt(now int64) uint64 {
	if now < p.start {
		return 0
	}
	n := min(uint64(float64(now-p.start)*(p.rate/1e9)), p.tuples) // may be one off, by rounding
	for n < p.tuples && p.intended(n) <= now {
		n++
	}
	for n > 0 && p.intended(n-1) > now {
		n--
	}
	return n
}

// recordStep is by how much times may differ, in nanoseconds, that recordSince records as one.
const recordStep = 4000

// recordSince records for the tuples from..to-1 how long before now they were
// due. The many that are due within recordStep are recorded at once, with the
// time of the first of them, which is the longest: at millions of tuples a second
// the measuring would take more than the engine otherwise.
func (p *pacer) recordSince(h *hdr.Histogram, from, to uint64, now int64) {
	step := max(1, uint64(p.rate*recordStep/1e9))
	for ; from < to; from += step {
		n := min(step, to-from)
		_ = h.RecordValues(inRange(now-p.intended(from)), int64(n)) // fails only out of range
	}
}

// begin starts the schedule in a little while.
func (p *pacer) begin() {
	p.start = p.clock.now() + int64(time.Millisecond)
	close(p.begun)
}

// err returns why the pacer has ended early, nil if it has not.
func (p *pacer) err() error {
	select {
	case <-p.done:
		return p.failed
	default:
		return nil
	}
}

// run waits for begin and releases tuples until the last one, or until ctx ends.
func (p *pacer) run(ctx context.Context) {
	defer close(p.done)
	select {
	case <-p.begun:
	case <-ctx.Done():
		return
	}
	a, err := newAlarm()
	if err != nil {
		p.failed = err
		return
	}
	defer a.close()
	defer context.AfterFunc(ctx, a.close)()
	pause := int64(paceEvery)
	if p.rate >= fastRate {
		pause = int64(paceFastEvery)
	}
	var due uint64
	for due < p.tuples && ctx.Err() == nil {
		now := p.clock.now()
		from := due
		due = p.dueAt(now)
		p.recordSince(p.lateness, max(from, p.warmUp), due, now)
		if due != from {
			p.due.Store(due)
			p.wake()
		}
		if due < p.tuples {
			if err := a.sleepUntil(max(p.intended(due), now+pause)); err != nil && ctx.Err() == nil {
				p.failed = err
				return
			}
		}
	}
}
