package bench

import (
	"errors"
	"fmt"

	"github.com/ardea-stream/ardea/topology"
)

// Limits of a Spec.
const (
	// MaxWords is the largest dictionary.
	MaxWords = 1 << 22
	// MaxRate is the highest rate of a latency run, in tuples a second.
	MaxRate = 10_000_000
)

// The workloads.
const (
	// RandomWords: spouts draw words as fast as they can, bolts count them.
	RandomWords = "randomwords"
	// Latency: a spout sends its clock at a fixed rate to a bolt.
	Latency = "latency"
)

// Spec describes the topology of a workload, so that a child process can build
// the same one. It travels as JSON.
type Spec struct {
	Workload string `json:"workload"`
	Spouts   int    `json:"spouts,omitempty"`
	Bolts    int    `json:"bolts,omitempty"`

	Words int    `json:"words,omitempty"` // of the dictionary
	Seed  uint64 `json:"seed,omitempty"`  // of the dictionary and the draws

	Rate   float64 `json:"rate,omitempty"`    // tuples a second
	Tuples uint64  `json:"tuples,omitempty"`  // that are sent in all
	WarmUp uint64  `json:"warm_up,omitempty"` // of them, that are not measured
}

// Validate returns everything that is wrong with s, joined.
func (s Spec) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("bench: "+format, args...))
	}
	switch s.Workload {
	case RandomWords:
		if s.Words < 1 || s.Words > MaxWords {
			fault("a dictionary of %d words, allowed are 1 to %d", s.Words, MaxWords)
		}
		for _, n := range []struct {
			name string
			n    int
		}{{"spouts", s.Spouts}, {"bolts", s.Bolts}} {
			if n.n < 1 || n.n > topology.MaxParallelism {
				fault("%d %s, allowed are 1 to %d", n.n, n.name, topology.MaxParallelism)
			}
		}
	case Latency:
		if !(s.Rate >= 1 && s.Rate <= MaxRate) {
			fault("a rate of %v tuples a second, allowed are 1 to %d", s.Rate, MaxRate)
		}
		if s.Tuples <= s.WarmUp {
			fault("%d tuples, of which %d are not measured: none is left", s.Tuples, s.WarmUp)
		}
	default:
		fault("no workload %q: use %q or %q", s.Workload, RandomWords, Latency)
	}
	return errors.Join(faults...)
}

// Topology returns the workload's topology. The error is that of Validate or of topology.Builder.Build.
func (s Spec) Topology() (*topology.Topology, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.Workload == Latency {
		return latencyTopology(s)
	}
	return randomWordsTopology(s, NewCounter)
}
