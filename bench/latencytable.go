package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// latencyRows returns the heading and a row for every run at a fixed rate.
func latencyRows(runs []LatencyRun) [][]string {
	rows := [][]string{{
		"", "run", "rate/s", "load", "p50", "p90", "p99", "p99.9", "max", "pacer p50", "pacer p99", "relay p50", "relay p99", "CPUs busy",
	}}
	acked := hasComplete(runs)
	if acked {
		rows[0] = append(rows[0], "complete p50", "complete p99", "complete p99.9")
	}
	for i := range runs {
		l := &runs[i]
		name, number, load := l.Variant(), strconv.Itoa(l.Repeat), "-"
		if l.Noisy {
			name += "*"
		}
		if l.Rejected != "" {
			name += " (rejected)"
		}
		if l.Repeat == merged {
			number = "all"
		}
		if l.Load > 0 {
			load = fmt.Sprintf("%.0f %%", 100*l.Load)
		}
		relay50, relay99 := "-", "-"
		if l.Relay != nil {
			relay50, relay99 = micros(l.Relay.P50), micros(l.Relay.P99)
		}
		row := []string{
			name, number, amount(l.Rate), load, micros(l.Latency.P50), micros(l.Latency.P90), micros(l.Latency.P99),
			micros(l.Latency.P999), micros(l.Latency.Max), micros(l.Lateness.P50), micros(l.Lateness.P99),
			relay50, relay99, fmt.Sprintf("%.2f", l.CPUSecondsPerSecond),
		}
		if c := l.Complete; c != nil {
			row = append(row, micros(c.P50), micros(c.P99), micros(c.P999))
		} else if acked {
			row = append(row, "-", "-", "-")
		}
		rows = append(rows, row)
	}
	return rows
}

// hasComplete reports whether tuples were tracked in some of the runs.
func hasComplete(runs []LatencyRun) bool {
	return slices.ContainsFunc(runs, func(l LatencyRun) bool { return l.Complete != nil })
}

// latencyNotes are the lines below the table: how to read it, and what is wrong with runs.
func latencyNotes(runs []LatencyRun) []string {
	notes := []string{
		"Latency counts from the instant a tuple was due; the pacer's lateness is part of it. The relay is the same schedule over two sockets without an engine.",
	}
	if hasComplete(runs) {
		notes = append(notes, "Complete is from the same instant to the ack of the whole tree of tuples, as the spout is told of it.")
	}
	for _, r := range LatencyRatios(runs) {
		notes = append(notes, r.String())
	}
	for i := range runs {
		l := &runs[i]
		run := fmt.Sprintf("Run %d of %s at %s tuples/s", l.Repeat, l.Variant(), amount(l.Rate))
		if l.Repeat == merged {
			run = fmt.Sprintf("All runs of %s at %s tuples/s", l.Variant(), amount(l.Rate))
		}
		if l.Rejected != "" {
			notes = append(notes, run+": not to be counted, "+l.Rejected+".")
		}
		if l.LateRuns > 0 && l.Rejected == "" {
			notes = append(notes, fmt.Sprintf("%s: without %d of them, whose pacer was late.", run, l.LateRuns))
		}
		if l.Stalled != "" {
			notes = append(notes, run+": stalls, "+l.Stalled+".")
		}
		if c := l.ClosedLoop; c != nil && l.Latency.P99 > closedGap*c.P99 && l.Latency.P99 > leastGap {
			notes = append(notes, fmt.Sprintf("%s: a closed loop, which counts from the instant a tuple was really sent, would have hidden part of this: p99 %s instead of %s.",
				run, micros(c.P99), micros(l.Latency.P99)))
		}
	}
	return notes
}

// A note on closed loops is due when the 99th percentile is closedGap times that
// of a closed loop, and above leastGap, in microseconds.
const (
	closedGap = 2
	leastGap  = 5000
)

// writeCurve writes the points of a mode and what follows from them.
func writeCurve(b *strings.Builder, c *Curve) {
	writeRows(b, latencyRows(c.Points))
	notes := []string{fmt.Sprintf("%s: capacity %s tuples/s.", c.Variant(), amount(c.Capacity))}
	if c.Knee > 0 {
		notes = append(notes, fmt.Sprintf("%s: knee at %s tuples/s, from which on the 99th percentile rises faster than the rate.", c.Variant(), amount(c.Knee)))
	}
	for _, s := range c.Sustained {
		rate := "at no rate that was tried"
		if s.Rate > 0 {
			rate = fmt.Sprintf("up to %s tuples/s", amount(s.Rate))
		}
		notes = append(notes, fmt.Sprintf("%s: 99th percentile within %s %s.", c.Variant(), micros(s.P99Micros), rate))
	}
	writeNotes(b, append(notes, latencyNotes(c.Points)...))
	b.WriteByte('\n')
}
