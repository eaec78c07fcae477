package page

import (
	"fmt"
	"strconv"

	"github.com/ardea-stream/ardea/bench"
)

// Names of modes that a page treats apart.
const (
	naiveMode = "naive"
	bestMode  = "optimized"
)

// throughputBlocks are the parts of a section that compares modes at saturation.
func throughputBlocks(s *bench.Section) []block {
	if len(s.Summaries) == 0 {
		return nil
	}
	blocks := []block{
		{
			Heading: "The figures", Table: headlineTable(s),
			Text: []string{"Medians with 95 % intervals. CPU time and system calls are those of all processes together, allocations those of the " +
				"stream managers. Of the fused loop is COST: the throughput over that of one goroutine that does the same job without an engine."},
		},
	}
	if t := acksTable(s); t != nil {
		blocks = append(blocks, block{
			Heading: "What acks take", Table: t,
			Text: []string{"Modes with acks over the same modes without: 0.5× is half the throughput, or half of it for a CPU second, each as the median of the " +
				"repeats' ratios. Allocations are of spouts, stream managers and bolts together, bytes are those written to sockets, acks included and once for " +
				"every socket; both are for a tuple that the last bolt counted. Acked are tuples of spouts, of which each may become many."},
		})
	}
	if t := detailTable(s); t != nil {
		blocks = append(blocks, block{Table: t, Folded: true, Summary: "System calls of managers, switches, collector, memory"})
	}
	blocks = append(blocks, block{Heading: "Throughput", Chart: throughputChart(s)}, block{Heading: "Work for a tuple", Chart: efficiencyChart(s)})
	if c := nanosChart(s); c != nil {
		blocks = append(blocks, block{Heading: "CPU time of a tuple, by role", Chart: c})
	}
	if t := testsTable(s.Tests); t != nil {
		blocks = append(blocks, block{
			Heading: "What the runs allow to say", Table: t,
			Text: []string{"A verdict needs intervals that do not overlap. p is that of the two-sided Mann-Whitney U test."},
		})
	}
	if t := runsTable(s); t != nil {
		blocks = append(blocks, block{Table: t, Folded: true, Summary: fmt.Sprintf("Every single run (%d)", len(t.Rows))})
	}
	return blocks
}

func headlineTable(s *bench.Section) *table {
	t := &table{
		Head: []string{"", "tuples/s", "95 % interval", "tuples/CPU-s", "vs naive", "per CPU-s vs naive", "of fused loop", "allocs/tuple", "syscalls/1,000"},
		Left: 1, Mark: -1,
	}
	for i := range s.Summaries {
		m := &s.Summaries[i]
		if m.Name == bestMode {
			t.Mark = i
		}
		name := m.Name
		if m.Limit {
			name += " (limit)"
		}
		calls := none
		if m.SyscallSource != "" && m.SyscallSource != bench.NoSyscalls {
			calls = significant(m.Syscalls)
			if m.SyscallSource == bench.ReadsAndWrites {
				calls += " (reads, writes)"
			}
		}
		t.Rows = append(t.Rows, []string{
			name, known(m.TuplesPerSecond.Median, amount), interval(m.TuplesPerSecond), known(m.TuplesPerCPUSecond.Median, amount),
			versus(m.RatioToNaive, m.VersusNaive, m, "faster", "slower"), versus(m.CPURatioToNaive, m.CPUVersusNaive, m, "more", "less"), known(m.Cost, significant), significant(m.AllocsPerTuple), calls,
		})
	}
	return t
}

