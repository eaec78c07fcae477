package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea/bench"
)

// heatStep is the number of entries of a heat column for a doubling of the latency.
const heatStep = 2

// latencyBlocks are the parts of a section that measures at fixed rates.
func latencyBlocks(all []bench.LatencyRun) []block {
	runs := merged(all)
	if len(runs) == 0 {
		return nil
	}
	blocks := []block{{
		Heading: "Latency", Table: latencyTable(runs),
		Text: []string{"From the instant at which a tuple was due, whether the engine was ready or not, to its execution in the bolt. The pacer's " +
			"own lateness is part of it. Complete is from the same instant to the ack of all that descends from the tuple. The closed loop starts the clock when a tuple was really sent and hides what kept it from being " +
			"sent: it is here to show that, not as a result. The relay is the same schedule over two Unix sockets without an engine."},
	}}
	if t := ratioTable(all); t != nil {
		blocks = append(blocks, block{
			Heading: "At the same rate as naive", Table: t,
			Text: []string{"Percentiles over those of naive, at rates that both reach; below 1 is faster. No intervals: read them beside the runs."},
		})
	}
	if c := spectrumChart(runs); c != nil {
		blocks = append(blocks, block{Heading: "Percentile spectrum", Chart: c})
	}
	if c := heatChart(all); c != nil {
		blocks = append(blocks, block{Heading: "Latency over time", Chart: c})
	}
	return blocks
}

// merged returns the runs that stand for a mode at a rate: those that are merged
// of others, and the single ones where there is none.
func merged(runs []bench.LatencyRun) []bench.LatencyRun {
	have := map[string]bool{}
	for i := range runs {
		if runs[i].Repeat == 0 {
			have[pace(&runs[i])] = true
		}
	}
	var out []bench.LatencyRun
	for i := range runs {
		if runs[i].Repeat == 0 || !have[pace(&runs[i])] {
			out = append(out, runs[i])
		}
	}
	return out
}

// singleRuns returns the runs that were measured. Those that are merged of them
// are left out: they would count twice.
func singleRuns(runs []bench.LatencyRun) []bench.LatencyRun {
	have := map[string]bool{}
	for i := range runs {
		if runs[i].Repeat > 0 {
			have[pace(&runs[i])] = true
		}
	}
	var out []bench.LatencyRun
	for i := range runs {
		if runs[i].Repeat > 0 || !have[pace(&runs[i])] {
			out = append(out, runs[i])
		}
	}
	return out
}

// pace identifies what runs have in common that are repeats of each other.
func pace(l *bench.LatencyRun) string {
	return fmt.Sprint(l.Workload, "|", l.Variant(), "|", l.Containers, "|", l.Rate, "|", l.Load)
}

// rateName tells a rate in words.
func rateName(l *bench.LatencyRun) string {
	name := strings.ReplaceAll(rounded(l.Rate), " ", "\u00a0") + "/s" // not to be broken
	if l.Load > 0 {
		name += fmt.Sprintf(" (%.0f %% of capacity)", 100*l.Load)
	}
	return name
}

