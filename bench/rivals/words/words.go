package words

import (
	"fmt"
	"hash/fnv"
	"math/bits"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea/bench"
)

// The workloads.
const (
	Words175k = "words175k"
	Words20   = "words20"
	Sentences = "sentences"
	Pipeline  = "pipeline"
)

// Workloads returns all of them.
func Workloads() []string { return []string{Words175k, Words20, Sentences, Pipeline} }

// sentences are those of Storm's own benchmark, ThroughputVsLatency.
var sentences = []string{
	"the cow jumped over the moon", "an apple a day keeps the doctor away", "four score and seven years ago",
	"snow white and the seven dwarfs", "i am at two with nature",
}

// List is what sources draw from and the words that are counted. It is immutable.
type List struct {
	Draws []string // what a source emits: words, or sentences
	Words []string // what is counted, by place
	parts [][]int  // places of the words of a draw; nil: the draw is the word
}

// NewList returns the list of a workload. The error says which there are.
func NewList(workload string, seed uint64) (*List, error) {
	switch workload {
	case Words175k, Pipeline:
		return fromDictionary(bench.NewDictionary(bench.DefaultWords, seed)), nil
	case Words20:
		return fromDictionary(bench.NewLongDictionary(1<<17, 20, seed)), nil
	case Sentences:
		return fromSentences(), nil
	default:
		return nil, fmt.Errorf("words: no workload %q: use one of %s", workload, strings.Join(Workloads(), ", "))
	}
}

func fromDictionary(d *bench.Dictionary) *List {
	all := make([]string, d.Len())
	for i := range all {
		all[i] = string(d.Word(i))
	}
	return &List{Draws: all, Words: all}
}

func fromSentences() *List {
	l := &List{Draws: sentences}
	for _, sentence := range sentences {
		var parts []int
		for word := range strings.SplitSeq(sentence, " ") {
			i := slices.Index(l.Words, word)
			if i < 0 {
				i = len(l.Words)
				l.Words = append(l.Words, word)
			}
			parts = append(parts, i)
		}
		l.parts = append(l.parts, parts)
	}
	return l
}

// Checksum is FNV-1a over all words, each with a newline after it.
func (l *List) Checksum() uint64 {
	h := fnv.New64a()
	for _, word := range l.Words {
		_, _ = h.Write([]byte(word + "\n")) // never fails
	}
	return h.Sum64()
}

// Stream is the draws of one source. It is for one goroutine.
type Stream struct{ state, n uint64 }

// Stream returns the draws of source s, from 0.
func (l *List) Stream(seed uint64, s int) Stream {
	return Stream{state: Mix(seed + uint64(s)), n: uint64(len(l.Draws))}
}

// Next returns the next place in List.Draws.
func (s *Stream) Next() uint64 {
	s.state += gamma
	place, _ := bits.Mul64(scramble(s.state), s.n)
	return place
}

// FirstTwo returns the places of the first two different words that the first source draws. Every run counts both.
func (l *List) FirstTwo(seed uint64) (first, second int) {
	first = -1
	for stream := l.Stream(seed, 0); ; {
		draw := int(stream.Next())
		places := []int{draw}
		if l.parts != nil {
			places = l.parts[draw]
		}
		for _, place := range places {
			switch {
			case first < 0:
				first = place
			case place != first:
				return first, place
			}
		}
	}
}

// At returns what Next returns after k draws, for whoever has to draw again.
func (l *List) At(seed uint64, s int, k uint64) uint64 {
	stream := l.Stream(seed, s)
	stream.state += k * gamma
	return stream.Next()
}

// gamma and scramble are those of the SplitMix64 generator.
const gamma = 0x9e3779b97f4a7c15

func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Mix is the hash of a place of which checksums are made.
func Mix(i uint64) uint64 { return scramble(i + gamma) }
