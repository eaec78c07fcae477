package pace

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	allowed    = 0.03                   // part of the appends that reads may cost while they are on their way
	defaultMin = 4 << 20                // bytes/s
	idleAfter  = time.Second            // without appends
	credit     = 5 * time.Millisecond   // of reading: what unused time is good for
	debt       = 100 * time.Millisecond // of reading: what a read that took long is paid for with at most
	burst      = 10 * time.Millisecond  // of Max, likewise
	shortest   = 2 * time.Millisecond   // sleeps: timers are no better than 1 ms
	longest    = 50 * time.Millisecond  // sleeps, so that a change is noticed
)

// Options configure a Pacer. The zero value is a good choice.
type Options struct {
	// Max is the highest rate in bytes per second, 0 for none: then readers are not held back at all while nothing is
	// appended.
	Max int64
	// Min is the rate in bytes per second that readers get however much that costs. Default: 4 MiB/s, or Max if that is
	// less.
	Min int64
	// Off lets readers read as fast as they can, whatever it costs.
	Off bool
	// Clock is for tests. Default: that of this machine.
	Clock Clock
}

// Validate returns what is wrong with the options.
func (o Options) Validate() error {
	if o.Max < 0 || o.Min < 0 || o.Max > 0 && o.Min > o.Max {
		return fmt.Errorf("pace: Min is %d and Max is %d, want 0 <= Min <= Max", o.Min, o.Max)
	}
	if o.Off && (o.Max > 0 || o.Min > 0) {
		return errors.New("pace: Off goes with neither Min nor Max")
	}
	return nil
}

// Stats is what a pacer has done.
type Stats struct {
	Idle    bool          // nothing is appended: readers are free up to Max
	Share   float64       // of the time that readers may read in while something is
	Cost    float64       // part of the appends that are lost while one reads, from 0.03, which is as good as none, to 1
	Rate    int64         // bytes/s that Share comes to as fast as reads were last, 0 if there were none
	Granted int64         // bytes, since New
	Waited  time.Duration // by all readers together, since New
	Reading time.Duration // likewise
}

// Pacer shares the time of a disk among readers.
type Pacer struct {
	max, min float64
	off      bool
	clock    Clock
	started  time.Time

	last    atomic.Int64  // when the last sync was observed, since started
	reading atomic.Int32  // turns that are not done
	beside  tally         // syncs that ended while one read
	alone   tally         // those that did not
	turn    chan struct{} // held by the reader whose turn it is while something is appended

	mu struct {
		sync.Mutex

		next   time.Time     // when Max lets the next bytes go
		credit time.Duration // of reading
		at     time.Time     // when the credit was right
		from   time.Time     // when the last turn began that was waited for
		bytes  int           // of it

		opened time.Time     // the window
		read   time.Duration // in it
		cost   cost
		stats  Stats
	}
}

// New returns a pacer.
func New(o Options) (*Pacer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	p := &Pacer{max: float64(o.Max), min: float64(o.Min), off: o.Off, clock: o.Clock, turn: make(chan struct{}, 1)}
	if p.min == 0 {
		p.min = defaultMin
	}
	if p.max > 0 {
		p.min = min(p.min, p.max)
	}
	if p.clock == nil {
		p.clock = system{}
	}
	now := p.clock.Now()
	p.started = now
	p.last.Store(-int64(idleAfter))
	p.mu.next, p.mu.at, p.mu.opened, p.mu.from = now, now, now, now
	p.mu.stats = Stats{Idle: true, Share: allowed, Cost: 1}
	return p, nil
}

// Observe notes a sync that has made entries durable, and how long that took. It looks at the clock and costs a few
// atomic additions.
func (p *Pacer) Observe(entries int, took time.Duration) {
	p.last.Store(int64(p.clock.Now().Sub(p.started)))
	if p.reading.Load() > 0 {
		p.beside.add(entries, took)
	} else {
		p.alone.add(entries, took)
	}
}

// Turn is what a reader may read. Done must be called once when it was read, also if that has failed.
type Turn struct {
	p     *Pacer
	began time.Time
	n     int
	held  bool
}

