package randomwords

import (
	"context"

	"github.com/ardea-stream/ardea/topology"
)

// count is the bolt.
type count struct {
	task   *topology.Task
	index  map[string]int // into counts; a map of numbers would copy the word at every increment
	counts []uint64
}

// Open prepares an empty table.
func (c *count) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	c.task, c.index = task, map[string]int{}
	return nil
}

// Execute counts the word in field 0.
func (c *count) Execute(t *topology.Tuple) error {
	word, err := t.Bytes(0)
	if err != nil {
		return err
	}
	i, seen := c.index[string(word)]
	if !seen {
		i = len(c.counts)
		c.index[string(word)] = i
		c.counts = append(c.counts, 0)
	}
	c.counts[i]++
	return nil
}

// Finish publishes how much was counted.
func (c *count) Finish() error {
	t := Tally{Distinct: len(c.counts)}
	for _, n := range c.counts {
		t.Words += n
	}
	return publish(c.task, t)
}

// Close does nothing.
func (c *count) Close() error { return nil }
