package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/local"
)

// The variants of MeasureOverhead.
const (
	Unobserved = "unobserved"
	Observed   = "observed"
	Stamped    = "stamped"
)

// Overhead is what measuring itself takes from the throughput.
type Overhead struct {
	Mode     string            `json:"mode"`
	Variants []OverheadVariant `json:"variants"`
	Machine  Machine           `json:"machine"`
}

// OverheadVariant is how much of a run is measured, and what that leaves.
//
// A shared machine is faster in one minute than in the next, by more than
// measuring takes. So each run is compared with the unobserved one of the same
// repeat, made within the same minute, and not all with all.
type OverheadVariant struct {
	Name string `json:"name"` // Unobserved, Observed or Stamped
	Text string `json:"text"` // what is done, one sentence
	// TuplesPerSecond is of whole runs, from their start to their end.
	TuplesPerSecond Stat `json:"tuples_per_second"`
	// Ratio is the throughput over that of the unobserved run of the same repeat.
	Ratio Stat `json:"ratio"`
	// Lost is 1 less Ratio: the share of the throughput that is lost, below zero if this variant was the faster.
	Lost Stat `json:"lost"`
	// P is the two-sided p-value of Wilcoxon's signed-rank test over the
	// logarithms of the ratios, and Order what the interval of Ratio allows to
	// say of this variant: Less means that it costs throughput.
	P     float64 `json:"p"`
	Order Order   `json:"order"`
}

// LeastPaired is the fewest repeats of which an Order is more than Unclear. The
// ratios of 5 repeats of the same thing lie all above or all below 1 once in 16
// times, those of 6 once in 32.
const LeastPaired = 6

// MeasureOverhead counts random words in one mode, the first of c.Modes (nil
// means the default one), in runs that are left alone, runs that are observed
// as those of MeasureThroughput are, and runs whose tuples carry the instant at
// which they were sent. Each repeat has one of each, and begins with another
// one than the repeat before: whatever the first place is worth, all have it as
// often if c.Repeat is a multiple of 3. The repeats that were whole before an
// error are returned with it; the result is nil only if c is not valid. Errors
// are those of MeasureThroughput.
func MeasureOverhead(ctx context.Context, c Config) (*Overhead, error) {
	c.Limits = []string{}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{local.DefaultMode}, nil)
	c.Modes = c.Modes[:1]
	m := overheadMeter{c: c, stamped: c.Workload, steps: &steps{progress: c.Progress, of: 3 * c.Repeat}}
	m.stamped.Stamps = true
	if err := m.stamped.Validate(); err != nil {
		return nil, err
	}
	var repeats []map[string]float64
	var err error
	for len(repeats) < c.Repeat {
		var rates map[string]float64
		if rates, err = m.repeat(ctx, overheadOrder(len(repeats))); err != nil {
			break
		}
		repeats = append(repeats, rates)
	}
	o := &Overhead{Mode: c.Modes[0], Machine: ThisMachine()}
	for _, v := range []OverheadVariant{
		{Name: Unobserved, Text: "The run is left alone; its tasks count."},
		{Name: Observed, Text: "All processes are sampled and system calls counted, as in a comparison of modes."},
		{Name: Stamped, Text: "Left alone, but every tuple carries the instant at which it was sent, and the bolt records its latency."},
	} {
		v.compare(repeats)
		o.Variants = append(o.Variants, v)
	}
	return o, err
}

// overheadOrder returns the variants in the order in which repeat i, from 0, runs
// them. The first of all is an observed one, which says how long the others take.
func overheadOrder(i int) []string {
	order := []string{Observed, Unobserved, Stamped}
	i %= len(order)
	return append(order[i:], order[:i]...)
}

// overheadMeter makes the runs.
type overheadMeter struct {
	c       Config
	stamped Spec
	steps   *steps
	long    time.Duration // how long the last observed run was observed; the others run as long
}

