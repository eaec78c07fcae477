package bench

import (
	"fmt"
	"slices"
	"strings"
)

// tracked reports whether tuples were tracked in some of the runs.
func tracked(all []Summary) bool {
	return slices.ContainsFunc(all, func(s Summary) bool { return s.Guarantee.Tracked() })
}

// ackRows returns the heading and a row for every mode with a guarantee: what tracking takes.
func ackRows(all []Summary) [][]string {
	rows := [][]string{{"", "of at-most-once", "95 % interval", "per CPU-s", "acked/CPU-s", "allocs/tuple, tasks too", "socket B/tuple"}}
	for i := range all {
		s := &all[i]
		if s.Limit {
			continue
		}
		acked := "-"
		if s.AckedPerCPUSecond != nil {
			acked = amount(s.AckedPerCPUSecond.Median)
		}
		rows = append(rows, []string{
			s.label(), share(s.OfAtMostOnce), shareInterval(s.OfAtMostOnce), share(s.CPUOfAtMostOnce), acked,
			fmt.Sprintf("%.3f", s.EngineAllocsPerTuple), optional("%.1f", s.SocketBytesPerTuple),
		})
	}
	return rows
}

// share writes the median of ratios, of which there may be none.
func share(s *Stat) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%.2fx", s.Median)
}

// shareInterval writes the interval of ratios, of which there may be none.
func shareInterval(s *Stat) string {
	if s == nil || s.N < 2 {
		return "-"
	}
	return fmt.Sprintf("%.2fx - %.2fx", s.Low, s.High)
}

// heronNotes compare what the optimizations of Heron gain here with what was published.
func heronNotes(all []Summary) []string {
	var notes []string
	for _, p := range []struct {
		guarantee Guarantee
		published string
	}{
		{AtMostOnce, "5x to 6x without acks"},
		{AtLeastOnce, "4x to 5x with acks"},
	} {
		name := Variant("heron2017", p.guarantee)
		if heron := summaryOf(all, name); heron.RatioToNaive > 0 {
			notes = append(notes, fmt.Sprintf("%s over %s: %.1fx here; published for Heron: %s.",
				name, Variant(naive, p.guarantee), heron.RatioToNaive, p.published))
		}
	}
	return notes
}

// writeAcks writes the first comparison at saturation, after the headline, in
// which tuples were tracked, and the first complete latencies.
func (s *Suite) writeAcks(b *strings.Builder, head int) {
	for i := head; i < len(s.Sections); i++ {
		if t := &s.Sections[i]; t.Kind == KindThroughput && tracked(t.Summaries) {
			t.writeAckTable(b)
			break
		}
	}
	for i := range s.Sections {
		if t := &s.Sections[i]; t.Kind == KindLatency && hasComplete(t.Latency) {
			t.writeComplete(b)
			break
		}
	}
}

// writeAckTable writes a row for every mode with a guarantee.
func (s *Section) writeAckTable(b *strings.Builder) {
	b.WriteString("\n")
	writeHeading(b, []string{
		"With acks", "tuples/s", "of at-most-once", "95 % interval", "tuples/CPU-s", "vs naive", "allocs/tuple, tasks too", "socket bytes/tuple",
	})
	for i := range s.Summaries {
		t := &s.Summaries[i]
		if t.Limit {
			continue
		}
		writeMarkdown(b, []string{
			t.Name, amount(t.TuplesPerSecond.Median), share(t.OfAtMostOnce), shareInterval(t.OfAtMostOnce), amount(t.TuplesPerCPUSecond.Median),
			t.versus(), fmt.Sprintf("%.3f", t.EngineAllocsPerTuple), optional("%.1f", t.SocketBytesPerTuple),
		})
	}
	fmt.Fprintf(b, "\n%s Ratios to at-most-once are within a repeat; \"vs naive\" is against naive with the same guarantee.\n", s.origin())
}

// writeComplete writes a row for every tracked mode and rate, of several runs the merged one.
func (s *Section) writeComplete(b *strings.Builder) {
	b.WriteString("\n")
	writeHeading(b, []string{"latency with acks", "tuples/s", "load", "p50", "p99", "complete p50", "complete p99", "complete p99.9"})
	for _, l := range quoted(s.Latency) {
		if l.Complete == nil {
			continue
		}
		load := "-"
		if l.Load > 0 {
			load = fmt.Sprintf("%.0f %%", 100*l.Load)
		}
		row := []string{
			l.Variant(), amount(l.Rate), load, micros(l.Latency.P50), micros(l.Latency.P99),
			micros(l.Complete.P50), micros(l.Complete.P99), micros(l.Complete.P999),
		}
		if l.Rejected != "" {
			row = []string{l.Variant(), amount(l.Rate), load, "does not count: " + l.Rejected, "", "", "", ""}
		}
		writeMarkdown(b, row)
	}
	b.WriteString("\nComplete is from the instant a tuple was due to the ack of all that descends from it; the others are to its execution in the bolt.\n")
}