func latencyTable(runs []bench.LatencyRun) *table {
	t := &table{
		Head: []string{"", "rate", "p50", "p90", "p99", "p99.9", "max", "closed loop p99", "relay p99", "pacer p99", "state"}, Left: 2, Mark: -1,
	}
	tracked := slices.ContainsFunc(runs, func(l bench.LatencyRun) bool { return l.Complete != nil })
	if tracked {
		t.Head = slices.Insert(t.Head, completeColumn, "complete p50", "complete p99")
	}
	for i := range runs {
		l := &runs[i]
		closed, relay := none, none
		if l.ClosedLoop != nil {
			closed = micros(l.ClosedLoop.P99)
		}
		if l.Relay != nil {
			relay = micros(l.Relay.P99)
		}
		q := l.Latency
		row := []string{
			l.Variant(), rateName(l), micros(q.P50), micros(q.P90), micros(q.P99), micros(q.P999), micros(q.Max),
			closed, relay, micros(l.Lateness.P99), latencyState(l),
		}
		switch c := l.Complete; {
		case c != nil:
			row = slices.Insert(row, completeColumn, micros(c.P50), micros(c.P99))
		case tracked:
			row = slices.Insert(row, completeColumn, none, none)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// completeColumn is where complete latencies stand in the table: behind the others.
const completeColumn = 7

// ratioTable compares modes with naive, nil where no rate was measured with both.
func ratioTable(runs []bench.LatencyRun) *table {
	t := &table{Head: []string{"", "rate", "p50 over naive's", "p99 over naive's"}, Left: 2, Mark: -1}
	for _, r := range bench.LatencyRatios(runs) {
		t.Rows = append(t.Rows, []string{bench.Variant(r.Mode, r.Guarantee), rateName(&bench.LatencyRun{Rate: r.Rate}), times(r.P50), times(r.P99)})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

func latencyState(l *bench.LatencyRun) string {
	switch {
	case l.Rejected != "":
		return "rejected"
	case l.Stalled != "":
		return "stalled"
	case l.LateRuns > 0:
		return fmt.Sprintf("%d late left out", l.LateRuns)
	case l.Noisy:
		return "noisy"
	default:
		return "good"
	}
}

// spectrumChart draws whole distributions, one rate at a time.
func spectrumChart(runs []bench.LatencyRun) *chart {
	c := &chart{
		Kind: "lines", Title: "Latency by percentile",
		Note:  "The horizontal axis stretches the tail: each step is ten times rarer. Dashed lines are runs that were rejected.",
		Table: table{Head: []string{"", "rate", "percentile", "latency"}, Left: 2, Mark: -1},
	}
	for i := range runs {
		l := &runs[i]
		label := l.Variant()
		if l.Repeat > 0 {
			label = fmt.Sprintf("%s, run %d", label, l.Repeat)
		}
		c.addSpectrum(l, label, modeColor(l.Variant()), l.Spectrum)
		c.addSpectrum(l, label+", complete", completeColor, l.CompleteSpectrum)
	}
	return c.orNil(len(c.Alternatives))
}

// addSpectrum draws a distribution of a run, if there is one, among those of its rate.
func (c *chart) addSpectrum(l *bench.LatencyRun, label, color string, of []bench.SpectrumPoint) {
	points := spectrumPoints(of)
	if len(points) < 2 {
		return
	}
	name := rateName(l)
	k := slices.IndexFunc(c.Alternatives, func(a alternative) bool { return a.Label == name })
	if k < 0 {
		k = len(c.Alternatives)
		c.Alternatives = append(c.Alternatives, alternative{
			Label: name, Unit: "micros", Log: true, X: &axis{Label: "percentile", Scale: "percentile", Unit: "percentile"},
		})
	}
	c.Alternatives[k].Series = append(c.Alternatives[k].Series, series{Label: label, Color: color, Points: points, Dashed: l.Rejected != ""})
	for _, p := range points {
		c.Table.Rows = append(c.Table.Rows, []string{label, name, significantPercentile(p[0]), micros(p[1])})
	}
}

func significantPercentile(p float64) string { return fmt.Sprintf("%.6g", p) }

// spectrumPoints are those that a logarithmic chart can show.
func spectrumPoints(spectrum []bench.SpectrumPoint) [][2]float64 {
	var points [][2]float64
	for _, p := range spectrum {
		if p.Micros > 0 && p.Percentile < 100 {
			points = append(points, [2]float64{p.Percentile, p.Micros})
		}
	}
	return points
}

// heatChart shows how latencies were spread over time, one run at a time.
func heatChart(runs []bench.LatencyRun) *chart {
	c := &chart{
		Kind: "heat", Title: "Tuples by latency over time",
		Note:  "Each column is a stretch of the run, each cell the tuples with that latency; the stronger its colour, the more (logarithmic).",
		Table: table{Head: []string{"", "rate", "second", "tuples", "slowest"}, Left: 2, Mark: -1},
	}
	for i := range runs {
		l := &runs[i]
		alt := alternative{Unit: "micros", X: &axis{Label: "seconds from the start of the window", Scale: "linear", Unit: "plain"}}
		for _, h := range l.Heat {
			counts := h.Counts[:min(len(h.Counts), 80)]
			var tuples uint64
			slowest := none
			for k, n := range counts {
				tuples += min(n, math.MaxUint64-tuples)
				if n > 0 {
					slowest = "under " + micros(math.Exp2(float64(k+1)/heatStep))
				}
			}
			alt.Columns = append(alt.Columns, counts)
			alt.Starts = append(alt.Starts, h.Second)
			c.Table.Rows = append(c.Table.Rows, []string{l.Variant(), rateName(l), significant(h.Second), amount(float64(tuples)), slowest})
		}
		if len(alt.Columns) == 0 {
			continue
		}
		alt.Label = l.Variant() + " at " + rateName(l)
		if l.Repeat > 0 {
			alt.Label += fmt.Sprintf(", run %d", l.Repeat)
		}
		c.Alternatives = append(c.Alternatives, alt)
	}
	return c.orNil(len(c.Alternatives))
}