// repeat makes one run of each variant and returns the throughput of each.
func (m *overheadMeter) repeat(ctx context.Context, order []string) (map[string]float64, error) {
	rates := map[string]float64{}
	for _, name := range order {
		spec, during := m.c.Workload, m.wait
		switch name {
		case Observed:
			during = m.observe
		case Stamped:
			spec = m.stamped
		}
		m.steps.next("%s", name)
		rate, err := m.c.wholeRun(ctx, name, spec, during)
		if err != nil {
			return nil, err
		}
		rates[name] = rate
		m.steps.say("%s: %s tuples/s", name, amount(rate))
	}
	return rates, nil
}

func (m *overheadMeter) observe(ctx context.Context, s cluster) error {
	began := time.Now()
	_, err := observe(ctx, s, m.c.WarmUp, m.c.Duration)
	m.long = time.Since(began)
	return err
}

func (m *overheadMeter) wait(ctx context.Context, _ cluster) error { return sleep(ctx, m.long) }

// wholeRun runs a workload until during returns, checks it, and returns the
// tuples counted over the time from the start to the end of the last task.
func (c Config) wholeRun(ctx context.Context, name string, spec Spec, during func(context.Context, cluster) error) (float64, error) {
	result, err := c.attend(ctx, spec, c.Modes[0], name, during)
	if err != nil {
		return 0, err
	}
	tuples, err := check(name, spec, result)
	return ratio(float64(tuples.counted), result.Elapsed.Seconds()), err
}

// compare fills in what follows from the throughput of all variants in each repeat.
func (v *OverheadVariant) compare(repeats []map[string]float64) {
	var own, ratios, logs []float64
	for _, rates := range repeats {
		r := ratio(rates[v.Name], rates[Unobserved])
		own, ratios, logs = append(own, rates[v.Name]), append(ratios, r), append(logs, math.Log(r))
	}
	v.TuplesPerSecond, v.Ratio, v.P = NewStat(own), NewStat(ratios), SignedRank(logs)
	v.Order = Unclear
	if len(ratios) == 0 {
		return
	}
	v.Lost = Stat{Median: 1 - v.Ratio.Median, Low: 1 - v.Ratio.High, High: 1 - v.Ratio.Low, N: v.Ratio.N}
	switch {
	case v.Ratio.N < LeastPaired:
	case v.Ratio.High < 1:
		v.Order = Less
	case v.Ratio.Low > 1:
		v.Order = Greater
	}
}

// WriteJSON writes the overhead as indented JSON.
func (o *Overhead) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(o)
}

// WriteTable writes the overhead for people.
func (o *Overhead) WriteTable(w io.Writer) error {
	var b strings.Builder
	share := func(s float64) string { return fmt.Sprintf("%.1f %%", 100*s) }
	rows := [][]string{{o.Mode, "tuples/s", "95 % interval", "of unobserved", "lost", "95 % interval", "p"}}
	notes := []string{}
	for _, v := range o.Variants {
		s := v.TuplesPerSecond
		row := []string{v.Name, amount(s.Median), amount(s.Low) + " - " + amount(s.High), "-", "-", "-", "-"}
		if v.Name != Unobserved {
			lost := share(v.Lost.Median)
			if v.Order == Unclear {
				lost += " (unclear)"
			}
			row = append(row[:3], fmt.Sprintf("%.3f", v.Ratio.Median), lost,
				share(v.Lost.Low)+" to "+share(v.Lost.High), fmt.Sprintf("%.2g", v.P))
		}
		rows = append(rows, row)
		notes = append(notes, v.Name+": "+v.Text)
	}
	writeRows(&b, rows)
	writeNotes(&b, append(notes,
		"Of unobserved is the median over the repeats of a run's throughput over that of the unobserved run of the same repeat; lost is 1 less that.",
		fmt.Sprintf("P is of Wilcoxon's signed-rank test. Unclear: the interval of lost holds 0, or there are under %d repeats.", LeastPaired),
		o.Machine.String()))
	_, err := io.WriteString(w, b.String())
	return err
}
