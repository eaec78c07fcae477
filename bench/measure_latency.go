package bench

import (
	"context"
	"fmt"
	"slices"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/local"
)

// merged is the Repeat of a LatencyRun that stands for all runs of a mode at a rate.
const merged = 0

// MeasureLatency is MeasureFixed with a report of its own.
func MeasureLatency(ctx context.Context, c Config) (*Report, error) {
	s, err := MeasureFixed(ctx, c)
	return s.report(), err
}

// MeasureFixed sends tuples at fixed rates from a spout to a bolt and takes the
// time from the instant that each was due, in every mode (nil means the default
// one) in turn. With several repeats a further LatencyRun holds the merged
// histograms of each mode and rate, with Repeat 0. A run that does not count
// stands in the section with the reason in Rejected. What was measured so far is
// returned with an error too; it is nil only if c is not valid. Errors are those
// of MeasureThroughput.
func MeasureFixed(ctx context.Context, c Config) (*Section, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{local.DefaultMode}, nil)
	if len(c.Rates) == 0 && len(c.Loads) == 0 {
		c.Rates = []float64{DefaultRate}
	}
	f := &fixed{
		c: c, s: c.section(KindLatency, saturated()), capacity: map[string]float64{}, all: map[point]*latencyMeasure{},
		p: steps{progress: c.Progress, of: c.Repeat * len(c.Modes) * (len(c.Rates) + len(c.Loads))},
	}
	err := f.measure(ctx)
	f.s.Latency = append(f.s.Latency, f.merged()...)
	if err != nil {
		f.s.Error = err.Error()
	}
	return f.s, err
}

// saturated is the latency workload at no rate: as fast as possible.
func saturated() Spec { return Spec{Workload: Latency}.withDefaults() }

// point is where latency is measured.
type point struct {
	mode       string
	rate, load float64
}

// fixed is a measurement at fixed rates.
type fixed struct {
	c        Config
	s        *Section
	p        steps
	capacity map[string]float64 // by mode
	all      map[point]*latencyMeasure
}

func (f *fixed) measure(ctx context.Context) error {
	if len(f.c.Loads) > 0 {
		f.p.of += len(f.c.Modes)
		for _, mode := range f.c.Modes {
			capacity, err := measureCapacity(ctx, f.c, &f.p, mode)
			if err != nil {
				return err
			}
			f.capacity[mode] = capacity
		}
	}
	for repeat := 1; repeat <= f.c.Repeat; repeat++ {
		for _, at := range f.points() {
			f.p.next("%s at %s tuples/s", at.mode, amount(at.rate))
			m, err := runLatency(ctx, f.c, at, repeat)
			if err != nil {
				return err
			}
			f.s.Latency = append(f.s.Latency, m.run)
			f.p.say("%s", m.run.line())
			if f.all[at] == nil {
				f.all[at] = m
			} else {
				f.all[at].add(m)
			}
		}
	}
	return nil
}

// points returns where to measure, modes in turn at every rate.
func (f *fixed) points() []point {
	var all []point
	for _, rate := range f.c.Rates {
		for _, mode := range f.c.Modes {
			all = append(all, point{mode: mode, rate: rate, load: ratio(rate, f.capacity[mode])})
		}
	}
	for _, load := range f.c.Loads {
		for _, mode := range f.c.Modes {
			all = append(all, point{mode: mode, rate: loadRate(load, f.capacity[mode]), load: load})
		}
	}
	return all
}

// loadRate is a share of the capacity as a rate that can be run.
func loadRate(load, capacity float64) float64 { return min(max(1, load*capacity), MaxRate) }

// merged returns the merged runs of every point that has several.
func (f *fixed) merged() []LatencyRun {
	var all []LatencyRun
	if f.c.Repeat == 1 {
		return nil
	}
	for _, at := range f.points() {
		if m := f.all[at]; m != nil {
			all = append(all, m.total())
		}
	}
	return all
}

// measureCapacity measures the throughput of the latency workload at saturation.
func measureCapacity(ctx context.Context, c Config, p *steps, mode string) (float64, error) {
	p.next("%s as fast as possible", mode)
	run, err := runWorkload(ctx, c, saturated(), mode, 1)
	if err != nil {
		return 0, err
	}
	p.say("%s: %s", mode, run.line())
	return run.TuplesPerSecond, nil
}

// line tells of a run in a few words.
func (l *LatencyRun) line() string {
	q := l.Latency
	s := fmt.Sprintf("%s at %s tuples/s: p50 %s, p99 %s, max %s", l.Mode, amount(l.Rate), micros(q.P50), micros(q.P99), micros(q.Max))
	if l.Rejected != "" {
		s += "; rejected: " + l.Rejected
	}
	return s
}

