package bench

import (
	"time"

	"github.com/ardea-stream/ardea/profiles"
)

// SuiteSchema names the form of a Suite's JSON. Fields are added under the same
// name; a change of meaning gets another.
const SuiteSchema = "ardea-bench/1"

// Suite is what a matrix of measurements came to.
type Suite struct {
	Schema  string    `json:"schema"`  // SuiteSchema
	Name    string    `json:"name"`    // of the matrix
	Command string    `json:"command"` // what was typed
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"` // wall time of it all
	// Partial says why the measurement ended early, empty if it did not.
	Partial  string    `json:"partial,omitempty"`
	Machine  Machine   `json:"machine"`
	Sections []Section `json:"sections"`
}

// SectionKind is what a section measures.
type SectionKind string

// The kinds of sections.
const (
	// KindThroughput compares modes at saturation: Runs, Summaries, Limits, Tests and Profiles.
	KindThroughput SectionKind = "throughput"
	// KindLatency measures at fixed rates: Latency.
	KindLatency SectionKind = "latency"
	// KindCurve raises the rate from nothing to saturation: Curves.
	KindCurve SectionKind = "curve"
	// KindAblation turns optimizations on and off: Ablation.
	KindAblation SectionKind = "ablation"
)

// Section is one experiment of a suite.
type Section struct {
	Name  string      `json:"name"`            // unique in the suite, of lower-case letters, digits and dashes
	Title string      `json:"title,omitempty"` // for people
	Kind  SectionKind `json:"kind"`
	// Spec is the workload's topology; its Workload, Spouts and Bolts are always set.
	Spec       Spec `json:"spec"`
	Containers int  `json:"containers"`
	// Error says why the section failed, empty if it did not. What was measured before stands.
	Error string `json:"error,omitempty"`
	// Later is set if the section was not measured with the rest of the suite.
	Later *Later `json:"later,omitempty"`

	Runs      []Run        `json:"runs,omitempty"`
	Summaries []Summary    `json:"summaries,omitempty"`
	Tests     []PairTest   `json:"tests,omitempty"`
	Limits    Limits       `json:"limits"`
	Latency   []LatencyRun `json:"latency,omitempty"`
	Curves    []Curve      `json:"curves,omitempty"`
	Ablation  *Ablation    `json:"ablation,omitempty"`
	// Profiles are those of a run of their own for each mode, by role.
	Profiles []profiles.Summary `json:"profiles,omitempty"`
}

// PairTest says how the throughput of one mode or limit stands to that of another.
type PairTest struct {
	A     string  `json:"a"`
	B     string  `json:"b"`
	Ratio float64 `json:"ratio"` // of the medians, A over B
	// P is the two-sided p-value of the Mann-Whitney U test, 1 with too few runs.
	P float64 `json:"p"`
	// Order is what the intervals allow to say of A. Only where it is not Unclear is A called faster or slower.
	Order Order `json:"order"`
}

// Curve is the latency of one mode against the load.
type Curve struct {
	Mode string `json:"mode"`
	// Guarantee is that of the topology, AtMostOnce if it is empty.
	Guarantee Guarantee `json:"guarantee,omitempty"`
	// Capacity is the throughput at saturation, measured just before, in tuples a second.
	Capacity float64 `json:"capacity"`
	// Points are at rising rates.
	Points []LatencyRun `json:"points"`
	// Knee is the rate beyond which latency rises faster than load, zero if the points do not show one.
	Knee float64 `json:"knee,omitempty"`
	// Sustained is the highest rate that holds each bound.
	Sustained []Sustained `json:"sustained,omitempty"`
}

// Sustained is the highest rate at which the 99th percentile stays under a bound.
type Sustained struct {
	P99Micros float64 `json:"p99_us"`
	Rate      float64 `json:"rate"` // tuples a second, zero if no rate does
}

// SpectrumPoint is one point of a distribution.
type SpectrumPoint struct {
	Percentile float64 `json:"percentile"` // 0 to 100
	Micros     float64 `json:"us"`
}

// HeatColumn is the latencies of one stretch of a run.
type HeatColumn struct {
	Second float64 `json:"second"` // when the stretch began, from the start of the measured window
	// Counts is the tuples by latency: entry i counts those of 2^(i/2) to 2^((i+1)/2) microseconds, entry 0 also the faster ones.
	Counts []uint64 `json:"counts"`
}

// Ablation is what optimizations are worth.
type Ablation struct {
	Factors []Factor `json:"factors"`
	Cells   []Cell   `json:"cells"`
	Effects []Effect `json:"effects"`
	// Published compares with what was told of Heron.
	Published []PublishedShare `json:"published,omitempty"`
}

// Factor is an optimization that can be switched.
type Factor struct {
	Name string `json:"name"` // of lower-case letters, digits and dashes
	Text string `json:"text"` // what it does, one sentence
}

// CellKind is why a cell was measured.
type CellKind string

// The kinds of cells.
const (
	CellBest      CellKind = "best"      // everything on
	CellNaive     CellKind = "naive"     // the naive mode
	CellOff       CellKind = "off"       // one off from the best
	CellOn        CellKind = "on"        // one on from naive
	CellFactorial CellKind = "factorial" // of the full factorial
)

// Cell is one combination of optimizations.
type Cell struct {
	Name               string        `json:"name"`
	Kind               CellKind      `json:"kind"`
	On                 []string      `json:"on"` // names of the factors that are on
	TuplesPerSecond    Stat          `json:"tuples_per_second"`
	TuplesPerCPUSecond Stat          `json:"tuples_per_cpu_second"`
	Nanos              NanosPerTuple `json:"cpu_nanoseconds_per_tuple"`
	AllocsPerTuple     float64       `json:"allocs_per_tuple"`
	Syscalls           float64       `json:"syscalls_per_1000_tuples"`
}

// Effect is what a factor, or several together, do in the full factorial.
type Effect struct {
	Factors []string `json:"factors"` // one: a main effect; several: their interaction
	// Factor is by how much the throughput is multiplied; 1 is no effect. The effect is estimated of logarithms.
	Factor float64 `json:"factor"`
	Low    float64 `json:"low"`  // of its 95 % interval
	High   float64 `json:"high"` // of its 95 % interval
}

// PublishedShare is a share of the naive mode's CPU time as published, and ours.
type PublishedShare struct {
	Name      string  `json:"name"`
	Published float64 `json:"published"` // 0 to 1
	Ours      float64 `json:"ours"`      // 0 to 1
}
