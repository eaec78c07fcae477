package pace

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	window   = 100 * time.Millisecond // at least
	halfLife = 2 * time.Second        // after which what was measured counts half
	unsure   = 0.02                   // seconds of reading that the worst is assumed to have been seen for
)

// tally counts syncs.
type tally struct{ syncs, entries, nanos atomic.Uint64 }

func (t *tally) add(entries int, took time.Duration) {
	t.syncs.Add(1)
	t.entries.Add(uint64(max(entries, 0)))
	t.nanos.Add(uint64(max(took, 0)))
}

// sums are what was counted in a time, all of it decayed alike.
type sums struct{ seconds, syncs, entries, nanos float64 }

// take moves what was counted to the sums. What is added meanwhile counts now or later.
func (s *sums) take(t *tally, in time.Duration) {
	s.seconds += in.Seconds()
	s.syncs += float64(t.syncs.Swap(0))
	s.entries += float64(t.entries.Swap(0))
	s.nanos += float64(t.nanos.Swap(0))
}

func (s *sums) decay(by float64) {
	s.seconds, s.syncs, s.entries, s.nanos = s.seconds*by, s.syncs*by, s.entries*by, s.nanos*by
}

func (c *cost) decay(by float64) {
	c.beside.decay(by)
	c.alone.decay(by)
	c.bytes *= by
}

// cost compares appends beside a reader with those alone.
type cost struct {
	beside, alone sums
	bytes         float64 // that were read, decayed as the sums are
}

// part returns which part of the appends is lost while one reads, from allowed to 1.
func (c *cost) part() float64 {
	b, a := &c.beside, &c.alone
	lost := 1.0
	if b.syncs > 0 && a.syncs > 0 {
		fewer := 1 - ratio(b.entries*a.seconds, a.entries*b.seconds)
		slower := 1 - ratio(a.nanos*b.syncs, b.nanos*a.syncs)
		lost = max(fewer, slower, 0)
	}
	lost = (lost*b.seconds + unsure) / (b.seconds + unsure)
	return min(max(lost, allowed), 1)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 1
	}
	return a / b
}

// busyLocked says whether something is appended. It measures when a window is over.
func (p *Pacer) busyLocked(now time.Time) bool {
	p.mu.stats.Idle = now.Sub(p.started)-time.Duration(p.last.Load()) >= idleAfter
	if p.mu.stats.Idle {
		return false
	}
	if age := now.Sub(p.mu.opened); age >= window {
		p.measureLocked(age)
		p.mu.opened = now
	}
	return true
}

// measureLocked ends a window. One during which nobody has looked says nothing: there may have been no appends.
func (p *Pacer) measureLocked(age time.Duration) {
	c, s := &p.mu.cost, &p.mu.stats
	read := min(p.mu.read, age)
	p.mu.read = 0
	if age >= idleAfter {
		new(sums).take(&p.beside, 0)
		new(sums).take(&p.alone, 0)
		return
	}
	c.decay(math.Exp2(-age.Seconds() / halfLife.Seconds()))
	c.beside.take(&p.beside, read)
	c.alone.take(&p.alone, age-read)
	s.Cost = c.part()
	s.Share = allowed / s.Cost
	s.Rate = int64(s.Share * ratio(c.bytes, c.beside.seconds))
}
