package bench

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteTable writes the report for people: throughput and cost of every mode
// and limit, or latencies, and what has to be known to read them.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	if len(r.Summaries) > 0 {
		writeRows(&b, r.costRows())
		if tracked(r.Summaries) {
			b.WriteByte('\n')
			writeRows(&b, ackRows(r.Summaries))
		}
		writeNotes(&b, r.notes())
	}
	if len(r.Latency) > 0 {
		writeRows(&b, latencyRows(r.Latency))
		writeNotes(&b, latencyNotes(r.Latency))
	}
	for i := range r.Curves {
		writeCurve(&b, &r.Curves[i])
	}
	writeNotes(&b, []string{r.Machine.String()})
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteDetails writes a second table: intervals, where CPU time went, and memory.
func (r *Report) WriteDetails(w io.Writer) error {
	var b strings.Builder
	writeRows(&b, r.detailRows())
	writeNotes(&b, []string{"CPU nanoseconds per tuple, user and system; the total includes the launcher. Bytes written to sockets and allocated, of all processes, are per tuple too. The p-value is that of the Mann-Whitney U test, two-sided, for tuples/s."})
	_, err := io.WriteString(w, b.String())
	return err
}

func writeNotes(b *strings.Builder, notes []string) {
	for _, note := range notes {
		b.WriteString(note + "\n")
	}
}

