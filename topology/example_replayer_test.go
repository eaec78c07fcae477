package topology_test

import (
	"context"
	"fmt"
	"io"

	"github.com/ardea-stream/ardea/topology"
)

// squares is a spout that can emit everything again: a tuple follows from its id.
type squares struct {
	next, end uint64
	out       *topology.Collector
}

func (s *squares) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out = out
	return nil
}

func (s *squares) Next() error {
	if s.next == s.end {
		return io.EOF
	}
	id := s.next
	s.next++
	return s.Replay(id)
}

// Replay emits the tuple of an id, for the first time or again.
func (s *squares) Replay(id uint64) error {
	return s.out.EmitID(id, topology.Int(int64(id*id)))
}

// Seek is called after Open when the spout has died before: everything below id is done.
func (s *squares) Seek(id uint64) error {
	s.next = id
	return nil
}

func (s *squares) Close() error { return nil }

// A Replayer is a spout whose tuples the engine can have again.
func ExampleReplayer() {
	b := topology.NewBuilder("squares")
	b.Deliver(topology.Delivery{Guarantee: topology.AtLeastOnce})
	b.Spout("numbers", func() topology.Spout { return &squares{end: 1000} }, topology.Output("square"), topology.DeadLetters())
	b.Bolt("count", func() topology.Bolt { return &count{} }, topology.Shuffle("numbers"))
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Name, t.Delivery.Guarantee)
	// Output: squares at-least-once
}
