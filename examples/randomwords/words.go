package randomwords

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"

	"github.com/ardea-stream/ardea/topology"
)

// perNext is the number of words sent in one call of Next.
const perNext = 64

// TallyName is the name under which all tasks publish their Tally.
const TallyName = "tally"

// Tally is what a task has seen, as JSON.
type Tally struct {
	Words    uint64 `json:"words"`    // occurrences
	Distinct int    `json:"distinct"` // different words
}

func publish(task *topology.Task, t Tally) error {
	text, err := json.Marshal(t)
	if err == nil {
		task.Publish(TallyName, text)
	}
	return err
}

// entry is a word in place: a dictionary of strings would cost a miss of the
// processor's caches for the string and another for its bytes.
type entry struct {
	size uint8
	text [maxWord]byte
}

// words is the spout.
type words struct {
	o Options

	task       *topology.Task
	out        *topology.Collector
	random     *rand.PCG
	dictionary []entry
	sent       uint64
}

// Open makes the dictionary.
func (s *words) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	s.task, s.out = task, out
	for _, word := range Dictionary(s.o.Words, s.o.Seed) {
		e := entry{size: uint8(len(word))}
		copy(e.text[:], word)
		s.dictionary = append(s.dictionary, e)
	}
	s.random = rand.NewPCG(s.o.Seed, uint64(task.ID))
	return nil
}

// Next sends a few words.
func (s *words) Next() error {
	n := uint64(perNext)
	if s.o.Tuples > 0 {
		n = min(n, s.o.Tuples-s.sent)
	}
	if n == 0 {
		return io.EOF
	}
	for range n {
		if err := s.out.Emit(topology.StringBytes(s.draw())); err != nil {
			return err
		}
		s.sent++
	}
	return nil
}

// draw picks a word: the top 32 bits of a random number scaled to the dictionary.
func (s *words) draw() []byte {
	e := &s.dictionary[s.random.Uint64()>>32*uint64(len(s.dictionary))>>32]
	return e.text[:e.size]
}

// Close publishes how much was sent.
func (s *words) Close() error {
	if s.task == nil {
		return nil
	}
	return publish(s.task, Tally{Words: s.sent, Distinct: len(s.dictionary)})
}
