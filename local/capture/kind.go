package capture

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what a profile is of.
type Kind string

// The kinds.
const (
	CPU       Kind = "cpu"       // where CPU time went, 100 samples a second
	Heap      Kind = "heap"      // what lives on the heap at the end, after a garbage collection
	Allocs    Kind = "allocs"    // what was allocated meanwhile
	Mutex     Kind = "mutex"     // who held locks that others waited for, one event in MutexFraction
	Block     Kind = "block"     // where goroutines waited, see BlockRate
	Goroutine Kind = "goroutine" // where all goroutines stand at the end
	Trace     Kind = "trace"     // everything the scheduler did, for go tool trace
)

// Rates of the runtime while a recording lasts.
const (
	// MutexFraction is of how many contended locks one is sampled.
	MutexFraction = 5
	// BlockRate is the wait, in nanoseconds, from which all are sampled; shorter ones are in proportion.
	BlockRate = 10_000
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{CPU, Heap, Allocs, Mutex, Block, Goroutine, Trace} }

// KindError says that there is no such kind.
type KindError struct{ Kind Kind }

// Error lists the kinds that there are.
func (e *KindError) Error() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return fmt.Sprintf("capture: there is no profile %q: use %s", string(e.Kind), strings.Join(names, ", "))
}

// Check returns the kinds without those that are there twice. The error is a
// *KindError or ErrNoKinds.
func Check(kinds []Kind) ([]Kind, error) {
	if len(kinds) == 0 {
		return nil, ErrNoKinds
	}
	var once []Kind
	for _, k := range kinds {
		if !slices.Contains(Kinds(), k) {
			return nil, &KindError{Kind: k}
		}
		if !slices.Contains(once, k) {
			once = append(once, k)
		}
	}
	return once, nil
}

// FileName is the name of a process's file: PROCESS.KIND.pprof, or PROCESS.trace.
func FileName(process string, k Kind) string {
	if k == Trace {
		return process + ".trace"
	}
	return process + "." + string(k) + ".pprof"
}
