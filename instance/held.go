package instance

import (
	"slices"

	"github.com/ardea-stream/ardea/tracker"
)

// heldClock is how long a spout was held back by slow consumers: such time is
// not the tuples' fault.
type heldClock struct {
	running bool
	started int64 // when it was held back last, by task.clock
	total   int64
	marks   []heldMark // rising
	apart   int64      // how far apart marks are, in time at which it was not held
}

// heldMark is the total at some time at which it was not running.
type heldMark struct {
	at    tracker.Tick
	total int64
	free  int64 // time at which it was not held until then
}

// maxMarks bounds the marks that are kept: half of them reach back for longer
// than a message timeout, of time at which it was not held.
const maxMarks = 8 * heldShare

func (c *heldClock) start(now int64) {
	if !c.running {
		c.running, c.started = true, now
	}
}

func (c *heldClock) stop(now int64) {
	if !c.running {
		return
	}
	c.running = false
	c.total += now - c.started
	m := heldMark{at: tracker.TickOf(now), total: c.total, free: now - c.total}
	if n := len(c.marks); n > 1 && m.free-c.marks[n-2].free < c.apart {
		c.marks[n-1] = m
		return
	}
	if len(c.marks) == maxMarks {
		c.marks = c.marks[:copy(c.marks, c.marks[maxMarks/2:])]
	}
	c.marks = append(c.marks, m)
}

// since returns for how long it was running, in nanoseconds, since some time.
func (c *heldClock) since(t tracker.Tick) int64 {
	before := int64(0)
	for _, m := range slices.Backward(c.marks) {
		if m.at-t > 1<<31 { // earlier
			before = m.total
			break
		}
	}
	return c.total - before
}
