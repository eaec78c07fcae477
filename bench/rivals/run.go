package rivals

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// driver measures, one run after the other.
type driver struct {
	c        Config
	p        plan
	dir      string // for all runs
	now      func() int64
	lists    map[string]*words.List
	adapters map[string]Adapter // by row
	names    []string           // of all rows that adapters have
	dead     map[string]bool    // rows, and keys of jobs, that have failed: they are not tried again
	report   *Report
	began    time.Time
	failed   []error
}

// ErrBudget says that runs were left out because the time was up.
var ErrBudget = errors.New("rivals: the time was up before all was measured")

// Measure measures. A peer that cannot run, or fails, is noted in the report, and the others are measured; the error joins what
// failed: each an *AdapterError or a *CountError. Peers that are missing here are no error, unless c names them; names that no
// adapter knows are an *UnknownError. The report is nil only if c is not valid, or nothing can be written.
func Measure(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	dir, err := os.MkdirTemp(c.Dir, "ardea-peers-")
	if err != nil {
		return nil, fmt.Errorf("rivals: %w", err)
	}
	d := &driver{c: c, dir: dir, adapters: map[string]Adapter{}, dead: map[string]bool{}, began: time.Now()}
	d.report = &Report{Machine: bench.ThisMachine(), Begun: d.began}
	if d.now, err = bench.Monotonic(); err == nil {
		d.lists, err = lists(c.Workloads)
	}
	if err == nil {
		err = d.gatherAndMeasure(ctx)
	}
	if err != nil {
		d.report.Partial = err.Error()
	}
	d.report.Seconds = time.Since(d.began).Seconds()
	return d.report, errors.Join(append(d.failed, err, os.RemoveAll(dir))...)
}

