package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/local"
)

// latencyMeasure is one run, or several of a point, with histograms.
type latencyMeasure struct {
	run                       LatencyRun
	runs                      int
	latency, closed, lateness *hdr.Histogram
	complete                  *hdr.Histogram // nil if nothing is tracked
	short                     int            // runs that did not reach their rate
	allLate                   bool           // of several runs, none had a pacer in time
}

// relayMeasure is the latency of the relay at a rate, of one run or several.
type relayMeasure struct {
	runs      int
	last, all *hdr.Histogram
}

// measure runs the relay once.
func (r *relayMeasure) measure(ctx context.Context, c Config, p *steps, rate float64) (err error) {
	p.next("relay without an engine at %s tuples/s", amount(rate))
	if r.last, err = relayLatency(ctx, c, rate); err != nil {
		return err
	}
	p.say("relay without an engine: p50 %s, p99 %s", micros(quantiles(r.last).P50), micros(quantiles(r.last).P99))
	if r.runs++; r.runs == 1 {
		r.all = newHistogram()
	}
	r.all.Merge(r.last)
	return nil
}

// mergeRuns returns the runs of a point as one. A run with a late pacer tells of
// the harness, not of the engine, and is left out, unless all are such. A run
// that did not reach its rate stays in: leaving it out would flatter the engine.
func mergeRuns(all []*latencyMeasure) *latencyMeasure {
	counting := slices.DeleteFunc(slices.Clone(all), func(m *latencyMeasure) bool { return m.lateText() != "" })
	late := len(all) - len(counting)
	if len(counting) == 0 {
		counting = all
	}
	sum := &latencyMeasure{latency: newHistogram(), closed: newHistogram(), lateness: newHistogram(), allLate: late == len(all)}
	first := counting[0].run
	sum.run.Mode, sum.run.Guarantee, sum.run.Containers = first.Mode, first.Guarantee, first.Containers
	sum.run.Rate, sum.run.Load = first.Rate, first.Load
	if counting[0].complete != nil {
		sum.complete = newHistogram()
	}
	sum.run.LateRuns = late
	for _, m := range counting {
		sum.add(m)
	}
	return sum
}

// add merges another run of the same point.
func (m *latencyMeasure) add(n *latencyMeasure) {
	if !n.run.reached(1) {
		m.short++
	}
	m.runs += n.runs
	m.latency.Merge(n.latency)
	m.closed.Merge(n.closed)
	m.lateness.Merge(n.lateness)
	if m.complete != nil {
		m.complete.Merge(n.complete)
	}
	m.run.Emitted += n.run.Emitted
	m.run.Counted += n.run.Counted
	m.run.Acked += n.run.Acked
	m.run.CPUSecondsPerSecond += n.run.CPUSecondsPerSecond
	m.run.Achieved += n.run.Achieved
	m.run.Heat = addHeat(m.run.Heat, n.run.Heat)
	m.run.StealShare = max(m.run.StealShare, n.run.StealShare)
	m.run.OthersShare = max(m.run.OthersShare, n.run.OthersShare)
	m.run.Noisy = m.run.Noisy || n.run.Noisy
}

// total returns the sum of the runs.
func (m *latencyMeasure) total(relay *hdr.Histogram) LatencyRun {
	t := *m
	t.run.Repeat = merged
	t.run.CPUSecondsPerSecond /= float64(m.runs)
	t.run.Achieved /= float64(m.runs)
	t.judge(relay)
	return t.run
}

// What makes a run one that does not count, or one to look into.
const (
	// A pacer is too late if the 99th percentile of its lateness is above
	// latestPacer and above latestShare of the latency's, of which it is a part.
	latestPacer = 5 * time.Millisecond
	latestShare = 0.5
	// A rate is reached if so much of it was sent, or if the last tuple was no later than latestEnd.
	reachedShare = 0.98
	latestEnd    = 50 * time.Millisecond
	// A run has stalls if more than stalledShare of its tuples, and stalledFactor
	// times as many as pacer and relay have, took more than stallBound.
	stallBound    = 20 * time.Millisecond
	stalledShare  = 0.001
	stalledFactor = 4
)

