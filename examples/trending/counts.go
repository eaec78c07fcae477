package trending

import (
	"context"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

// counts counts tags over a sliding window.
type counts struct {
	buckets int // in the window
	top     int

	out  *topology.Collector
	tags map[string]*ring
	head int   // bucket that is counted into
	at   int64 // tick that the head is for; 0 before the first
}

// ring holds the uses of one tag, by bucket.
type ring struct {
	uses  []int64
	total int64
}

// Open prepares an empty window.
func (c *counts) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	c.out, c.tags = out, map[string]*ring{}
	return nil
}

// Execute counts the tag in field 0.
func (c *counts) Execute(t *topology.Tuple) error {
	tag, err := t.Bytes(0)
	if err != nil {
		return err
	}
	r := c.tags[string(tag)]
	if r == nil {
		r = &ring{uses: make([]int64, c.buckets)}
		c.tags[string(tag)] = r
	}
	r.uses[c.head]++
	r.total++
	return nil
}

// Tick sends the best tags and moves the window on by the time that has
// passed, which is more than a tick if some were missed.
func (c *counts) Tick(now time.Time) error {
	err := c.send()
	n := now.UnixNano() / int64(tick)
	steps := n - c.at
	if c.at == 0 {
		steps = 1
	}
	c.at = n
	for range min(steps, int64(c.buckets)) {
		c.advance()
	}
	return err
}

// advance makes the oldest bucket the newest and forgets tags that are no longer in use.
func (c *counts) advance() {
	c.head = (c.head + 1) % c.buckets
	for tag, r := range c.tags {
		if r.total -= r.uses[c.head]; r.total == 0 {
			delete(c.tags, tag)
		}
		r.uses[c.head] = 0
	}
}

// send sends the best tags in their order, place 0 first, which tells the
// receiver that a new list of this task begins. It is sent for an empty list, too.
func (c *counts) send() error {
	list := make([]Entry, 0, len(c.tags))
	for tag, r := range c.tags {
		list = append(list, Entry{Tag: tag, Count: r.total})
	}
	list = best(list, c.top)
	if len(list) == 0 {
		list = []Entry{{}}
	}
	for place, e := range list {
		if err := c.out.Emit(topology.Int(int64(place)), topology.String(e.Tag), topology.Int(e.Count)); err != nil {
			return err
		}
	}
	return nil
}

// Finish sends the best tags of the last window.
func (c *counts) Finish() error { return c.send() }

// Close does nothing.
func (c *counts) Close() error { return nil }
