package page

import (
	"fmt"

	"github.com/ardea-stream/ardea/bench"
)

// findings are the figures of the first comparison at saturation, of acks and of
// the first latency run, for readers who read nothing else.
func findings(s *bench.Suite) []finding {
	var out []finding
	for i := range s.Sections {
		if best := summaryOf(&s.Sections[i], bestMode); best != nil && best.TuplesPerSecond.Median > 0 {
			out = append(out, throughputFindings(&s.Sections[i], best)...)
			break
		}
	}
	out = append(out, acksFindings(s)...)
	for i := range s.Sections {
		if l := firstLatency(s.Sections[i].Latency); l != nil {
			text := fmt.Sprintf("median %s; from the instant a tuple was due", micros(l.Latency.P50))
			if l.Stalled != "" {
				text += "; this run stalled: " + l.Stalled
			}
			out = append(out, finding{Value: micros(l.Latency.P99), Label: "p99 at " + rateName(l), Text: text})
			break
		}
	}
	return out
}

func throughputFindings(s *bench.Section, best *bench.Summary) []finding {
	out := []finding{{
		Value: amount(best.TuplesPerSecond.Median), Label: "tuples a second",
		Text: joined(", ", prefixed("95 % interval ", intervalOrNothing(best.TuplesPerSecond)), "optimized, "+sectionTitle(s)),
	}}
	if best.RatioToNaive > 0 {
		text := "the intervals do not overlap"
		if best.VersusNaive == bench.Unclear || best.VersusNaive == "" {
			text = "unclear: the intervals overlap, or there are too few runs"
		}
		out = append(out, finding{Value: times(best.RatioToNaive), Label: "the naive mode's throughput", Text: text})
	}
	if best.Nanos.Total > 0 {
		text := "of all processes together, user and system"
		if naive := summaryOf(s, naiveMode); naive != nil && naive.Nanos.Total > 0 {
			text = "of all processes; naive takes " + nanos(naive.Nanos.Total)
		}
		out = append(out, finding{Value: nanos(best.Nanos.Total), Label: "CPU time of a tuple", Text: text})
	}
	if best.Cost > 0 {
		out = append(out, finding{
			Value: times(best.Cost), Label: "of the fused loop",
			Text: "COST: one goroutine that does the same job without an engine reaches " + known(s.Limits.FusedLoop, amount) + " a second",
		})
	}
	return out
}

func intervalOrNothing(s bench.Stat) string {
	if s.N < 2 {
		return ""
	}
	return interval(s)
}

func summaryOf(s *bench.Section, name string) *bench.Summary {
	for i := range s.Summaries {
		if s.Summaries[i].Name == name {
			return &s.Summaries[i]
		}
	}
	return nil
}

// firstLatency is the first run of the best mode that counts.
func firstLatency(runs []bench.LatencyRun) *bench.LatencyRun {
	list := merged(runs)
	for i := range list {
		if list[i].Variant() == bestMode && list[i].Rejected == "" && list[i].Latency.P99 > 0 {
			return &list[i]
		}
	}
	return nil
}

// reproduce says how to measure the same again.
func reproduce(s *bench.Suite) section {
	out := section{ID: "reproduce", Title: "How to reproduce this", Kicker: "Check us"}
	build := step{Text: "Build the program; this report does not know its commit.", Code: "make build"}
	if s.Machine.Commit != "" {
		build.Text = "Check out commit " + s.Machine.Commit + " and build the program."
	}
	out.Steps = []step{
		{Text: "Take a quiet machine with the same number of processors, and close what else runs: runs that others disturb are marked as noisy."},
		build,
	}
	if s.Command != "" {
		out.Steps = append(out.Steps, step{Text: "Measure.", Code: s.Command})
	}
	out.Steps = append(out.Steps,
		step{
			Text: "Compare. This prints medians, intervals and p-values, and calls something faster or slower only where they support it.",
			Code: "ardea bench compare A.json B.json",
		},
		step{Text: "Or read the Go benchmark text beside this page with benchstat."})
	return out
}