// Beside says whether something is appended meanwhile: the reader should read no more than it has asked for, neither
// ahead.
func (t *Turn) Beside() bool { return t.held }

// Wait returns when a reader may read n bytes, in the order in which readers have come. It may be a little early, by what
// 2 ms are worth: the next call waits for that. If the context ends first it returns its error.
func (p *Pacer) Wait(ctx context.Context, n int) (Turn, error) {
	if err := ctx.Err(); err != nil {
		return Turn{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := Turn{p: p, n: n}
	err := p.limitLocked(ctx, n)
	if err == nil && !p.off && p.busyLocked(p.clock.Now()) {
		t.held, err = p.queueLocked(ctx)
	}
	if err != nil {
		return Turn{}, err
	}
	t.began = p.clock.Now()
	p.mu.from, p.mu.bytes = t.began, n
	p.mu.stats.Granted += int64(n)
	p.reading.Add(1)
	return t, nil
}

// Done says that all was read.
func (t Turn) Done() {
	p := t.p
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	p.reading.Add(-1)
	took := max(now.Sub(t.began), 0)
	p.mu.read += took
	p.mu.stats.Reading += took
	p.mu.cost.bytes += float64(t.n)
	if t.held {
		p.earnLocked(now)
		p.mu.credit = max(p.mu.credit-took, -debt)
		<-p.turn
	}
	p.busyLocked(now)
}

// limitLocked waits as long as Max demands.
func (p *Pacer) limitLocked(ctx context.Context, n int) error {
	if p.max == 0 {
		return nil
	}
	needs := time.Duration(float64(n) / p.max * float64(time.Second))
	start := p.mu.next
	if earliest := p.clock.Now().Add(-burst); start.Before(earliest) {
		start = earliest
	}
	p.mu.next = start.Add(needs)
	for {
		wait := start.Sub(p.clock.Now())
		if wait < shortest {
			return nil
		}
		if err := p.sleepLocked(ctx, min(wait, longest)); err != nil {
			p.mu.next = p.mu.next.Add(-needs)
			return err
		}
	}
}

// queueLocked waits for the reader's turn, and until there is time to read. It says whether the turn is held: it is not
// if nothing is appended any more.
func (p *Pacer) queueLocked(ctx context.Context) (held bool, err error) {
	if err := p.takeLocked(ctx); err != nil {
		return false, err
	}
	for {
		now := p.clock.Now()
		if !p.busyLocked(now) {
			<-p.turn
			return false, nil
		}
		p.earnLocked(now)
		wait := min(time.Duration(float64(-p.mu.credit)/p.mu.stats.Share), p.atLeastLocked(now))
		if wait < shortest {
			return true, nil
		}
		if err := p.sleepLocked(ctx, min(wait, longest)); err != nil {
			<-p.turn
			return false, err
		}
	}
}

// takeLocked waits for the turn without the lock.
func (p *Pacer) takeLocked(ctx context.Context) error {
	from := p.clock.Now()
	p.mu.Unlock()
	var err error
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	p.mu.stats.Waited += max(p.clock.Now().Sub(from), 0)
	return err
}

// atLeastLocked returns how long Min lets the next reader wait.
func (p *Pacer) atLeastLocked(now time.Time) time.Duration {
	due := p.mu.from.Add(time.Duration(float64(p.mu.bytes) / p.min * float64(time.Second)))
	return due.Sub(now)
}

// earnLocked adds the time to read that has come since it was last called.
func (p *Pacer) earnLocked(now time.Time) {
	if passed := now.Sub(p.mu.at); passed > 0 {
		p.mu.at = now
		p.mu.credit = min(p.mu.credit+time.Duration(float64(passed)*p.mu.stats.Share), credit)
	}
}

// sleepLocked sleeps without the lock.
func (p *Pacer) sleepLocked(ctx context.Context, d time.Duration) error {
	from := p.clock.Now()
	p.mu.Unlock()
	err := p.clock.Sleep(ctx, d)
	p.mu.Lock()
	p.mu.stats.Waited += max(p.clock.Now().Sub(from), 0)
	return err
}

// Stats returns what the pacer has done.
func (p *Pacer) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busyLocked(p.clock.Now())
	return p.mu.stats
}
