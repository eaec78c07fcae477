package rivals

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ardea-stream/ardea/bench"
)

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	for _, workload := range r.workloads() {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, workload+"\tguarantee\ttuples/s\ttuples/CPU-s\tfirst result\tmemory\tcode")
		for i := range r.Rows {
			row := &r.Rows[i]
			if c := r.Cell(row.Name(), workload); c != nil && len(c.Runs) > 0 {
				_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d MiB\t%s\n", row.Name()+c.marks()+c.Losses(), row.Guarantee, interval(c.TuplesPerSecond),
					interval(c.TuplesPerCPUSecond), c.FirstResult(), c.PeakRSSBytes>>20, lines(row.CodeLines))
			}
		}
		_ = t.Flush() // into memory
		b.WriteByte('\n')
	}
	r.writeLatencies(&b)
	for _, g := range r.Generators {
		fmt.Fprintf(&b, "%s alone, %s: %s draws/CPU-s\n", g.Adapter, g.Workload, bench.Amount(g.TuplesPerCPUSecond))
	}
	for _, s := range r.Skipped {
		b.WriteString("not measured: " + s.Why + "\n")
	}
	if r.Partial != "" {
		b.WriteString("not all was measured: " + r.Partial + "\n")
	}
	if r.Shortened != "" {
		b.WriteString("some rows have fewer repeats: " + r.Shortened + "\n")
	}
	b.WriteString("Medians with 95 % intervals, which of up to five runs reach from the least to the most. CPU time and memory are those of all processes of a system; every count was checked. ~: not steady in some run; *: some run was disturbed.\n")
	b.WriteString(r.Machine.String() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeLatencies(b *strings.Builder) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	first := true
	for i := range r.Cells {
		c := &r.Cells[i]
		for k := range c.Latencies {
			l := &c.Latencies[k]
			if len(l.Runs) == 0 && l.Rejected == "" {
				continue
			}
			if first {
				_, _ = fmt.Fprintln(t, "latency\tdraws/s\tp50\tp99\tp99.9\tsource late, p99")
				first = false
			}
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", c.Name(), l.load(), strings.Join(l.quantiles(), "\t"))
		}
	}
	_ = t.Flush() // into memory
	if !first {
		b.WriteByte('\n')
	}
}

// load names what a latency was measured at.
func (l *Latency) load() string {
	if l.Share > 0 {
		return fmt.Sprintf("%s (%.0f %%)", bench.Amount(l.Rate), 100*l.Share)
	}
	return bench.Amount(l.Rate)
}

// quantiles returns the 50th, 99th and 99.9th percentile, or why there are none, and the 99th of how late sources were.
func (l *Latency) quantiles() []string {
	if l.Rejected != "" {
		return []string{"does not count: " + l.Rejected, "", "", ""}
	}
	return []string{bench.Micros(l.Micros.P50), bench.Micros(l.Micros.P99), bench.Micros(l.Micros.P999), bench.Micros(l.Pacer.P99)}
}

// workloads returns those that were measured, in their order.
func (r *Report) workloads() []string {
	var all []string
	for i := range r.Cells {
		if w := r.Cells[i].Workload; !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// marks stand behind the name of a cell that has to be read with care.
func (c *Cell) marks() string {
	marks := ""
	if c.Steady < len(c.Runs) {
		marks += "~"
	}
	if c.Noisy > 0 {
		marks += "*"
	}
	return marks
}

// FirstResult returns the time to the first result, a dash if no run has told it.
func (c *Cell) FirstResult() string {
	if c.FirstResultSeconds.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f s", c.FirstResultSeconds.Median)
}

func interval(s bench.Stat) string {
	if s.N < 2 {
		return bench.Amount(s.Median)
	}
	return fmt.Sprintf("%s (%s - %s)", bench.Amount(s.Median), bench.Amount(s.Low), bench.Amount(s.High))
}

func lines(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}