// latencyMeasure is one run, or several of a point, with histograms.
type latencyMeasure struct {
	run               LatencyRun
	runs              int
	latency, lateness *hdr.Histogram
}

// add merges another run of the same point.
func (m *latencyMeasure) add(n *latencyMeasure) {
	m.runs += n.runs
	m.latency.Merge(n.latency)
	m.lateness.Merge(n.lateness)
	m.run.Emitted += n.run.Emitted
	m.run.Counted += n.run.Counted
	m.run.CPUSecondsPerSecond += n.run.CPUSecondsPerSecond
	m.run.StealShare = max(m.run.StealShare, n.run.StealShare)
	m.run.OthersShare = max(m.run.OthersShare, n.run.OthersShare)
	m.run.Noisy = m.run.Noisy || n.run.Noisy
}

// total returns the sum of the runs.
func (m *latencyMeasure) total() LatencyRun {
	r := m.run
	r.Repeat = merged
	r.CPUSecondsPerSecond /= float64(m.runs)
	r.Latency, r.Lateness = quantiles(m.latency), quantiles(m.lateness)
	return r
}

// runLatency runs the latency workload once and checks it.
func runLatency(ctx context.Context, c Config, at point, repeat int) (*latencyMeasure, error) {
	name := fmt.Sprintf("%s %s, run %d", Latency, at.mode, repeat)
	spec := c.latency(at.rate)
	t, err := c.topology(spec)
	if err != nil {
		return nil, err
	}
	before := readProcessors()
	result, err := local.Run(ctx, t, c.options(spec, at.mode))
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", name, err)
	}
	if result.Interrupted {
		return nil, fmt.Errorf("bench: %s: %w", name, context.Cause(ctx))
	}
	after := readProcessors()
	m := &latencyMeasure{runs: 1}
	emitted, counted, err := check(name, spec, result.Published)
	if err != nil {
		return nil, err
	}
	if m.latency, err = mergeHistograms(result.Published, latencyName, 1); err != nil {
		return nil, err
	}
	if m.lateness, err = mergeHistograms(result.Published, latenessName, 1); err != nil {
		return nil, err
	}
	cpu := result.Sample.Total().CPUSeconds()
	m.run = LatencyRun{
		Mode: at.mode, Containers: result.Containers, Repeat: repeat, Rate: at.rate, Load: at.load,
		Emitted: emitted, Counted: counted,
		Latency: quantiles(m.latency), Lateness: quantiles(m.lateness),
		CPUSecondsPerSecond: cpu / result.Elapsed.Seconds(),
		Noise:               noiseBetween(before, after, cpu),
	}
	return m, nil
}

// MeasureCurve measures the capacity of each mode (nil means the default one),
// then the latency at rising shares of it, see Config.Loads, and at Config.Rates,
// and looks for the highest rates that hold Config.Bounds. Repeat is not used.
// Results and errors are as in MeasureFixed.
func MeasureCurve(ctx context.Context, c Config) (*Section, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{local.DefaultMode}, nil)
	if c.Loads == nil {
		c.Loads = DefaultLoads()
	}
	s := c.section(KindCurve, saturated())
	p := &steps{progress: c.Progress, of: len(c.Modes) * (1 + len(c.Loads) + len(c.Rates))}
	for _, mode := range c.Modes {
		curve, err := measureCurve(ctx, c, p, mode)
		if curve.Capacity > 0 {
			s.Curves = append(s.Curves, curve)
		}
		if err != nil {
			s.Error = err.Error()
			return s, err
		}
	}
	return s, nil
}

// measureCurve measures the curve of one mode, as far as it comes.
func measureCurve(ctx context.Context, c Config, p *steps, mode string) (Curve, error) {
	curve := Curve{Mode: mode}
	var err error
	if curve.Capacity, err = measureCapacity(ctx, c, p, mode); err != nil {
		return curve, err
	}
	rates := slices.Clone(c.Rates)
	for _, load := range c.Loads {
		rates = append(rates, loadRate(load, curve.Capacity))
	}
	slices.Sort(rates)
	for _, rate := range slices.Compact(rates) {
		p.next("%s at %s tuples/s", mode, amount(rate))
		m, err := runLatency(ctx, c, point{mode: mode, rate: rate, load: ratio(rate, curve.Capacity)}, 1)
		if err != nil {
			return curve, err
		}
		curve.Points = append(curve.Points, m.run)
		p.say("%s", m.run.line())
	}
	return curve, nil
}
