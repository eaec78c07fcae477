package main

import (
	"context"
	"io"
	"os"

	"github.com/ardea-stream/ardea/topology"
)

// lexicon is the words, of which number i stands for word i modulo their number.
var lexicon = [...]string{"heron", "reed", "river", "fish", "wing", "marsh", "dawn"}

// words is the spout. The id of a word is its number.
type words struct {
	end  uint64
	gate string // path of a file without which the second half waits; empty if it does not
	next uint64
	out  *topology.Collector
}

// Open keeps the collector.
func (s *words) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out = out
	return nil
}

// Next emits the next word.
func (s *words) Next() error {
	if s.next == s.end {
		return io.EOF
	}
	if s.next >= s.end/2 && s.gate != "" {
		if _, err := os.Stat(s.gate); err != nil {
			return topology.ErrIdle
		}
		s.gate = ""
	}
	s.next++
	return s.Replay(s.next - 1)
}

// Replay emits a word, for the first time or again.
func (s *words) Replay(id uint64) error {
	return s.out.EmitID(id, topology.Int(int64(id)), topology.String(lexicon[id%uint64(len(lexicon))]))
}

// Seek goes on with a word.
func (s *words) Seek(id uint64) error { //nolint:unparam // of topology.Replayer
	s.next = id
	return nil
}

// Close does nothing.
func (*words) Close() error { return nil }
