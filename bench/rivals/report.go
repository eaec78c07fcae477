package rivals

import (
	"encoding/json"
	"io"
	"math"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// Report is what was measured. It travels as JSON.
type Report struct {
	Machine    bench.Machine   `json:"machine"`
	Begun      time.Time       `json:"begun"`
	Seconds    float64         `json:"seconds"` // that all took
	Command    string          `json:"command,omitempty"`
	Partial    string          `json:"partial,omitempty"`   // why not all was measured
	Shortened  string          `json:"shortened,omitempty"` // why some rows have fewer repeats than others
	Settings   Settings        `json:"settings"`
	Rows       []Row           `json:"rows"` // in the order of the adapters' lists
	Cells      []Cell          `json:"cells"`
	Generators []GeneratorCost `json:"generators"`
	Skipped    []Skipped       `json:"skipped,omitempty"`
}

// Settings are those of the measurement.
type Settings struct {
	Seed           uint64  `json:"seed"`
	Parallelism    int     `json:"parallelism"`
	Seconds        float64 `json:"duration_seconds"`
	WarmUpSeconds  float64 `json:"warm_up_seconds"` // bound
	Repeat         int     `json:"repeat"`          // of the first workload, of the first row of each peer and guarantee
	Variants       int     `json:"variants"`        // of the first workload, of the other rows
	Others         int     `json:"others"`          // repeats of the other workloads
	Latencies      int     `json:"latencies"`       // repeats of latencies
	Rate           float64 `json:"rate"`
	Share          float64 `json:"share"` // of a row's maximum
	BudgetSeconds  float64 `json:"budget_seconds"`
	PlannedSeconds float64 `json:"planned_seconds"`
}

// Row is a row with what was found out about it.
type Row struct {
	contract.Row
	Adapter   string `json:"adapter"`
	CodeLines int    `json:"code_lines,omitempty"` // 0: not counted
	// Versions are those that a run of the row has told.
	Versions map[string]string `json:"versions,omitempty"`
}

// Cell is a row with a workload.
type Cell struct {
	Peer     string `json:"peer"`
	Variant  string `json:"variant"`
	Workload string `json:"workload"`
	// Of the runs at full speed. Medians with intervals over runs.
	TuplesPerSecond    bench.Stat `json:"tuples_per_second"`
	TuplesPerCPUSecond bench.Stat `json:"tuples_per_cpu_second"`
	FirstResultSeconds bench.Stat `json:"first_result_seconds"`
	PeakRSSBytes       uint64     `json:"peak_rss_bytes"` // most of all runs; sum of each process's most
	Processes          int        `json:"processes"`      // most of all runs, with those that ended early
	GCShare            float64    `json:"gc_share"`       // of CPU time; 0: not told
	Steady             int        `json:"steady"`         // runs that were steady before they were measured
	Noisy              int        `json:"noisy"`
	ExtraShare         float64    `json:"extra_share"` // of the words, counted too much; below 0 lost; the worst of all runs
	Runs               []Run      `json:"runs"`
	Latencies          []Latency  `json:"latencies,omitempty"`
}

// Name is the row's.
func (c *Cell) Name() string { return c.Peer + "/" + c.Variant }

// Run is one run.
type Run struct {
	Repeat             int         `json:"repeat"`
	Rate               float64     `json:"rate,omitempty"` // draws a second; 0: as fast as possible
	WarmUpSeconds      float64     `json:"warm_up_seconds"`
	Steady             bool        `json:"steady"`
	Seconds            float64     `json:"seconds"` // measured
	Tuples             uint64      `json:"tuples"`  // counted meanwhile
	CPUSeconds         float64     `json:"cpu_seconds"`
	TuplesPerSecond    float64     `json:"tuples_per_second"`
	TuplesPerCPUSecond float64     `json:"tuples_per_cpu_second"`
	DrawsPerSecond     float64     `json:"draws_per_second"`
	FirstResultSeconds float64     `json:"first_result_seconds"` // from the start of the program; 0: it was not told
	PeakRSSBytes       uint64      `json:"peak_rss_bytes"`
	Processes          int         `json:"processes"`
	RunCPUSeconds      float64     `json:"run_cpu_seconds"` // of the whole run, start and end included
	GCCPUSeconds       float64     `json:"gc_cpu_seconds,omitempty"`
	Draws              uint64      `json:"draws"`
	Counted            uint64      `json:"counted"`
	Extra              int64       `json:"extra"` // words counted too much; below 0 lost
	Replayed           uint64      `json:"replayed,omitempty"`
	Rejected           string      `json:"rejected,omitempty"` // why a run at a rate does not count
	Latency            Bars        `json:"latency,omitempty"`
	Pacer              Bars        `json:"pacer,omitempty"`
	Noise              bench.Noise `json:"noise"`
	Notes              []string    `json:"notes,omitempty"`

	versions map[string]string
	window   float64 // seconds from the first instant of which latencies are recorded to the last
}

// Latency is the latency at a rate, of several runs merged.
type Latency struct {
	Rate               float64         `json:"rate"`
	Share              float64         `json:"share,omitempty"` // of the row's maximum, for which the rate was chosen; 0: a fixed rate
	Micros             bench.Quantiles `json:"latency_us"`
	Pacer              bench.Quantiles `json:"pacer_us"`
	TuplesPerCPUSecond float64         `json:"tuples_per_cpu_second"` // median
	Rejected           string          `json:"rejected,omitempty"`    // why no run counts
	Runs               []Run           `json:"runs"`
}

// GeneratorCost is what drawing words alone takes in an adapter's language.
type GeneratorCost struct {
	Adapter            string  `json:"adapter"`
	Workload           string  `json:"workload"`
	DrawsPerSecond     float64 `json:"draws_per_second"`
	NanosPerDraw       float64 `json:"cpu_nanos_per_draw"`
	TuplesPerCPUSecond float64 `json:"draws_per_cpu_second"`
}

// Skipped is what was not measured, or failed.
type Skipped struct {
	Row      string `json:"row"`
	Workload string `json:"workload,omitempty"`
	Kind     string `json:"kind"` // missing, usage, failed, start, drain, or count
	Why      string `json:"why"`
}

// WriteJSON writes the report on one line.
func (r *Report) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// Bars are a histogram: values in nanoseconds, rising, and how often each. In JSON they are merged to 50 for each power of
// ten.
type Bars [][2]int64

// MarshalJSON writes merged bars.
func (b Bars) MarshalJSON() ([]byte, error) { return json.Marshal(coarse(b)) }

// coarse merges bars, in rising order, whose values differ by less than 4.7 %: a fiftieth of a power of ten. Each has the
// greatest value of those that it stands for.
func coarse(bars [][2]int64) (merged [][2]int64) {
	const perDecade = 50
	last := -1
	for _, bar := range bars {
		class := int(perDecade * math.Log10(float64(max(bar[0], 1))))
		if class != last {
			merged, last = append(merged, [2]int64{}), class
		}
		end := &merged[len(merged)-1]
		end[0], end[1] = bar[0], end[1]+bar[1]
	}
	return merged
}

// Cell returns the cell of a row with a workload, nil if it was not measured.
func (r *Report) Cell(row, workload string) *Cell {
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Name() == row && c.Workload == workload {
			return c
		}
	}
	return nil
}