func (d *driver) measureAll(ctx context.Context) error {
	if err := d.measureGenerators(ctx); err != nil {
		return err
	}
	for repeat := 1; repeat <= d.p.repeat; repeat++ {
		err := d.measureOnce(ctx, repeat)
		if errors.Is(err, ErrBudget) && repeat > 1 {
			d.report.Shortened = fmt.Sprintf("the time was up in repeat %d of %d, before the latencies", repeat, d.p.repeat)
			return nil
		}
		if err != nil {
			return err
		}
	}
	// Behind all repeats, so that a share of the maximum is one of the figure that the table has.
	for repeat := 1; repeat <= d.p.latencies; repeat++ {
		err := d.measureLatencies(ctx, repeat)
		if errors.Is(err, ErrBudget) {
			d.report.Shortened = fmt.Sprintf("the time was up in repeat %d of %d of the latencies", repeat, d.p.latencies)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// measureGenerators measures what drawing alone takes.
func (d *driver) measureGenerators(ctx context.Context) error {
	for _, j := range d.generatorJobs() {
		g, err := d.generator(ctx, j)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			d.skip(j.row.Name(), j.workload, err) // the row itself may work
		default:
			d.report.Generators = append(d.report.Generators, g)
			d.c.Progress(fmt.Sprintf("%s alone, %s: %s draws/s, %.1f ns of CPU each", g.Adapter, g.Workload, bench.Amount(g.DrawsPerSecond), g.NanosPerDraw))
		}
	}
	return nil
}

// measureOnce makes one repeat at full speed.
func (d *driver) measureOnce(ctx context.Context, repeat int) error {
	for _, w := range d.c.Workloads {
		if err := d.measureRows(ctx, w, repeat); err != nil {
			return err
		}
	}
	return nil
}

// gatherAndMeasure finds the rows, plans, and measures.
func (d *driver) gatherAndMeasure(ctx context.Context) error {
	if err := d.gather(ctx); err != nil {
		return err
	}
	if err := d.unknown(); err != nil {
		return err
	}
	if len(d.report.Rows) == 0 {
		return errors.New("rivals: there is nothing to measure: build adapters with make peers, or name other peers")
	}
	d.p = d.makePlan()
	d.report.Settings = Settings{
		Seed: seed, Parallelism: d.c.Parallelism, Seconds: d.c.Duration.Seconds(), WarmUpSeconds: d.c.WarmUp.Seconds(),
		Repeat: d.p.repeat, Variants: d.p.variants, Others: d.p.others, Latencies: d.p.latencies, Rate: DefaultRate, Share: DefaultShare,
		BudgetSeconds: d.c.Budget.Seconds(), PlannedSeconds: d.p.estimate.Seconds(),
	}
	d.c.Progress(d.p.text(d))
	return d.measureAll(ctx)
}

// gather asks all adapters for their rows.
func (d *driver) gather(ctx context.Context) error {
	for _, a := range d.c.Adapters {
		rows, err := a.rows(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			d.skip(a.Name, "", err)
			continue
		}
		for _, r := range rows {
			d.names = append(d.names, r.Name())
			if !d.c.chosen(&r) {
				continue
			}
			row := Row{Row: r, Adapter: a.Name}
			if r.Missing != "" {
				d.skip(r.Name(), "", &AdapterError{r.Name(), contract.Missing, r.Missing})
				continue
			}
			if d.c.Root != "" && r.Code.File != "" {
				if row.CodeLines, err = countCode(d.c.Root, r.Code); err != nil {
					d.skip(r.Name(), "", err) // the row is measured all the same
				}
			}
			d.adapters[r.Name()] = a
			d.report.Rows = append(d.report.Rows, row)
		}
	}
	return nil
}

// generatorJobs returns a run for each adapter and list of words.
func (d *driver) generatorJobs() []job {
	var all []job
	if d.c.Smoke || d.c.Plant != "" {
		return nil
	}
	for i := range d.report.Rows {
		row := &d.report.Rows[i]
		for _, w := range row.Workloads {
			known := slices.ContainsFunc(all, func(j job) bool { return j.row.Adapter == row.Adapter && j.workload == w })
			if !known && w != words.Pipeline && slices.Contains(d.c.Workloads, w) {
				all = append(all, job{row: row, adapter: d.adapters[row.Name()], workload: w})
			}
		}
	}
	return all
}

// measureRows makes a run of each row at full speed.
func (d *driver) measureRows(ctx context.Context, workload string, repeat int) error {
	for i := range d.report.Rows {
		row := &d.report.Rows[i]
		if !slices.Contains(d.workloadsOf(row, d.p), workload) || repeat > d.repeats(row, workload, d.p) {
			continue
		}
		j := job{row: row, adapter: d.adapters[row.Name()], workload: workload, warmUp: d.c.WarmUp}
		r, err := d.attempt(ctx, j)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		r.Repeat, row.Versions = repeat, r.versions
		c := d.cell(row, workload)
		c.Runs = append(c.Runs, *r)
		c.fill()
		d.c.Progress(fmt.Sprintf("%s, %s, run %d: %s", row.Name(), workload, repeat, r))
	}
	return nil
}

// measureLatencies makes a run of each row at each of its loads.
func (d *driver) measureLatencies(ctx context.Context, repeat int) error {
	for i := range d.report.Rows {
		row := &d.report.Rows[i]
		workload := d.mainOf(row)
		for _, load := range d.loadsOf(row, d.p) {
			c := d.report.Cell(row.Name(), workload)
			if c == nil {
				continue // it has failed
			}
			l := c.latency(load)
			if most := c.draws(); most < leastRate*l.Rate {
				l.Rejected = fmt.Sprintf("its maximum is %s a second", bench.Amount(most))
				continue
			}
			j := job{row: row, adapter: d.adapters[row.Name()], workload: workload, rate: l.Rate, warmUp: d.pacedWarmUp(row)}
			r, err := d.attempt(ctx, j)
			if err != nil {
				return err
			}
			if r == nil {
				continue
			}
			r.Repeat = repeat
			l.Runs = append(l.Runs, *r)
			l.fill()
			d.c.Progress(fmt.Sprintf("%s at %s/s, run %d: %s", row.Name(), bench.Amount(l.Rate), repeat, r.latencyText()))
		}
	}
	return nil
}

// latency returns the latency at a load, which is at first at the maximum that is known now.
func (c *Cell) latency(at load) *Latency {
	l := Latency{Rate: DefaultRate}
	if at == atShare {
		l.Share = DefaultShare
		l.Rate = max(1, float64(int64(DefaultShare*c.draws())))
	}
	for i := range c.Latencies {
		if c.Latencies[i].Share == l.Share {
			return &c.Latencies[i]
		}
	}
	c.Latencies = append(c.Latencies, l)
	return &c.Latencies[len(c.Latencies)-1]
}

// draws returns the median of the draws for each second at full speed.
func (c *Cell) draws() float64 {
	var all []float64
	for i := range c.Runs {
		all = append(all, c.Runs[i].DrawsPerSecond)
	}
	return bench.NewStat(all).Median
}

func (d *driver) cell(row *Row, workload string) *Cell {
	if c := d.report.Cell(row.Name(), workload); c != nil {
		return c
	}
	d.report.Cells = append(d.report.Cells, Cell{Peer: row.Peer, Variant: row.Variant, Workload: workload})
	return &d.report.Cells[len(d.report.Cells)-1]
}

// key names what a failed run takes with it: the row with the workload, at one rate.
func (j job) key() string { return fmt.Sprintf("%s %s %.0f", j.row.Name(), j.workload, j.rate) }

// attempt makes a run, unless the row has failed before or the time is up. Without a run and an error there is nothing more
// to do with it.
func (d *driver) attempt(ctx context.Context, j job) (*Run, error) {
	if d.dead[j.row.Name()] || d.dead[j.key()] {
		return nil, nil
	}
	if time.Since(d.began)+d.runTime(j.row) > d.c.Budget {
		return nil, ErrBudget
	}
	r, err := d.run(ctx, j)
	if err != nil {
		return nil, d.passed(ctx, j, err)
	}
	return r, nil
}

// passed notes why a run has failed. It returns an error only when no other run makes sense either.
func (d *driver) passed(ctx context.Context, j job, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if kind := errKind(err); kind == contract.Missing || kind == noStart {
		d.dead[j.row.Name()] = true
	}
	d.dead[j.key()] = true
	if _, wrong := errors.AsType[*CountError](err); wrong {
		d.report.drop(j.row.Name(), j.workload)
	}
	d.skip(j.row.Name(), j.workload, err)
	return nil
}

// skip notes what cannot be measured.
func (d *driver) skip(row, workload string, err error) {
	d.report.Skipped = append(d.report.Skipped, Skipped{Row: row, Workload: workload, Kind: errKind(err), Why: err.Error()})
	d.c.Progress(err.Error())
	if errKind(err) != contract.Missing || len(d.c.Peers) > 0 {
		d.failed = append(d.failed, err)
	}
}

// String tells of a run in a line.
func (r *Run) String() string {
	text := fmt.Sprintf("%s tuples/s, %s tuples/CPU-s, first after %.1f s, %d MiB", bench.Amount(r.TuplesPerSecond),
		bench.Amount(r.TuplesPerCPUSecond), r.FirstResultSeconds, r.PeakRSSBytes>>20)
	if !r.Steady {
		text += ", not steady"
	}
	if r.Extra != 0 {
		text += fmt.Sprintf(", %+d words", r.Extra)
	}
	return text
}

func (r *Run) latencyText() string {
	if r.Rejected != "" {
		return "does not count: " + r.Rejected
	}
	q := bench.QuantilesOf(r.Latency)
	return fmt.Sprintf("p50 %s, p99 %s, p99.9 %s", bench.Micros(q.P50), bench.Micros(q.P99), bench.Micros(q.P999))
}
