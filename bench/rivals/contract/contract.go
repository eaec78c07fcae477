package contract

import (
	"fmt"
	"strconv"
)

// Guarantees, as peers offer them.
const (
	None        = "none"
	AtLeastOnce = "at-least-once"
	ExactlyOnce = "exactly-once"
)

// Kinds of Line.
const (
	Hello        = "hello"
	Processes    = "processes"
	FirstResult  = "first-result"
	Progress     = "progress"
	MeasureBegin = "measure-begin"
	MeasureEnd   = "measure-end"
	Finished     = "result"
	Failed       = "error"
	RowLine      = "row"
)

// What the driver says.
const (
	Begin = "begin" // record latencies from now on
	End   = "end"   // record latencies no longer
	Stop  = "stop"  // stop the sources, count what is left, print the result
)

// Kinds of errors, in Line.Kind.
const (
	Usage   = "usage"   // the command line is wrong
	Missing = "missing" // something that the system needs is not there
	Failure = "failed"  // anything else
)

// Wrong counts that an adapter plants when it is told to.
const (
	PlantLost    = "lost"    // the first word that the first source has drawn is counted one too low
	PlantDouble  = "double"  // one too high
	PlantSwapped = "swapped" // one too low, and the next different word one too high
)

// Plants returns all wrong counts that can be planted.
func Plants() []string { return []string{PlantLost, PlantDouble, PlantSwapped} }

// Exit statuses of adapters.
const (
	StatusFailed  = 1
	StatusUsage   = 2
	StatusMissing = 3
	StatusEnded   = 143 // told to end before there was a result
)

// MaxParallelism bounds the tasks of a kind.
const MaxParallelism = 64

// Row is one line of the table: a system, set up in one way.
type Row struct {
	Type      string     `json:"type"` // RowLine
	Peer      string     `json:"peer"`
	Variant   string     `json:"variant"`
	Title     string     `json:"title"`
	Language  string     `json:"language"`
	Version   string     `json:"version"`
	Processes int        `json:"processes"`
	Guarantee string     `json:"guarantee"`
	Exact     bool       `json:"exact"` // counts equal the draws in a run without failures
	Workloads []string   `json:"workloads"`
	Latency   bool       `json:"latency"` // it can be paced
	Smoke     bool       `json:"smoke"`   // the one that CI runs
	Settings  string     `json:"settings"`
	Documents []string   `json:"documents"`
	Unfair    string     `json:"unfair"`
	Published *Published `json:"published,omitempty"`
	Code      Code       `json:"code"`
	Missing   string     `json:"missing"` // what is not there and how to get it; the row cannot be measured
}

// Published is a figure that somebody has published for the system.
type Published struct {
	Text               string  `json:"text"`
	TuplesPerCPUSecond float64 `json:"tuples_per_cpu_second"`       // derived, 0 if it cannot be
	TuplesPerSecond    float64 `json:"tuples_per_second,omitempty"` // if nothing is known of CPU time
	Workload           string  `json:"workload,omitempty"`          // the one that it is nearest to; empty: the first of the row
	Source             string  `json:"source"`
}

// Code says where the job stands as a user would write it.
type Code struct {
	File   string `json:"file"`   // from the repository's root
	Region string `json:"region"` // behind "user code:"
}

// Name is the peer with its variant, unique among all adapters.
func (r *Row) Name() string { return r.Peer + "/" + r.Variant }

// Line is a line of an adapter's standard output. What a type does not have is zero.
type Line struct {
	Type          string            `json:"type"`
	T             int64             `json:"t,omitempty"` // CLOCK_MONOTONIC, nanoseconds
	Peer          string            `json:"peer,omitempty"`
	Variant       string            `json:"variant,omitempty"`
	Versions      map[string]string `json:"versions,omitempty"`
	Settings      map[string]string `json:"settings,omitempty"`
	WordsChecksum Sum               `json:"words_checksum,omitempty"`
	PIDs          map[string]int    `json:"pids,omitempty"`
	Emitted       uint64            `json:"emitted,omitempty"` // draws
	Counted       uint64            `json:"counted,omitempty"` // words
	Kind          string            `json:"kind,omitempty"`
	Text          string            `json:"text,omitempty"`
}

// Source is what a source has drawn.
type Source struct {
	Seed  uint64 `json:"seed"`
	Draws uint64 `json:"draws"`
}

// Result is the last line of a run.
type Result struct {
	Type         string     `json:"type"` // Finished
	Sources      []Source   `json:"sources"`
	Counted      uint64     `json:"counted"`
	Distinct     int        `json:"distinct"`
	Foreign      uint64     `json:"foreign"`
	Checksum     Sum        `json:"checksum"`
	Table        Sum        `json:"table"`
	Replayed     uint64     `json:"replayed"`
	Drained      bool       `json:"drained"`
	GCCPUSeconds float64    `json:"gc_cpu_seconds,omitempty"`
	Latency      [][2]int64 `json:"latency,omitempty"` // value in nanoseconds, how often
	Pacer        [][2]int64 `json:"pacer,omitempty"`
	Notes        []string   `json:"notes,omitempty"`
}

// Sum is a checksum, in JSON a string of 16 hexadecimal digits.
type Sum uint64

// String writes the 16 digits.
func (s Sum) String() string { return fmt.Sprintf("%016x", uint64(s)) }

// MarshalText is String.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads up to 16 digits.
func (s *Sum) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil {
		return fmt.Errorf("contract: checksum %q: it must have 16 hexadecimal digits", text)
	}
	*s = Sum(n)
	return nil
}
