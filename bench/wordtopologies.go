package bench

import (
	"bytes"
	"context"

	"github.com/ardea-stream/ardea/topology"
)

// Names of the components between words and count.
const (
	splitComponent  = "split"
	firstComponent  = "first"
	secondComponent = "second"
)

// chainTopology passes words through two bolts before they are counted: three hops.
func chainTopology(s Spec) (*topology.Topology, error) {
	pass := func() topology.Bolt { return &passBolt{} }
	b := s.builder()
	b.Spout(wordsComponent, newWordSpout(s), topology.Parallelism(s.Spouts), topology.Output("word"))
	b.Bolt(firstComponent, pass, topology.Parallelism(s.Bolts), topology.Output("word"), topology.Shuffle(wordsComponent))
	b.Bolt(secondComponent, pass, topology.Parallelism(s.Bolts), topology.Output("word"), topology.Shuffle(firstComponent))
	b.Bolt(countComponent, newCountBolt(s), topology.Parallelism(s.Bolts), topology.Fields(secondComponent, "word"))
	return b.Build()
}

// fanOutTopology sends every word to every counting task.
func fanOutTopology(s Spec) (*topology.Topology, error) {
	b := s.builder()
	b.Spout(wordsComponent, newWordSpout(s), topology.Parallelism(s.Spouts), topology.Output("word"))
	b.Bolt(countComponent, newCountBolt(s), topology.Parallelism(s.Bolts), topology.All(wordsComponent))
	return b.Build()
}

// sentencesTopology splits sentences into words, which are counted.
func sentencesTopology(s Spec) (*topology.Topology, error) {
	b := s.builder()
	b.Spout(wordsComponent, func() topology.Spout { return &sentenceSpout{wordSpout: wordSpout{spec: s, acks: s.acks()}} },
		topology.Parallelism(s.Spouts), topology.Output("sentence"))
	b.Bolt(splitComponent, func() topology.Bolt { return &splitBolt{} },
		topology.Parallelism(s.Bolts), topology.Output("word"), topology.Shuffle(wordsComponent))
	b.Bolt(countComponent, newCountBolt(s), topology.Parallelism(s.Bolts), topology.Fields(splitComponent, "word"))
	return b.Build()
}

// passBolt emits what it gets.
type passBolt struct{ out *topology.Collector }

// Open keeps the collector.
func (b *passBolt) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	b.out = out
	return nil
}

// Execute emits the word in field 0.
func (b *passBolt) Execute(t *topology.Tuple) error {
	word, err := t.Bytes(0)
	if err != nil {
		return err
	}
	return b.out.Emit(topology.StringBytes(word))
}

// Close does nothing.
func (*passBolt) Close() error { return nil }

// A sentence has wordsPerSentence words, which divide a Picker's group, so that
// a whole sentence can be taken back.
const (
	wordsPerSentence = 8
	sentencesPerNext = 16
)

// sentenceSpout emits sentences as fast as it is let, for ever. Its tally is of their words.
type sentenceSpout struct {
	wordSpout
	sentence []byte
}

// Next emits a few sentences.
func (s *sentenceSpout) Next() error {
	for range sentencesPerNext {
		s.sentence = append(s.sentence[:0], s.picker.Next()...)
		for range wordsPerSentence - 1 {
			s.sentence = append(s.sentence, ' ')
			s.sentence = append(s.sentence, s.picker.Next()...)
		}
		if err := s.emit(s.out, topology.StringBytes(s.sentence)); err != nil {
			s.picker.undo(wordsPerSentence)
			return err
		}
	}
	return nil
}

// splitBolt emits the words of sentences.
type splitBolt struct{ passBolt }

// Execute emits the words in field 0, which single spaces divide.
func (b *splitBolt) Execute(t *topology.Tuple) error {
	sentence, err := t.Bytes(0)
	if err != nil {
		return err
	}
	for more := true; more; {
		var word []byte
		word, sentence, more = bytes.Cut(sentence, []byte{' '})
		if err := b.out.Emit(topology.StringBytes(word)); err != nil {
			return err
		}
	}
	return nil
}
