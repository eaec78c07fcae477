package randomwords

import (
	"fmt"
	"math/rand/v2"

	"github.com/ardea-stream/ardea/topology"
)

// DefaultWords is the size of the dictionary that the published figures are for.
const DefaultWords = 175_000

// Lengths of words in letters.
const (
	minWord = 3
	maxWord = 12
)

// Options says how many words and tasks there are.
type Options struct {
	Words  int    // size of the dictionary; 0 = DefaultWords
	Tuples uint64 // words that every spout task sends before it ends; 0 = no end
	Spouts int    // tasks that send; 0 = 1
	Bolts  int    // tasks that count; 0 = 1
	Seed   uint64 // of the dictionary and the draws
}

// Topology returns the topology for the options. The error says that the
// dictionary's size is out of range, or is that of topology.Builder.Build.
func Topology(o Options) (*topology.Topology, error) {
	if o.Words == 0 {
		o.Words = DefaultWords
	}
	if o.Words < 1 || o.Words > 1<<24 {
		return nil, fmt.Errorf("randomwords: a dictionary of %d words, allowed are 1 to %d", o.Words, 1<<24)
	}
	if o.Spouts == 0 {
		o.Spouts = 1
	}
	if o.Bolts == 0 {
		o.Bolts = 1
	}
	b := topology.NewBuilder("randomwords")
	b.Spout("words", func() topology.Spout { return &words{o: o} },
		topology.Parallelism(o.Spouts),
		topology.Output("word"))
	b.Bolt("count", func() topology.Bolt { return &count{} },
		topology.Parallelism(o.Bolts),
		topology.Fields("words", "word"))
	return b.Build()
}

// Dictionary returns n different words of 3 to 12 letters, the same for the same seed.
func Dictionary(n int, seed uint64) []string {
	random := rand.New(rand.NewPCG(seed, 0))
	words, seen := make([]string, 0, n), make(map[string]bool, n)
	for len(words) < n {
		word := make([]byte, minWord+random.IntN(maxWord-minWord+1))
		for i := range word {
			word[i] = byte('a' + random.IntN(26))
		}
		if !seen[string(word)] {
			seen[string(word)] = true
			words = append(words, string(word))
		}
	}
	return words
}