// String describes the machine in one line.
func (m Machine) String() string {
	s := fmt.Sprintf("Machine: %s, %d cores, %.1f GiB, %s/%s, kernel %s, %s",
		orUnknown(m.CPU), m.Cores, float64(m.MemoryBytes)/(1<<30), m.OS, m.Arch, orUnknown(m.Kernel), m.Go)
	if m.Commit != "" {
		s += ", commit " + m.Commit
	}
	return s + "."
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// costRows returns the heading and a row for every summary.
func (r *Report) costRows() [][]string {
	rows := [][]string{{"", "tuples/s", "tuples/CPU-s", "vs naive", "of fused loop", "allocs/tuple", "syscalls/1000"}}
	for i := range r.Summaries {
		s := &r.Summaries[i]
		rows = append(rows, []string{
			s.label(), amount(s.TuplesPerSecond.Median), amount(s.TuplesPerCPUSecond.Median), s.versus(),
			optional("%.2f", s.Cost), fmt.Sprintf("%.3f", s.AllocsPerTuple), s.syscalls(),
		})
	}
	return rows
}

// detailRows returns the heading and a row for every summary.
func (r *Report) detailRows() [][]string {
	rows := [][]string{{
		"", "95 % interval of tuples/s", "p vs naive", "per CPU-s vs naive", "ns/tuple", "spouts", "managers", "bolts", "GC", "switches/1000", "wake-ups/1000", "socket B", "heap B", "peak RSS",
	}}
	for i := range r.Summaries {
		s := &r.Summaries[i]
		interval, gc, rss := "-", "-", "-"
		if s.Runs > 1 {
			interval = fmt.Sprintf("%s - %s", amount(s.TuplesPerSecond.Low), amount(s.TuplesPerSecond.High))
		}
		if !s.Limit {
			gc = fmt.Sprintf("%.1f %%", 100*s.GCShare)
		}
		if s.PeakRSSBytes > 0 {
			rss = fmt.Sprintf("%d MiB", s.PeakRSSBytes>>20)
		}
		rows = append(rows, []string{
			s.label(), interval, r.pValue(s), s.versusCPU(), optional("%.1f", s.Nanos.Total), optional("%.1f", s.Nanos.Spouts),
			optional("%.1f", s.Nanos.StreamManagers), optional("%.1f", s.Nanos.Bolts),
			gc, fmt.Sprintf("%.2f", s.ContextSwitches), fmt.Sprintf("%.2f", s.WakeUps), optional("%.1f", s.SocketBytesPerTuple),
			optional("%.1f", s.AllocBytesPerTuple), rss,
		})
	}
	return rows
}

// pValue returns the p-value of a mode or limit against the naive mode with the same guarantee.
func (r *Report) pValue(s *Summary) string {
	name, base := s.Name, Variant(naive, s.Guarantee)
	for _, t := range r.Tests {
		if t.A == name && t.B == base || t.A == base && t.B == name {
			return fmt.Sprintf("%.2g", t.P)
		}
	}
	return "-"
}

// String tells of the medians in a few words.
func (s *Summary) String() string {
	return fmt.Sprintf("%s: %s tuples/s, %s tuples/CPU-s", s.Name, amount(s.TuplesPerSecond.Median), amount(s.TuplesPerCPUSecond.Median))
}

// label is the name, marked if runs were noisy.
func (s *Summary) label() string {
	if s.NoisyRuns > 0 {
		return s.Name + "*"
	}
	return s.Name
}

// isNaive reports whether the runs are those of the naive mode.
func (s *Summary) isNaive() bool { return s.Name == Variant(naive, s.Guarantee) }

// versus says how the throughput stands to that of the naive mode, and no more than the intervals support.
func (s *Summary) versus() string {
	return s.comparison(s.RatioToNaive, s.VersusNaive, "faster", "slower")
}

// versusCPU says the same of the tuples for each CPU second.
func (s *Summary) versusCPU() string {
	return s.comparison(s.CPURatioToNaive, s.CPUVersusNaive, "more", "less")
}

func (s *Summary) comparison(ratio float64, order Order, greater, less string) string {
	switch {
	case ratio == 0 || s.Limit:
		return "-"
	case s.isNaive():
		return "1"
	case order == Greater:
		return fmt.Sprintf("%.1fx %s", ratio, greater)
	case order == Less:
		return fmt.Sprintf("%.2fx %s", 1/ratio, less)
	default:
		return fmt.Sprintf("%.1fx (unclear)", ratio)
	}
}

func (s *Summary) syscalls() string {
	if s.SyscallSource == NoSyscalls || s.SyscallSource == "" {
		return "-"
	}
	return fmt.Sprintf("%.2f", s.Syscalls)
}

// notes are the lines below the table.
func (r *Report) notes() []string {
	notes := []string{
		"Medians. CPU time and system calls are those of all processes together, allocations those of the stream managers.",
	}
	noisy, runs := 0, 0
	for i := range r.Summaries {
		s := &r.Summaries[i]
		noisy += s.NoisyRuns
		runs += s.Runs
		if s.VersusNaive == Unclear && !s.isNaive() && !s.Limit {
			notes = append(notes, s.Name+": unclear, since the intervals overlap or there are too few runs.")
		}
	}
	if len(r.Summaries) > 0 && r.Summaries[0].SyscallSource == ReadsAndWrites {
		notes = append(notes, "System calls: reads and writes only; counting all of them needs root or CAP_PERFMON.")
	}
	if noisy > 0 {
		notes = append(notes, fmt.Sprintf("* %d of %d runs are noisy: the host took over %.0f %% of the processors' time or other programs over %.0f %%.",
			noisy, runs, 100*noisySteal, 100*noisyOthers))
	}
	return append(notes, heronNotes(r.Summaries)...)
}

// optional formats a number that is zero if it is unknown.
func optional(format string, v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// amount writes a number with three digits or so.
func amount(n float64) string {
	switch {
	case n < 1e3:
		return fmt.Sprintf("%.0f", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f k", n/1e3)
	default:
		return fmt.Sprintf("%.2f M", n/1e6)
	}
}

// micros writes a time in microseconds with its unit.
func micros(n float64) string {
	if n < 1e4 {
		return fmt.Sprintf("%.0f us", n)
	}
	return fmt.Sprintf("%.1f ms", n/1e3)
}

// writeRows writes rows in aligned columns, the first to the left, the others to the right.
func writeRows(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	for _, row := range rows {
		for i, text := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if i == 0 {
				b.WriteString(text + pad)
			} else {
				b.WriteString("  " + pad + text)
			}
		}
		b.WriteByte('\n')
	}
}
