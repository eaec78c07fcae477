package bench

import (
	"context"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/topology"
)

// stampedWordsTopology counts words that carry the instant at which they were sent.
func stampedWordsTopology(s Spec) (*topology.Topology, error) {
	b := s.builder()
	b.Spout(wordsComponent, func() topology.Spout { return &stampSpout{wordSpout: wordSpout{spec: s, acks: s.acks()}} },
		topology.Parallelism(s.Spouts), topology.Output("word", "sent"))
	b.Bolt(countComponent, func() topology.Bolt {
		return &stampBolt{countBolt: countBolt{spec: s, counter: s.counter()}, latency: newHistogram()}
	}, topology.Parallelism(s.Bolts), topology.Fields(wordsComponent, "word"))
	return b.Build()
}

// stampSpout emits words with the instant at which Next was called.
type stampSpout struct {
	wordSpout
	clock clock
}

// Open prepares the clock as well.
func (s *stampSpout) Open(ctx context.Context, task *topology.Task, out *topology.Collector) (err error) {
	if s.clock, err = newClock(); err != nil {
		return err
	}
	return s.wordSpout.Open(ctx, task, out)
}

// Next emits a few words.
func (s *stampSpout) Next() error {
	now := topology.Int(s.clock.now())
	for range wordsPerNext {
		if err := s.emit(s.out, topology.StringBytes(s.picker.Next()), now); err != nil {
			s.picker.Undo()
			return err
		}
	}
	return nil
}

// stampBolt counts words and records how long ago they were sent.
type stampBolt struct {
	countBolt
	clock   clock
	latency *hdr.Histogram
}

// Open prepares the clock as well.
func (b *stampBolt) Open(ctx context.Context, task *topology.Task, out *topology.Collector) (err error) {
	if b.clock, err = newClock(); err != nil {
		return err
	}
	return b.countBolt.Open(ctx, task, out)
}

// Execute counts a word.
func (b *stampBolt) Execute(t *topology.Tuple) error {
	if err := b.countBolt.Execute(t); err != nil {
		return err
	}
	sent, err := t.Int(1)
	if err != nil {
		return err
	}
	record(b.latency, b.clock.now()-sent)
	return nil
}

// Finish publishes the latencies as well.
func (b *stampBolt) Finish() error {
	if err := publishHistogram(b.task, latencyName, b.latency); err != nil {
		return err
	}
	return b.countBolt.Finish()
}
