package page

import (
	"fmt"
	"slices"

	"github.com/ardea-stream/ardea/bench"
)

// acksTable says what tracking tuples takes, nil where that was not measured.
func acksTable(s *bench.Section) *table {
	t := &table{
		Head: []string{"", "tuples/s, of at-most-once", "95 % interval", "tuples/CPU-s, of at-most-once", "acked/CPU-s", "allocs/tuple, tasks too", "socket bytes/tuple"},
		Left: 1, Mark: -1,
	}
	some := false
	for i := range s.Summaries {
		m := &s.Summaries[i]
		if m.Limit {
			continue
		}
		some = some || m.Guarantee.Tracked()
		of, spread, perCPU, acked := none, none, none, none
		if r := m.OfAtMostOnce; r != nil {
			of = known(r.Median, times)
			if r.N > 1 {
				spread = times(r.Low) + " to " + times(r.High)
			}
		}
		if r := m.CPUOfAtMostOnce; r != nil {
			perCPU = known(r.Median, times)
		}
		if r := m.AckedPerCPUSecond; r != nil {
			acked = known(r.Median, amount)
		}
		t.Rows = append(t.Rows, []string{
			m.Name, of, spread, perCPU, acked, significant(m.EngineAllocsPerTuple), known(m.SocketBytesPerTuple, significant),
		})
	}
	if !some {
		return nil
	}
	return t
}

// acksFindings are what acks take from the optimized mode, and how long they take.
func acksFindings(s *bench.Suite) []finding {
	var out []finding
	for i := range s.Sections {
		m := summaryOf(&s.Sections[i], bench.Variant(bestMode, bench.AtLeastOnce))
		if m == nil || m.OfAtMostOnce == nil {
			continue
		}
		out = append(out, finding{
			Value: times(m.OfAtMostOnce.Median), Label: "of the throughput is left with acks",
			Text: joined(", ", amount(m.TuplesPerSecond.Median)+" tuples a second", "against the same mode at-most-once"),
		})
		break
	}
	for i := range s.Sections {
		list := merged(s.Sections[i].Latency)
		k := slices.IndexFunc(list, func(l bench.LatencyRun) bool { return l.Mode == bestMode && l.Rejected == "" && l.Complete != nil })
		if k >= 0 {
			return append(out, finding{
				Value: micros(list[k].Complete.P99), Label: "complete p99 at " + rateName(&list[k]),
				Text: fmt.Sprintf("median %s; from the instant a tuple was due to its ack", micros(list[k].Complete.P50)),
			})
		}
	}
	return out
}

// dearAcks lists what acks take from the throughput of the optimized mode.
func dearAcks(s *bench.Suite) []string {
	var lines []string
	for i := range s.Sections {
		for k := range s.Sections[i].Summaries {
			m := &s.Sections[i].Summaries[k]
			if r := m.OfAtMostOnce; r != nil && m.Mode == bestMode && r.Median > 0 && r.Median < 1 {
				lines = append(lines, fmt.Sprintf("%s: optimized with acks does %s of its throughput without them.", sectionTitle(&s.Sections[i]), times(r.Median)))
			}
		}
	}
	return lines
}
