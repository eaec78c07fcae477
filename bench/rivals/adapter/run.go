package adapter

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// Peer is a row with the job behind it.
type Peer struct {
	contract.Row
	// Allowed are the settings of --set that Job knows, with their defaults.
	Allowed map[string]string
	// Job runs the job until its sources have ended and everything is counted, or until ctx ends. It makes its sources and
	// counters with run. A result of its own stands in for that of the counters; nil takes theirs.
	Job func(ctx context.Context, run *Run) (*contract.Result, error)
}

// Run is one run of a peer.
type Run struct {
	Workload    string
	Seed        uint64
	Parallelism int     // sources, and counting tasks
	Rate        float64 // draws a second of all sources together; 0: as fast as they can
	Draws       uint64  // of each source; 0: until the driver says stop
	Dir         string  // for everything that is written
	Settings    map[string]string
	List        *words.List

	figures       atomic.Pointer[func() Figures] // nil: those of sources and counters
	plant         string
	part          int // index of the first source here, of one process of several
	generatorOnly bool
	now           func() int64
	out           *printer
	stop          context.Context // ended by the driver's stop
	begin, end    atomic.Int64    // the window of latencies; MaxInt64: not yet

	mu       sync.Mutex
	sources  []*Source
	counters []*Counter
	readBack *Counter // what stands in for them in the result; nil if nothing does
	first    sync.Once
}

// Figures is how far a run is.
type Figures struct {
	T                int64 // CLOCK_MONOTONIC, nanoseconds
	Emitted, Counted uint64
}

// never is an instant after all others.
const never = math.MaxInt64

// Now returns CLOCK_MONOTONIC in nanoseconds. Any goroutine may call it.
func (r *Run) Now() int64 { return r.now() }

// Stopping ends when the driver wants the sources to stop. Any goroutine may call it.
func (r *Run) Stopping() <-chan struct{} { return r.stop.Done() }

// Window returns the instants between which latencies are to be recorded, by the instant that a draw was intended for;
// an instant that is not known yet is the greatest there is. Any goroutine may call it.
func (r *Run) Window() (begin, end int64) { return r.begin.Load(), r.end.Load() }

// measures reports whether times of a draw that was due at an instant are to be recorded.
func (r *Run) measures(due int64) bool { return r.begin.Load() <= due && due < r.end.Load() }

// SetFigures has progress told by f, which any goroutine may call, instead of by sources and counters of this process.
func (r *Run) SetFigures(f func() Figures) { r.figures.Store(&f) }

// FirstResult tells the driver when the first word was counted. Only the first call counts.
func (r *Run) FirstResult(t int64) {
	if r.out == nil {
		return // of a part, which says it in its summary
	}
	r.first.Do(func() { r.out.print(contract.Line{Type: contract.FirstResult, T: t}) })
}

// Processes tells the driver which processes the system consists of, beside this one.
func (r *Run) Processes(pids map[string]int) {
	r.out.print(contract.Line{Type: contract.Processes, PIDs: pids})
}

// progress returns how far the run is.
func (r *Run) progress() Figures {
	if f := r.figures.Load(); f != nil {
		return (*f)()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f := Figures{T: r.now()}
	for _, s := range r.sources {
		f.Emitted += s.told.Load()
	}
	for _, c := range r.counters {
		f.Counted += c.told.Load()
	}
	return f
}

// result is what sources and counters of this process come to.
func (r *Run) result() contract.Result {
	res := contract.Result{Type: contract.Finished}
	latency, pacer := newHistogram(), newHistogram()
	for _, s := range r.sources {
		res.Sources = append(res.Sources, contract.Source{Seed: r.Seed + s.index, Draws: s.drawn})
		pacer.Merge(s.lateness)
	}
	for _, c := range r.counters {
		latency.Merge(c.latency)
	}
	if r.readBack != nil {
		fill(&res, r.sum([]*Counter{r.readBack}))
	} else {
		fill(&res, r.sum(r.counters))
	}
	res.Latency, res.Pacer = bars(latency), bars(pacer)
	return res
}

// ReadBack has the result tell counts that were read from the system, those of a pipeline's second log, instead of what
// the counters have counted. It is to be called before the job returns, or before Merge.
func (r *Run) ReadBack(counts map[string]uint64) {
	c := &Counter{places: make(map[string]int32, len(counts))}
	for word, n := range counts {
		c.places[word] = int32(len(c.counts))
		c.counts = append(c.counts, n)
	}
	r.readBack = c
}

// sum returns what counters come to, with a wrong count if one is to be planted.
func (r *Run) sum(counters []*Counter) words.Summary {
	table := words.NewTable(r.List)
	for _, c := range counters {
		c.spoil(r.plant, r.List, r.Seed)
		for word, at := range c.places {
			table.Add(word, c.counts[at])
		}
	}
	return table.Summary()
}

func fill(res *contract.Result, s words.Summary) {
	res.Counted, res.Distinct, res.Foreign = s.Counted, s.Distinct, s.Foreign
	res.Checksum, res.Table = contract.Sum(s.Checksum), contract.Sum(s.Table)
}
