package adapter

import (
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// Counter counts the words of one task with a plain Go map. It is for one goroutine.
type Counter struct {
	run     *Run
	places  map[string]int32 // into counts, which are denser than a map of numbers, and change without a copy of the word
	counts  []uint64
	changed []int32 // places whose counts Changed has not told, of a pipeline
	fresh   []bool  // by place: it is not among changed; nil of other workloads
	names   []string
	counted uint64
	since   int64 // instant of the first count
	latency *hdr.Histogram
	told    atomic.Uint64 // counted, as others see it
}

// Counter returns a new counter of the run.
func (r *Run) Counter() *Counter {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &Counter{run: r, places: map[string]int32{}, latency: newHistogram()}
	if r.Workload == words.Pipeline {
		c.fresh = []bool{}
	}
	r.counters = append(r.counters, c)
	return c
}

// Add counts a word, which it may keep. due is that of the draw it comes from.
func (c *Counter) Add(word string, due int64) {
	if i, known := c.places[word]; known {
		c.raise(i)
	} else {
		c.first(word)
	}
	c.done(due)
}

// AddBytes counts a word, which it borrows.
func (c *Counter) AddBytes(word []byte, due int64) {
	if i, known := c.places[string(word)]; known {
		c.raise(i)
	} else {
		c.first(string(word))
	}
	c.done(due)
}

func (c *Counter) raise(i int32) {
	c.counts[i]++
	if c.fresh != nil && c.fresh[i] {
		c.fresh[i] = false
		c.changed = append(c.changed, i)
	}
}

func (c *Counter) first(word string) {
	i := int32(len(c.counts))
	c.places[word] = i
	c.counts = append(c.counts, 1)
	if c.fresh != nil {
		c.fresh = append(c.fresh, false)
		c.names = append(c.names, word)
		c.changed = append(c.changed, i)
	}
}

func (c *Counter) done(due int64) {
	if c.counted++; c.counted%tellEvery == 0 || c.counted == 1 {
		c.Tell()
	}
	if due != 0 && c.run.measures(due) {
		_ = c.latency.RecordValue(inRange(c.run.now() - due)) // fails only out of range
	}
}

// Changed calls f with the words of a pipeline whose counts have changed since the last call, until f fails.
func (c *Counter) Changed(f func(word string, n uint64) error) error {
	for len(c.changed) > 0 {
		i := c.changed[len(c.changed)-1]
		if err := f(c.names[i], c.counts[i]); err != nil {
			return err
		}
		c.changed = c.changed[:len(c.changed)-1]
		c.fresh[i] = true
	}
	return nil
}

// Tell lets others see all that was counted, which Add does now and then.
func (c *Counter) Tell() {
	c.told.Store(c.counted)
	if c.since == 0 && c.counted > 0 {
		c.since = c.run.now()
		c.run.FirstResult(c.since)
	}
}

// Counted returns how many words were counted.
func (c *Counter) Counted() uint64 { return c.counted }

// spoil plants a wrong count, in the counter that has counted the word.
func (c *Counter) spoil(how string, l *words.List, seed uint64) {
	if how == "" {
		return
	}
	change := func(place int, by int) {
		if i, known := c.places[l.Words[place]]; known {
			c.counts[i] += uint64(by)
		}
	}
	first, second := l.FirstTwo(seed)
	switch how {
	case contract.PlantLost:
		change(first, -1)
	case contract.PlantDouble:
		change(first, 1)
	case contract.PlantSwapped:
		change(first, -1)
		change(second, 1)
	}
}

// Range and precision of histograms of time, in nanoseconds.
const (
	shortest = 1
	longest  = int64(time.Minute)
	digits   = 3
)

func newHistogram() *hdr.Histogram { return hdr.New(shortest, longest, digits) }

// inRange brings a time into the range of histograms.
func inRange(nanos int64) int64 { return min(max(nanos, shortest), longest) }

// bars returns the values of a histogram, and how often each.
func bars(h *hdr.Histogram) [][2]int64 {
	var all [][2]int64
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			all = append(all, [2]int64{min(bar.To, longest), bar.Count})
		}
	}
	return all
}
