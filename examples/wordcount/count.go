package wordcount

import (
	"context"

	"github.com/ardea-stream/ardea/topology"
)

// count counts words and sends the counts when its input ends.
type count struct {
	out    *topology.Collector
	index  map[string]int // into counts; a map of numbers would copy the word at every increment
	counts []int64
}

// Open prepares an empty table.
func (c *count) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	c.out, c.index = out, map[string]int{}
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

// Finish sends a tuple for every word.
func (c *count) Finish() error {
	for word, i := range c.index {
		if err := c.out.Emit(topology.String(word), topology.Int(c.counts[i])); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing.
func (c *count) Close() error { return nil }