// detailTable has what else is known of the modes, nil if there are none.
func detailTable(s *bench.Section) *table {
	t := &table{
		Head: []string{"", "managers' syscalls/1,000", "context switches/1,000", "GC share of CPU", "peak memory of a process", "runs", "noisy"}, Left: 1, Mark: -1,
	}
	for i := range s.Summaries {
		m := &s.Summaries[i]
		if m.Limit {
			continue
		}
		memory := none
		if m.PeakRSSBytes > 0 {
			memory = fmt.Sprintf("%d MiB", m.PeakRSSBytes>>20)
		}
		t.Rows = append(t.Rows, []string{
			m.Name, known(m.ManagerSyscalls, significant), known(m.ContextSwitches, significant), percent(m.GCShare), memory,
			strconv.Itoa(m.Runs), strconv.Itoa(m.NoisyRuns),
		})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// versus says how a mode stands to naive, and no more than the intervals support.
func versus(factor float64, order bench.Order, m *bench.Summary, greater, less string) string {
	switch {
	case factor == 0 || m.Limit:
		return none
	case m.Name == bench.Variant(naiveMode, m.Guarantee):
		return "1"
	case order == bench.Greater:
		return times(factor) + " " + greater
	case order == bench.Less:
		return times(ratio(1, factor)) + " " + less
	default:
		return times(factor) + " (unclear)"
	}
}

// throughputChart has a bar for every mode and limit, with its interval and every run.
func throughputChart(s *bench.Section) *chart {
	return summaryChart(s, "Tuples a second, wall time",
		func(m *bench.Summary) bench.Stat { return m.TuplesPerSecond },
		func(c *bench.Cost) float64 { return c.TuplesPerSecond })
}

// efficiencyChart is the same for CPU time.
func efficiencyChart(s *bench.Section) *chart {
	return summaryChart(s, "Tuples for each second of CPU time of all processes",
		func(m *bench.Summary) bench.Stat { return m.TuplesPerCPUSecond },
		func(c *bench.Cost) float64 { return c.TuplesPerCPUSecond })
}

func summaryChart(s *bench.Section, title string, of func(*bench.Summary) bench.Stat, single func(*bench.Cost) float64) *chart {
	c := &chart{
		Kind: "bars", Title: title,
		Note:  "Bars are medians, whiskers 95 % intervals, dots single runs. Grey bars are limits: programs without an engine.",
		Table: table{Head: []string{"", "median", "95 % interval", "runs", "noisy"}, Left: 1, Mark: -1},
	}
	alt := alternative{Unit: "amount"}
	for i := range s.Summaries {
		m := &s.Summaries[i]
		stat := of(m)
		if stat.Median == 0 {
			continue
		}
		r := row{Label: m.Name, Color: modeColor(m.Name), Value: stat.Median, Text: amount(stat.Median)}
		if stat.N > 1 {
			r.Low, r.High = stat.Low, stat.High
		}
		if m.Limit {
			r.Color, r.Note = limitColor, "limit"
		}
		if m.NoisyRuns > 0 {
			r.Note = joined(", ", r.Note, fmt.Sprintf("%d of %d noisy", m.NoisyRuns, m.Runs))
		}
		r.Dots = singles(s, m, single)
		alt.Rows = append(alt.Rows, r)
		c.Table.Rows = append(c.Table.Rows, []string{
			m.Name, amount(stat.Median), interval(stat), strconv.Itoa(m.Runs), strconv.Itoa(m.NoisyRuns),
		})
	}
	c.Alternatives = []alternative{alt}
	return c.orNil(len(alt.Rows))
}

// orNil returns nil for a chart with nothing to draw.
func (c *chart) orNil(things int) *chart {
	if things == 0 {
		return nil
	}
	return c
}

// singles are the values of single runs of a mode or limit.
func singles(s *bench.Section, m *bench.Summary, of func(*bench.Cost) float64) []float64 {
	var out []float64
	if m.Limit {
		for i := range s.Limits.Runs {
			if s.Limits.Runs[i].Name == m.Name {
				out = append(out, of(&s.Limits.Runs[i].Cost))
			}
		}
		return out
	}
	for i := range s.Runs {
		if s.Runs[i].Variant() == m.Name {
			out = append(out, of(&s.Runs[i].Cost))
		}
	}
	return out
}

// nanosChart splits the CPU time of a tuple by what processes do.
func nanosChart(s *bench.Section) *chart {
	c := &chart{
		Kind: "stack", Title: "CPU nanoseconds of a tuple, user and system",
		Note:  "Medians of each part, whose sum need not be the median of the whole; the rest is the launcher and processes that hold several roles.",
		Table: table{Head: []string{"", "spouts", "stream managers", "bolts", "total"}, Left: 1, Mark: -1},
	}
	alt := alternative{Unit: "nanos"}
	for i := range s.Summaries {
		m := &s.Summaries[i]
		n := m.Nanos
		if n.Total == 0 {
			continue
		}
		r := row{Label: m.Name, Value: n.Total, Text: nanos(n.Total)}
		rest := n.Total
		for _, p := range []part{
			{Label: "spouts", Color: "--r1", Value: n.Spouts},
			{Label: "stream managers", Color: "--r2", Value: n.StreamManagers},
			{Label: "bolts", Color: "--r3", Value: n.Bolts},
		} {
			if p.Value > 0 {
				p.Text = nanos(p.Value)
				r.Parts = append(r.Parts, p)
				rest -= p.Value
			}
		}
		if rest > n.Total/200 {
			name, color := "rest", "--r4"
			if len(r.Parts) == 0 {
				name, color = "one process", limitColor
			}
			r.Parts = append(r.Parts, part{Label: name, Color: color, Value: rest, Text: nanos(rest)})
		}
		alt.Rows = append(alt.Rows, r)
		c.Table.Rows = append(c.Table.Rows, []string{
			m.Name, known(n.Spouts, nanos), known(n.StreamManagers, nanos), known(n.Bolts, nanos), nanos(n.Total),
		})
	}
	c.Alternatives = []alternative{alt}
	return c.orNil(len(alt.Rows))
}

// testsTable says which differences of modes and limits are supported.
func testsTable(tests []bench.PairTest) *table {
	if len(tests) == 0 {
		return nil
	}
	t := &table{Head: []string{"", "against", "ratio", "p", "verdict"}, Left: 2, Mark: -1}
	for _, p := range tests {
		t.Rows = append(t.Rows, []string{p.A, p.B, known(p.Ratio, times), pValue(p.P), verdict(p.Order)})
	}
	return t
}

func verdict(o bench.Order) string {
	switch o {
	case bench.Greater:
		return "faster"
	case bench.Less:
		return "slower"
	default:
		return "unclear"
	}
}

func runsTable(s *bench.Section) *table {
	t := &table{Head: []string{"", "run", "tuples/s", "tuples/CPU-s", "tuples", "window", "steady", "stolen", "others", "noisy"}, Left: 1, Mark: -1}
	add := func(name string, repeat int, c *bench.Cost) {
		t.Rows = append(t.Rows, []string{
			name, strconv.Itoa(repeat), amount(c.TuplesPerSecond), amount(c.TuplesPerCPUSecond), amount(float64(c.Tuples)),
			significant(c.Seconds) + " s", yes(c.Steady), percent(c.StealShare), percent(c.OthersShare), yes(c.Noisy),
		})
	}
	for i := range s.Limits.Runs {
		add(s.Limits.Runs[i].Name, s.Limits.Runs[i].Repeat, &s.Limits.Runs[i].Cost)
	}
	for i := range s.Runs {
		add(s.Runs[i].Variant(), s.Runs[i].Repeat, &s.Runs[i].Cost)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
