package instance

import "time"

const (
	// checkEvery is how far apart a busy task's checks should be: of the
	// clock, of requests from other goroutines, of old batches.
	checkEvery = 100 * time.Microsecond
	// maxLap bounds the calls of user code between two checks. A check costs
	// about 50 ns, so a larger bound gains nothing, and it would let a task
	// whose calls suddenly take long go without one for many times as long.
	maxLap = 256
	// pollEvery is how often a busy spout looks at its socket at least.
	pollEvery = time.Millisecond
	// houseEvery is how often a busy bolt publishes its metrics and looks at its socket at least.
	houseEvery = 10 * time.Millisecond
)

// clock returns the nanoseconds since the task began, on the monotonic clock.
func (t *task) clock() int64 { return int64(time.Since(t.began)) }

// pace decides how many calls of user code make a lap, so that laps take about checkEvery.
type pace struct {
	lap   int
	start int64 // of the lap, by task.clock
	from  int64 // start of the lap before
}

// begin starts a lap after a time that was not spent in user code.
func (p *pace) begin(now int64) {
	p.from, p.start = now, now
	if p.lap == 0 {
		p.lap = 1
	}
}

// next ends a lap of p.lap calls and starts another. It grows laps slowly and
// shrinks them at once, in proportion.
func (p *pace) next(now int64) {
	took := now - p.start
	p.from, p.start = p.start, now
	switch {
	case took > 2*int64(checkEvery):
		p.lap = max(1, int(int64(p.lap)*int64(checkEvery)/took))
	case took < int64(checkEvery)/2:
		p.lap = min(2*p.lap, maxLap)
	}
}

// aging finds batches that have become old while the task stays busy.
type aging struct {
	maxAge int64 // nanoseconds
	// single says that the task fills one batch at a time, so that whatever
	// is pending after a send has begun after it.
	single bool
	since  int64 // before what is pending was begun, 0 if nothing is
	frames int64 // frames that had been sent when since was set
}

// due reports whether what is pending has become old. now is task.clock; what
// was not pending at the last check was begun at from, at least 1, or later.
// frames counts the frames sent so far.
func (a *aging) due(pending bool, from, now, frames int64) bool {
	if !pending {
		a.since = 0
		return false
	}
	if a.since == 0 || a.single && frames != a.frames {
		a.since, a.frames = from, frames
	}
	if now-a.since < a.maxAge {
		return false
	}
	a.since = 0
	return true
}

// age sends batches that have become old.
func (t *task) age(now int64) error {
	if err := t.ageAcks(now); err != nil {
		return err
	}
	if t.aging.due(t.out.Pending(), t.pace.from, now, t.count.framesOut) {
		return t.flushed(t.out.Age())
	}
	return nil
}

// ranDry is called when the task has no more input: it sends what has begun,
// or, where batches wait for their age or more input is on its way, what is old.
// It returns when the next batch will be old, zero if none waits.
func (t *task) ranDry(more bool) (until time.Time, err error) {
	if !t.inst.cfg.NoDrain && !more {
		if err := t.flushed(t.out.Flush()); err != nil {
			return time.Time{}, err
		}
		return time.Time{}, t.flushAcks()
	}
	if err := t.age(t.clock()); err != nil {
		return time.Time{}, err
	}
	if t.out.Pending() {
		until = t.moment(t.aging.since + t.aging.maxAge)
	}
	if t.acks != nil && len(t.acks.begun) > 0 {
		until = earlier(until, t.moment(t.acks.since+t.aging.maxAge))
	}
	return until, nil
}

// earlier returns the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ticks keeps the schedule of a bolt's Tick.
type ticks struct {
	every time.Duration // 0 = never
	next  int64         // by task.clock
}

// due reports whether it is time for a tick and, if so, sets the next one.
// Ticks keep their phase; those that were missed are left out.
func (k *ticks) due(now int64) bool {
	if k.every == 0 || now < k.next {
		return false
	}
	k.next += (1 + (now-k.next)/int64(k.every)) * int64(k.every)
	return true
}
