package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
type OverheadVariant struct {
	Name string `json:"name"` // Unobserved, Observed or Stamped
	Text string `json:"text"` // what is done, one sentence
	// TuplesPerSecond is of whole runs, from their start to their end.
	TuplesPerSecond Stat `json:"tuples_per_second"`
	// Lost is the share of the unobserved throughput that is lost, below zero if it was less than this one.
	Lost float64 `json:"lost"`
	// P is the p-value against the unobserved runs, and Order what the intervals allow to say.
	P     float64 `json:"p"`
	Order Order   `json:"order"`
}

// MeasureOverhead counts random words in one mode, the first of c.Modes (nil
// means the default one), in runs that are left alone, runs that are observed
// as those of MeasureThroughput are, and runs whose tuples carry the instant at
// which they were sent, all interleaved. What was measured so far is returned
// with an error too; it is nil only if c is not valid. Errors are those of
// MeasureThroughput.
func MeasureOverhead(ctx context.Context, c Config) (*Overhead, error) {
	c.Limits = []string{}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{local.DefaultMode}, nil)
	c.Modes = c.Modes[:1]
	stamped := c.Workload
	stamped.Stamps = true
	if err := stamped.Validate(); err != nil {
		return nil, err
	}
	p := &steps{progress: c.Progress, of: 3 * c.Repeat}
	rates := map[string][]float64{}
	var err error
	for repeat := 1; repeat <= c.Repeat && err == nil; repeat++ {
		err = c.overheadOnce(ctx, p, stamped, rates)
	}
	o := &Overhead{Mode: c.Modes[0], Machine: ThisMachine()}
	for _, v := range []OverheadVariant{
		{Name: Unobserved, Text: "The run is left alone; its tasks count."},
		{Name: Observed, Text: "All processes are sampled and system calls counted, as in a comparison of modes."},
		{Name: Stamped, Text: "Left alone, but every tuple carries the instant at which it was sent, and the bolt records its latency."},
	} {
		v.compare(rates[v.Name], rates[Unobserved])
		o.Variants = append(o.Variants, v)
	}
	return o, err
}

// overheadOnce makes one run of each variant, all about as long as the observed one.
func (c Config) overheadOnce(ctx context.Context, p *steps, stamped Spec, rates map[string][]float64) error {
	measure := func(name string, spec Spec, during func(context.Context, cluster) error) error {
		p.next("%s", name)
		rate, err := c.wholeRun(ctx, name, spec, during)
		if err != nil {
			return err
		}
		rates[name] = append(rates[name], rate)
		p.say("%s: %s tuples/s", name, amount(rate))
		return nil
	}
	var long time.Duration
	err := measure(Observed, c.Workload, func(ctx context.Context, s cluster) error {
		began := time.Now()
		_, err := observe(ctx, s, c.WarmUp, c.Duration)
		long = time.Since(began)
		return err
	})
	if err != nil {
		return err
	}
	wait := func(ctx context.Context, _ cluster) error { return sleep(ctx, long) }
	if err := measure(Unobserved, c.Workload, wait); err != nil {
		return err
	}
	return measure(Stamped, stamped, wait)
}

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

// compare fills in what follows from the throughput of runs.
func (v *OverheadVariant) compare(own, unobserved []float64) {
	base := NewStat(unobserved)
	v.TuplesPerSecond = NewStat(own)
	v.Lost = 1 - ratio(v.TuplesPerSecond.Median, base.Median)
	v.P = MannWhitney(own, unobserved)
	v.Order = v.TuplesPerSecond.Compare(base)
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
	rows := [][]string{{o.Mode, "tuples/s", "95 % interval", "lost", "p"}}
	notes := []string{}
	for _, v := range o.Variants {
		s := v.TuplesPerSecond
		lost := fmt.Sprintf("%.1f %%", 100*v.Lost)
		switch {
		case v.Name == Unobserved:
			lost = "-"
		case v.Order == Unclear:
			lost += " (unclear)"
		}
		rows = append(rows, []string{
			v.Name, amount(s.Median), amount(s.Low) + " - " + amount(s.High), lost, fmt.Sprintf("%.2g", v.P),
		})
		notes = append(notes, v.Name+": "+v.Text)
	}
	writeRows(&b, rows)
	writeNotes(&b, append(notes, "Unclear is what the intervals do not tell from nothing.", o.Machine.String()))
	_, err := io.WriteString(w, b.String())
	return err
}