// drop takes out the cell of a row and a workload: a row that has counted wrong once has no figures.
func (r *Report) drop(row, workload string) {
	r.Cells = slices.DeleteFunc(r.Cells, func(c Cell) bool { return c.Name() == row && c.Workload == workload })
}

// fill works out what follows from the runs.
func (c *Cell) fill() {
	var rate, cpu, first []float64
	var gc, all float64
	c.PeakRSSBytes, c.Processes, c.Steady, c.Noisy, c.ExtraShare = 0, 0, 0, 0, 0
	for i := range c.Runs {
		r := &c.Runs[i]
		rate = append(rate, r.TuplesPerSecond)
		cpu = append(cpu, r.TuplesPerCPUSecond)
		if r.FirstResultSeconds > 0 {
			first = append(first, r.FirstResultSeconds)
		}
		c.PeakRSSBytes = max(c.PeakRSSBytes, r.PeakRSSBytes)
		c.Processes = max(c.Processes, r.Processes)
		if r.Steady {
			c.Steady++
		}
		if r.Noise.Noisy {
			c.Noisy++
		}
		gc += r.GCCPUSeconds
		all += r.RunCPUSeconds
		if share := ratio(float64(r.Extra), float64(r.Counted)-float64(r.Extra)); abs(share) > abs(c.ExtraShare) {
			c.ExtraShare = share
		}
	}
	c.TuplesPerSecond, c.TuplesPerCPUSecond, c.FirstResultSeconds = bench.NewStat(rate), bench.NewStat(cpu), bench.NewStat(first)
	c.GCShare = ratio(gc, all)
}

// fill works out what follows from the runs.
func (l *Latency) fill() {
	var latencies, pacers [][][2]int64
	var cpu []float64
	l.Rejected = ""
	for i := range l.Runs {
		r := &l.Runs[i]
		if r.Rejected != "" {
			l.Rejected = r.Rejected
			continue
		}
		latencies, pacers, cpu = append(latencies, r.Latency), append(pacers, r.Pacer), append(cpu, r.TuplesPerCPUSecond)
	}
	if len(cpu) > 0 {
		l.Rejected = ""
	}
	l.Micros, l.Pacer = bench.QuantilesOf(bench.MergeBars(latencies...)), bench.QuantilesOf(bench.MergeBars(pacers...))
	l.TuplesPerCPUSecond = bench.NewStat(cpu).Median
}

func abs(v float64) float64 { return max(v, -v) }

// ratio returns a/b, zero if b is.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
