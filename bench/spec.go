package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/topology"
)

// Limits of a Spec.
const (
	// MaxWords is the largest dictionary.
	MaxWords = 1 << 22
	// MaxRate is the highest rate of a latency run, in tuples a second.
	MaxRate = 10_000_000
	// MaxKeys is the largest number of different keys.
	MaxKeys = 1 << 24
	// MaxSize is the largest payload, in bytes.
	MaxSize = 1 << 20
	// MaxSkew is the largest exponent of a Zipf distribution.
	MaxSkew = 4
)

// Spec describes the topology of a workload, so that a child process can build
// the same one. It travels as JSON. Fields that are zero take the workload's
// own default, see Workloads; a field that a workload has no use for must be zero.
type Spec struct {
	Workload string `json:"workload"`
	Spouts   int    `json:"spouts,omitempty"`
	Bolts    int    `json:"bolts,omitempty"` // tasks of each bolt

	Words int     `json:"words,omitempty"` // of the dictionary
	Size  int     `json:"size,omitempty"`  // of a word, in letters, or of a payload, in bytes
	Keys  int     `json:"keys,omitempty"`  // different ones
	Skew  float64 `json:"skew,omitempty"`  // exponent of the Zipf distribution
	Map   bool    `json:"map,omitempty"`   // count with a plain Go map instead of a Counter
	Seed  uint64  `json:"seed,omitempty"`  // of the dictionary and the draws
	// Stamps has every word carry the instant at which it was sent, and the bolt record its latency.
	Stamps bool `json:"stamps,omitempty"`

	Rate   float64 `json:"rate,omitempty"`    // tuples a second; 0: as fast as possible, for ever
	Tuples uint64  `json:"tuples,omitempty"`  // that are sent in all
	WarmUp uint64  `json:"warm_up,omitempty"` // of them, that are not measured

	Guarantee Guarantee `json:"guarantee,omitempty"` // of the topology; empty: AtMostOnce
	Pending   int       `json:"pending,omitempty"`   // tuples of a spout task that are tracked at a time; 0: the engine's default
}

// withDefaults fills in the defaults of the workload, that of random words if none is named.
func (s Spec) withDefaults() Spec {
	setDefault(&s.Workload, RandomWords)
	w, known := workloadOf(s.Workload)
	if !known {
		return s
	}
	setDefault(&s.Spouts, 1)
	setDefault(&s.Bolts, max(1, w.defaults.Bolts))
	setDefault(&s.Words, w.defaults.Words)
	setDefault(&s.Size, w.defaults.Size)
	setDefault(&s.Keys, w.defaults.Keys)
	setDefault(&s.Skew, w.defaults.Skew)
	return s
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// Validate returns everything that is wrong with s, joined.
func (s Spec) Validate() error {
	s = s.withDefaults()
	w, known := workloadOf(s.Workload)
	if !known {
		return fmt.Errorf("bench: no workload %q: use one of %s", s.Workload, strings.Join(workloadNames(), ", "))
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("bench: "+format, args...))
	}
	for _, p := range s.parameters() {
		switch used := w.has(p.name); {
		case !used && p.value != p.unused:
			fault("%s cannot be set for the workload %s: leave it out", p.name, s.Workload)
		case used && !(p.value >= p.least && p.value <= p.most):
			fault(p.text+", allowed are %s to %s", number(p.value), number(p.least), number(p.most))
		}
	}
	if w.has("words") && s.Size > longestWord {
		fault("words of %d letters, allowed are %d to %d", s.Size, leastSize, longestWord)
	}
	if s.Map && !w.has("map") {
		fault("workload %s does not count words, so there is no map to count them with: leave it out", s.Workload)
	}
	if s.Stamps && !w.has("stamps") {
		fault("stamps cannot be set for the workload %s: leave them out", s.Workload)
	}
	if !slices.Contains(Guarantees(), s.promise()) {
		fault("no guarantee %q: use %s or %s", s.Guarantee, AtMostOnce, AtLeastOnce)
	}
	switch {
	case s.Pending != 0 && !s.promise().Tracked():
		fault("%d pending tuples, of which there are none with %s: leave it out", s.Pending, AtMostOnce)
	case s.Pending < 0 || s.Pending > topology.MaxMaxPending:
		fault("%d pending tuples, allowed are 1 to %d", s.Pending, topology.MaxMaxPending)
	}
	if s.Rate != 0 && s.Tuples <= s.WarmUp && w.has("rate") {
		fault("%d tuples, of which %d are not measured: none is left", s.Tuples, s.WarmUp)
	}
	return errors.Join(faults...)
}

// parameter is a number of a Spec with its range.
type parameter struct {
	name, text         string
	value, least, most float64
	unused             float64 // its value where a workload does not have it
}

// parameters returns the numbers of s, those of all workloads.
func (s Spec) parameters() []parameter {
	leastRate := 1.0
	if s.Rate == 0 {
		leastRate = 0
	}
	return []parameter{
		{"spouts", "%s spouts", float64(s.Spouts), 1, topology.MaxParallelism, 1},
		{"bolts", "%s bolts", float64(s.Bolts), 1, topology.MaxParallelism, 1},
		{"words", "a dictionary of %s words", float64(s.Words), 1, MaxWords, 0},
		{"size", "a size of %s bytes", float64(s.Size), leastSize, MaxSize, 0},
		{"keys", "%s keys", float64(s.Keys), 1, MaxKeys, 0},
		{"skew", "a skew of %s", s.Skew, 0.01, MaxSkew, 0},
		{"rate", "a rate of %s tuples a second", s.Rate, leastRate, MaxRate, 0},
	}
}

// number writes a number as people do, unless it is beyond all that they would read.
func number(v float64) string {
	if math.Abs(v) < 1e18 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// leastSize is the shortest word or payload, in bytes: enough for MaxWords different words.
const leastSize = 8

// Topology returns the workload's topology. The error is that of Validate or of topology.Builder.Build.
func (s Spec) Topology() (*topology.Topology, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = s.withDefaults()
	w, _ := workloadOf(s.Workload)
	return w.build(s)
}