// judge works out what follows from the histograms. relay is nil if it was not measured.
func (m *latencyMeasure) judge(relay *hdr.Histogram) {
	r := &m.run
	closed := quantiles(m.closed)
	r.Latency, r.Lateness, r.ClosedLoop = quantiles(m.latency), quantiles(m.lateness), &closed
	r.Spectrum = spectrum(m.latency)
	slowest := m.latency
	if m.complete != nil {
		complete := quantiles(m.complete)
		r.Complete, r.CompleteSpectrum, slowest = &complete, spectrum(m.complete), m.complete
	}
	var why []string
	if late := m.lateText(); late != "" {
		why = append(why, late)
	} else if m.allLate {
		why = append(why, "the pacer was late in all runs")
	}
	switch {
	case m.short > 0 && m.runs > 1:
		why = append(why, fmt.Sprintf("the rate was not reached in %d of %d runs", m.short, m.runs))
	case !r.reached(m.runs):
		why = append(why, fmt.Sprintf("the rate was not reached: %s tuples/s of %s", amount(r.Achieved), amount(r.Rate)))
	}
	r.Rejected, r.Stalled = strings.Join(why, "; "), ""
	if relay == nil {
		return
	}
	q := quantiles(relay)
	r.Relay = &q
	bound := stallBound.Nanoseconds()
	engine, paced, relayed := shareOver(slowest, bound), shareOver(m.lateness, bound), shareOver(relay, bound)
	if engine > stalledShare && engine > stalledFactor*(paced+relayed) {
		r.Stalled = fmt.Sprintf("%.2f %% of the tuples took over %v, of which the pacer explains %.2f %% and a relay without an engine %.2f %%",
			100*engine, stallBound, 100*paced, 100*relayed)
	}
}

// lateText tells of a pacer that was too late, empty if it was not.
func (m *latencyMeasure) lateText() string {
	late, all := quantiles(m.lateness).P99, quantiles(m.latency).P99
	if late <= float64(latestPacer.Microseconds()) || late <= latestShare*all {
		return ""
	}
	return fmt.Sprintf("the pacer was late: %s in its 99th percentile, of %s in the latency's", micros(late), micros(all))
}

// reached reports whether the spout sent about as much as it should have, as
// the mean of some runs.
func (l *LatencyRun) reached(runs int) bool {
	if l.Latency.Count == 0 {
		return false
	}
	measured := float64(l.Latency.Count) / float64(runs)
	lost := ratio(measured, l.Achieved) - ratio(measured, l.Rate) // seconds
	return l.Achieved >= reachedShare*l.Rate || lost <= latestEnd.Seconds()
}

// line tells of a run in a few words.
func (l *LatencyRun) line() string {
	q := l.Latency
	s := fmt.Sprintf("%s at %s tuples/s: p50 %s, p99 %s, max %s", l.Variant(), amount(l.Rate), micros(q.P50), micros(q.P99), micros(q.Max))
	if c := l.Complete; c != nil {
		s += fmt.Sprintf("; complete p50 %s, p99 %s", micros(c.P50), micros(c.P99))
	}
	if l.Rejected != "" {
		s += "; does not count: " + l.Rejected
	}
	if l.Stalled != "" {
		s += "; stalls: " + l.Stalled
	}
	return s
}

// runLatency runs the latency workload once and checks it.
func runLatency(ctx context.Context, c Config, at point, repeat int) (*latencyMeasure, error) {
	name := fmt.Sprintf("%s %s at %s tuples/s, run %d", Latency, at.setting, amount(at.rate), repeat)
	spec := c.latency(at.rate, at.guarantee)
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
	tuples, err := check(name, spec, result)
	if err != nil {
		return nil, err
	}
	if err := m.read(result.Published, at.guarantee); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", name, err)
	}
	cpu := result.Sample.Total().CPUSeconds()
	m.run.Mode, m.run.Guarantee, m.run.Containers, m.run.Repeat = at.mode, at.guarantee, result.Containers, repeat
	m.run.Rate, m.run.Load = at.rate, at.load
	m.run.Emitted, m.run.Counted, m.run.Acked = tuples.emitted, tuples.counted, tuples.acked
	m.run.CPUSecondsPerSecond = cpu / result.Elapsed.Seconds()
	m.run.Noise = noiseBetween(before, after, cpu)
	var kept pace
	if err := json.Unmarshal(onlyOne(result.Published, paceName), &kept); err != nil {
		return nil, fmt.Errorf("bench: %s: pace of the spout: %w", name, err)
	}
	m.run.Achieved = kept.achieved(at.rate, tuples.emitted)
	m.judge(nil)
	return m, nil
}

// read takes the distributions that the tasks have published.
func (m *latencyMeasure) read(p published, g Guarantee) (err error) {
	if m.latency, err = mergeHistograms(p, latencyName, 1); err != nil {
		return err
	}
	if m.closed, err = mergeHistograms(p, closedName, 1); err != nil {
		return err
	}
	if m.lateness, err = mergeHistograms(p, latenessName, 1); err != nil {
		return err
	}
	if g.Tracked() {
		if m.complete, err = mergeHistograms(p, completeName, 1); err != nil {
			return err
		}
	}
	m.run.Heat, err = readHeat(p)
	return err
}

// onlyOne returns what the only task that published under a name did, nil if none has.
func onlyOne(p published, name string) []byte {
	for _, data := range p[name] {
		return data
	}
	return nil
}
