package page

import (
	"fmt"
	"math"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// otherLimit is the share of unsorted samples from which on a profile is called incomplete.
const otherLimit = 0.03

// fewSamples is the sampled CPU time in seconds, a hundred samples each, under which a profile is called rough.
const fewSamples = 2

// losses lists where the optimized mode is not better, and what weakens the
// figures. It follows from the figures by rules alone.
func losses(s *bench.Suite) section {
	out := section{
		ID: "losses", Title: "Where we lose", Kicker: "Honesty",
		Lead: []string{"Written by the program from the figures above: every place in which the optimized mode is not faster, in which a limit beats " +
			"the engine, or in which a run does not deserve trust."},
	}
	for _, part := range []struct {
		heading string
		lines   []string
	}{
		{"Not faster", slower(s)},
		{"What acks take", dearAcks(s)},
		{"Limits that beat the engine", beaten(s)},
		{"Latency", late(s)},
		{"Optimizations that do not pay", useless(s)},
		{"Runs that deserve less trust", doubtful(s)},
	} {
		if len(part.lines) > 0 {
			out.add(block{Heading: part.heading, Text: nil, Table: bullets(part.lines)})
		}
	}
	if len(out.Blocks) == 0 {
		out.Lead = append(out.Lead, "Nothing was found. That says as much about what was measured as about the engine.")
	}
	return out
}

// bullets turns lines into a table of one column without a head, which is drawn as a list.
func bullets(lines []string) *table {
	t := &table{Left: 1, Mark: -1}
	for _, line := range lines {
		t.Rows = append(t.Rows, []string{line})
	}
	return t
}

// slower lists modes that the optimized one does not beat.
func slower(s *bench.Suite) []string {
	var lines []string
	for i := range s.Sections {
		sec := &s.Sections[i]
		for k := range sec.Summaries {
			m := &sec.Summaries[k]
			best := summaryOf(sec, bench.Variant(bestMode, m.Guarantee))
			if best == nil || m.Limit || m.Name == best.Name || m.TuplesPerSecond.Median == 0 {
				continue
			}
			lines = append(lines, slowerThan(sectionTitle(sec), best, m)...)
		}
	}
	return lines
}

// slowerThan says where the optimized mode does not beat another one with the same guarantee.
func slowerThan(title string, best, m *bench.Summary) []string {
	var lines []string
	factor := times(ratio(best.TuplesPerSecond.Median, m.TuplesPerSecond.Median))
	switch best.TuplesPerSecond.Compare(m.TuplesPerSecond) {
	case bench.Less:
		lines = append(lines, fmt.Sprintf("%s: %s is slower than %s, %s of its throughput.", title, best.Name, m.Name, factor))
	case bench.Unclear:
		lines = append(lines, fmt.Sprintf("%s: these runs do not tell %s from %s in throughput (%s): %s.",
			title, best.Name, m.Name, factor, whyUnclear(best.TuplesPerSecond, m.TuplesPerSecond)))
	case bench.Greater:
	}
	if best.TuplesPerCPUSecond.Compare(m.TuplesPerCPUSecond) == bench.Less {
		lines = append(lines, fmt.Sprintf("%s: a tuple takes %s more CPU time than %s.", title, best.Name, m.Name))
	}
	return lines
}

func whyUnclear(a, b bench.Stat) string {
	if a.N < bench.LeastCompared || b.N < bench.LeastCompared {
		return "there are too few of them"
	}
	return "the intervals overlap"
}

// beaten lists loops without an engine that are faster than the optimized mode.
func beaten(s *bench.Suite) []string {
	var lines []string
	for i := range s.Sections {
		sec := &s.Sections[i]
		best := summaryOf(sec, bestMode)
		if best == nil || best.TuplesPerSecond.Median == 0 {
			continue
		}
		for k := range sec.Summaries {
			m := &sec.Summaries[k]
			if !m.Limit {
				continue
			}
			if f := ratio(m.TuplesPerSecond.Median, best.TuplesPerSecond.Median); f > 1 {
				lines = append(lines, fmt.Sprintf("%s: the %s does %s as many tuples a second as optimized.", sectionTitle(sec), m.Name, times(f)))
			}
			if f := ratio(m.TuplesPerCPUSecond.Median, best.TuplesPerCPUSecond.Median); f > 1 {
				lines = append(lines, fmt.Sprintf("%s: a tuple takes optimized %s the CPU time that it takes the %s.", sectionTitle(sec), times(f), m.Name))
			}
		}
	}
	return lines
}

// late lists what is wrong or worse in latency.
func late(s *bench.Suite) []string {
	var lines []string
	for i := range s.Sections {
		sec := &s.Sections[i]
		runs := merged(sec.Latency)
		for k := range runs {
			if runs[k].Mode == bestMode && runs[k].Rejected == "" {
				lines = append(lines, laterThan(sectionTitle(sec), &runs[k], runs)...)
			}
		}
		for k := range sec.Curves {
			for _, b := range sec.Curves[k].Sustained {
				if b.Rate == 0 && sec.Curves[k].Mode == bestMode {
					lines = append(lines, fmt.Sprintf("%s: no measured rate of %s holds p99 under %s.", sectionTitle(sec), sec.Curves[k].Variant(), micros(b.P99Micros)))
				}
			}
		}
	}
	return lines
}

// laterThan lists what beats run l of the optimized mode at the same rate.
func laterThan(title string, l *bench.LatencyRun, runs []bench.LatencyRun) []string {
	var lines []string
	for i := range runs {
		o := &runs[i]
		if o.Mode != bestMode && o.Guarantee.Tracked() == l.Guarantee.Tracked() && o.Rejected == "" && o.Rate == l.Rate && o.Containers == l.Containers && o.Latency.P99 > 0 && o.Latency.P99 < l.Latency.P99 {
			lines = append(lines, fmt.Sprintf("%s: at %s the p99 of %s is %s, that of %s %s.",
				title, rateName(l), l.Variant(), micros(l.Latency.P99), o.Variant(), micros(o.Latency.P99)))
		}
	}
	if l.Relay != nil && l.Relay.P99 > 0 && l.Relay.P99 < l.Latency.P99 {
		lines = append(lines, fmt.Sprintf("%s: at %s sockets without an engine have a p99 of %s, %s %s.",
			title, rateName(l), micros(l.Relay.P99), l.Variant(), micros(l.Latency.P99)))
	}
	if l.ClosedLoop != nil && l.ClosedLoop.P99 > 0 && l.Latency.P99 > 2*l.ClosedLoop.P99 {
		lines = append(lines, fmt.Sprintf("%s: at %s a closed loop would have told a p99 of %s; tuples that were due waited for %s.",
			title, rateName(l), micros(l.ClosedLoop.P99), micros(l.Latency.P99)))
	}
	return lines
}

// useless lists optimizations whose worth is not shown, or that cost.
func useless(s *bench.Suite) []string {
	var lines []string
	for i := range s.Sections {
		a := s.Sections[i].Ablation
		if a == nil {
			continue
		}
		var best *bench.Cell
		for k := range a.Cells {
			if a.Cells[k].Kind == bench.CellBest {
				best = &a.Cells[k]
				break
			}
		}
		for k := range a.Cells {
			c := &a.Cells[k]
			if best == nil || c.Kind != bench.CellOff || c.TuplesPerSecond.Median == 0 {
				continue
			}
			switch c.TuplesPerSecond.Compare(best.TuplesPerSecond) {
			case bench.Greater:
				lines = append(lines, fmt.Sprintf("%s: %s is faster than with everything on, %s.",
					sectionTitle(&s.Sections[i]), c.Name, times(ratio(c.TuplesPerSecond.Median, best.TuplesPerSecond.Median))))
			case bench.Unclear:
				lines = append(lines, fmt.Sprintf("%s: %s cannot be told from everything on.", sectionTitle(&s.Sections[i]), c.Name))
			case bench.Less:
			}
		}
		for _, e := range a.Effects {
			if len(e.Factors) == 1 && e.High > 0 && e.High < 1 {
				lines = append(lines, fmt.Sprintf("%s: %s lowers the throughput on average, %s.", sectionTitle(&s.Sections[i]), e.Factors[0], times(e.Factor)))
			}
		}
	}
	return lines
}

// doubtful lists what weakens the figures.
func doubtful(s *bench.Suite) []string {
	var lines []string
	if s.Partial != "" {
		lines = append(lines, "The measurement ended early: "+s.Partial)
	}
	for i := range s.Sections {
		sec := &s.Sections[i]
		title := sectionTitle(sec)
		if sec.Error != "" {
			lines = append(lines, title+": failed: "+sec.Error)
		}
		lines = append(lines, unsteady(title, sec)...)
		lines = append(lines, refused(title, sec.Latency)...)
		for k := range sec.Curves {
			lines = append(lines, refused(title, sec.Curves[k].Points)...)
		}
		for k := range sec.Profiles {
			if p := &sec.Profiles[k]; p.CPUSeconds < fewSamples {
				lines = append(lines, fmt.Sprintf("%s: the profile of %s holds %s s of CPU time only: its shares are rough.",
					title, variantName(p), significant(p.CPUSeconds)))
			}
			if other := shareOf(&sec.Profiles[k], profiles.Other); other >= otherLimit {
				lines = append(lines, fmt.Sprintf("%s: %s of the samples of %s are in no category.", title, percent(other), variantName(&sec.Profiles[k])))
			}
		}
	}
	return lines
}

func unsteady(title string, sec *bench.Section) []string {
	runs, noisy, restless := 0, 0, 0
	note := func(c *bench.Cost) {
		runs++
		if c.Noisy {
			noisy++
		}
		if !c.Steady {
			restless++
		}
	}
	for i := range sec.Limits.Runs {
		note(&sec.Limits.Runs[i].Cost)
	}
	var lines []string
	for i := range sec.Runs {
		r := &sec.Runs[i]
		note(&r.Cost)
		if r.Emitted != r.Counted {
			lines = append(lines, fmt.Sprintf("%s: run %d of %s emitted %d tuples and counted %d.", title, r.Repeat, r.Variant(), r.Emitted, r.Counted))
		}
	}
	if noisy > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d of %s noisy; other programs or the host took part of the processors.", title, noisy, were(runs)))
	}
	if restless > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d of %s not steady when the window began.", title, restless, were(runs)))
	}
	return lines
}

func were(runs int) string { return count(runs, "run") + " " + plural(runs, "was", "were") }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// refused lists runs at a fixed rate that do not count, or that did not reach their rate.
func refused(title string, runs []bench.LatencyRun) []string {
	var lines []string
	for i := range runs {
		l := &runs[i]
		switch {
		case l.Rejected != "":
			lines = append(lines, fmt.Sprintf("%s: %s at %s was rejected: %s.", title, l.Variant(), rateName(l), l.Rejected))
		case l.Achieved > 0 && l.Achieved < 0.99*l.Rate:
			lines = append(lines, fmt.Sprintf("%s: %s at %s reached %s only.", title, l.Variant(), rateName(l), percent(math.Min(1, l.Achieved/l.Rate))))
		case l.Stalled != "":
			lines = append(lines, fmt.Sprintf("%s: %s at %s stalled: %s.", title, l.Variant(), rateName(l), l.Stalled))
		case l.Noisy:
			lines = append(lines, fmt.Sprintf("%s: %s at %s was noisy.", title, l.Variant(), rateName(l)))
		}
	}
	return lines
}
