package bench

import (
	"context"
	"fmt"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/local"
)

// merged is the Repeat of a LatencyRun that stands for all runs of a mode.
const merged = 0

// MeasureLatency sends tuples at a fixed rate from a spout to a bolt and takes
// the time from the instant that each was due, in every mode in turn. With
// several repeats a further LatencyRun holds the merged histograms of each
// mode, with Repeat 0. Errors are those of Compare.
func MeasureLatency(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{local.DefaultMode}, nil)
	r := &Report{Runs: []Run{}, Machine: ThisMachine()}
	all := map[string]*latencyMeasure{}
	step, steps := 0, c.Repeat*len(c.Modes)
	say := func(format string, args ...any) {
		c.Progress(fmt.Sprintf("[%d/%d] ", step, steps) + fmt.Sprintf(format, args...))
	}
	for repeat := 1; repeat <= c.Repeat; repeat++ {
		for _, mode := range c.Modes {
			step++
			say("%s at %s tuples/s ...", mode, amount(c.Rate))
			m, err := runLatency(ctx, c, mode, repeat)
			if err != nil {
				return r, err
			}
			r.Latency = append(r.Latency, m.run)
			l := m.run.Latency
			say("%s: p50 %s, p99 %s, max %s", mode, micros(l.P50), micros(l.P99), micros(l.Max))
			if all[mode] == nil {
				all[mode] = m
			} else {
				all[mode].add(m)
			}
		}
	}
	if c.Repeat > 1 {
		for _, mode := range c.Modes {
			r.Latency = append(r.Latency, all[mode].total(c.Repeat))
		}
	}
	return r, nil
}

// latencyMeasure is a run with its histograms.
type latencyMeasure struct {
	run               LatencyRun
	latency, lateness *hdr.Histogram
}

// add merges another run of the same mode.
func (m *latencyMeasure) add(n *latencyMeasure) {
	m.latency.Merge(n.latency)
	m.lateness.Merge(n.lateness)
	m.run.Emitted += n.run.Emitted
	m.run.Counted += n.run.Counted
	m.run.CPUSecondsPerSecond += n.run.CPUSecondsPerSecond
	m.run.StealShare = max(m.run.StealShare, n.run.StealShare)
	m.run.OthersShare = max(m.run.OthersShare, n.run.OthersShare)
	m.run.Noisy = m.run.Noisy || n.run.Noisy
}

// total returns the sum of runs.
func (m *latencyMeasure) total(runs int) LatencyRun {
	r := m.run
	r.Repeat = merged
	r.CPUSecondsPerSecond /= float64(runs)
	r.Latency, r.Lateness = quantiles(m.latency), quantiles(m.lateness)
	return r
}

// runLatency runs the latency workload once and checks it.
func runLatency(ctx context.Context, c Config, mode string, repeat int) (*latencyMeasure, error) {
	name := fmt.Sprintf("%s %s, run %d", Latency, mode, repeat)
	spec := c.latency()
	t, err := spec.Topology()
	if err != nil {
		return nil, err
	}
	before := readProcessors()
	result, err := local.Run(ctx, t, c.options(spec, mode))
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", name, err)
	}
	if result.Interrupted {
		return nil, fmt.Errorf("bench: %s: %w", name, context.Cause(ctx))
	}
	after := readProcessors()
	emitted, err := sumTallies(result.Published, emittedTally, 1)
	if err != nil {
		return nil, err
	}
	counted, err := sumTallies(result.Published, countedTally, 1)
	if err != nil {
		return nil, err
	}
	if err := compareTallies(name, emitted, counted); err != nil {
		return nil, err
	}
	m := &latencyMeasure{}
	if m.latency, err = mergeHistograms(result.Published, latencyName, 1); err != nil {
		return nil, err
	}
	if m.lateness, err = mergeHistograms(result.Published, latenessName, 1); err != nil {
		return nil, err
	}
	cpu := result.Sample.Total().CPUSeconds()
	m.run = LatencyRun{
		Mode: mode, Containers: result.Containers, Repeat: repeat, Rate: c.Rate,
		Emitted: emitted.Tuples, Counted: counted.Tuples,
		Latency: quantiles(m.latency), Lateness: quantiles(m.lateness),
		CPUSecondsPerSecond: cpu / result.Elapsed.Seconds(),
		Noise:               noiseBetween(before, after, cpu),
	}
	return m, nil
}
