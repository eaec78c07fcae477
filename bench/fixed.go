package bench

import (
	"context"

	"github.com/ardea-stream/ardea/local"
)

// merged is the Repeat of a LatencyRun that stands for all runs of a mode at a rate.
const merged = 0

// MeasureLatency is MeasureFixed with a report of its own.
func MeasureLatency(ctx context.Context, c Config) (*Report, error) {
	s, err := MeasureFixed(ctx, c)
	return s.Report(), err
}

// MeasureFixed sends tuples at fixed rates from a spout to a bolt and takes the
// time from the instant that each was due to its execution and, where tuples are
// tracked, to the ack that completes it: in every mode (nil means the default one)
// with every guarantee, in turn. Before them it sends by the same schedule over a
// relay without an engine. With several repeats a further LatencyRun holds the
// merged histograms of each mode, guarantee and rate, with Repeat 0. A run that
// does not count stands in the section with the reason in Rejected. What was
// measured so far is returned with an error too; it is nil only if c is not
// valid. Errors are those of MeasureThroughput, and a *StallError if a mode stalls
// at one of the rates run after run.
func MeasureFixed(ctx context.Context, c Config) (*Section, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{local.DefaultMode}, nil)
	if len(c.Rates) == 0 && len(c.Loads) == 0 {
		c.Rates = []float64{DefaultRate}
	}
	f := &fixed{
		c: c, s: c.section(KindLatency, c.saturated(c.Workload.promise())), capacity: map[setting]float64{}, all: map[point][]*latencyMeasure{},
		relay: map[float64]*relayMeasure{},
		p:     steps{progress: c.Progress, of: c.Repeat * (len(c.Rates) + len(c.settings())*(len(c.Rates)+2*len(c.Loads)))},
	}
	err := f.measure(ctx)
	if err == nil && !c.lenient {
		err = f.stalls(ctx)
	}
	f.s.Latency = append(f.s.Latency, f.merged()...)
	if err != nil {
		f.s.Error = err.Error()
	}
	return f.s, err
}

// point is where latency is measured.
type point struct {
	setting
	rate, load float64
}

// fixed is a measurement at fixed rates.
type fixed struct {
	c        Config
	s        *Section
	p        steps
	capacity map[setting]float64
	all      map[point][]*latencyMeasure
	relay    map[float64]*relayMeasure // by rate
}

func (f *fixed) measure(ctx context.Context) error {
	if len(f.c.Loads) > 0 {
		f.p.of += len(f.c.settings())
		for _, of := range f.c.settings() {
			capacity, err := measureCapacity(ctx, f.c, &f.p, of)
			if err != nil {
				return err
			}
			f.capacity[of] = capacity
		}
	}
	for repeat := 1; repeat <= f.c.Repeat; repeat++ {
		for _, at := range f.points() {
			if err := f.measureOnce(ctx, at, repeat); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureOnce measures a mode at a rate, and the relay before if that was not done yet in this repeat.
func (f *fixed) measureOnce(ctx context.Context, at point, repeat int) error {
	relay := f.relay[at.rate]
	if relay == nil {
		relay = &relayMeasure{}
		f.relay[at.rate] = relay
	}
	if relay.runs < repeat {
		if err := relay.measure(ctx, f.c, &f.p, at.rate); err != nil {
			return err
		}
	}
	f.p.next("%s at %s tuples/s", at.setting, amount(at.rate))
	m, err := runLatency(ctx, f.c, at, repeat)
	if err != nil {
		return err
	}
	m.judge(relay.last)
	f.s.Latency = append(f.s.Latency, m.run)
	f.p.say("%s", m.run.line())
	f.all[at] = append(f.all[at], m)
	return nil
}

// points returns where to measure, modes and guarantees in turn at every rate.
func (f *fixed) points() []point {
	var all []point
	for _, rate := range f.c.Rates {
		for _, of := range f.c.settings() {
			all = append(all, point{setting: of, rate: rate, load: ratio(rate, f.capacity[of])})
		}
	}
	for _, load := range f.c.Loads {
		for _, of := range f.c.settings() {
			all = append(all, point{setting: of, rate: loadRate(load, f.capacity[of]), load: load})
		}
	}
	return all
}

// loadRate is a share of the capacity as a rate that can be run.
func loadRate(load, capacity float64) float64 { return min(max(1, load*capacity), MaxRate) }

// merged returns the merged runs of every point that has several.
func (f *fixed) merged() []LatencyRun {
	var all []LatencyRun
	for _, at := range f.points() {
		if runs := f.all[at]; len(runs) > 0 && max(len(runs), f.c.Repeat) > 1 {
			all = append(all, mergeRuns(runs).total(f.relay[at.rate].all))
		}
	}
	return all
}

// measureCapacity measures the throughput of the latency workload at saturation.
func measureCapacity(ctx context.Context, c Config, p *steps, of setting) (float64, error) {
	p.next("%s as fast as possible", of)
	run, err := runWorkload(ctx, c, c.saturated(of.guarantee), of.mode, 1)
	if err != nil {
		return 0, err
	}
	p.say("%s: %s", of, run.line())
	return run.TuplesPerSecond, nil
}
