package bench

import (
	"context"

	"github.com/ardea-stream/ardea/topology"
)

// Names of the workload's components and of what their tasks publish.
const (
	wordsComponent = "words"
	countComponent = "count"
	emittedTally   = "emitted"
	countedTally   = "counted"
)

// wordsPerNext is the number of words that one call of Next emits.
const wordsPerNext = 64

func randomWordsTopology(s Spec) (*topology.Topology, error) {
	if s.Stamps {
		return stampedWordsTopology(s)
	}
	b := s.builder()
	b.Spout(wordsComponent, newWordSpout(s),
		topology.Parallelism(s.Spouts),
		topology.Output("word"))
	b.Bolt(countComponent, newCountBolt(s),
		topology.Parallelism(s.Bolts),
		topology.Fields(wordsComponent, "word"))
	return b.Build()
}

// wordSpout emits random words as fast as it is let, for ever.
type wordSpout struct {
	spec   Spec
	task   *topology.Task
	out    *topology.Collector
	picker *Picker
	acks
}

func newWordSpout(s Spec) func() topology.Spout {
	return func() topology.Spout { return &wordSpout{spec: s, acks: s.acks()} }
}

// Open makes the dictionary. Each task draws words of its own.
func (s *wordSpout) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	s.task, s.out = task, out
	s.picker = s.spec.picker(task.Index)
	return nil
}

// Next emits a few words.
func (s *wordSpout) Next() error {
	if s.tracked {
		return s.nextTracked()
	}
	for range wordsPerNext {
		if err := s.out.Emit(topology.StringBytes(s.picker.Next())); err != nil {
			s.picker.Undo()
			return err
		}
	}
	return nil
}

// nextTracked is Next where each word has an id.
func (s *wordSpout) nextTracked() error {
	for range wordsPerNext {
		if err := s.emitID(s.out, topology.StringBytes(s.picker.Next())); err != nil {
			s.picker.Undo()
			return err
		}
	}
	return nil
}

// Close publishes what was emitted.
func (s *wordSpout) Close() error {
	if s.picker == nil {
		return nil // Open was not called
	}
	if err := s.publish(s.task); err != nil {
		return err
	}
	return publishTally(s.task, emittedTally, s.picker.Tally())
}

// countBolt counts the words it gets.
type countBolt struct {
	spec    Spec
	counter *Counter
	task    *topology.Task
}

func newCountBolt(s Spec) func() topology.Bolt {
	return func() topology.Bolt { return &countBolt{spec: s, counter: s.counter()} }
}

// Open keeps the task.
func (b *countBolt) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	b.task = task
	return nil
}

// Execute counts the word in field 0.
func (b *countBolt) Execute(t *topology.Tuple) error {
	word, err := t.Bytes(0)
	if err != nil {
		return err
	}
	b.counter.Add(word)
	return nil
}

// Finish publishes what was counted.
func (b *countBolt) Finish() error {
	return publishTally(b.task, countedTally, b.spec.tally(b.counter))
}

// Close does nothing.
func (*countBolt) Close() error { return nil }

func publishTally(task *topology.Task, name string, t Tally) error { return publishJSON(task, name, t) }
