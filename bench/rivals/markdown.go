package rivals

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// The lines of a text between which Refresh writes.
const (
	MarkBegin = "<!-- peers:begin -->"
	MarkEnd   = "<!-- peers:end -->"
)

// ErrPartial says that not all was measured, so nobody should quote it.
var ErrPartial = errors.New("rivals: not all was measured: measure again with a larger budget or fewer peers")

// ErrEmpty says that a report has no figures, or is none.
var ErrEmpty = errors.New("rivals: this is no report with figures: name the file of ardea bench peers --json")

// Refresh returns a Markdown text in which the tables of a report stand between MarkBegin and MarkEnd. The error is
// ErrPartial, ErrEmpty or bench.ErrNoMarks.
func Refresh(text []byte, r *Report) ([]byte, error) {
	if r.Partial != "" {
		return nil, fmt.Errorf("%w (%s)", ErrPartial, r.Partial)
	}
	if r.Begun.IsZero() || len(r.Cells) == 0 || r.strangers() {
		return nil, ErrEmpty
	}
	return bench.RefreshBetween(text, MarkBegin, MarkEnd, r.markdown())
}

// strangers reports whether a cell has no row.
func (r *Report) strangers() bool {
	return slices.ContainsFunc(r.Cells, func(c Cell) bool {
		return !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Name() == c.Name() })
	})
}

// markdown returns all tables.
func (r *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "    %s\n\n%s Measured on %s in %.0f minutes.\n", r.Command, r.Machine, r.Begun.Format("2006-01-02"), r.Seconds/60)
	if r.Shortened != "" {
		fmt.Fprintf(&b, "Some rows have fewer repeats: %s.\n", r.Shortened)
	}
	for _, workload := range r.workloads() {
		fmt.Fprintf(&b, "\n### %s\n", workload)
		for _, guarantee := range []string{contract.None, contract.AtLeastOnce, contract.ExactlyOnce} {
			r.writeGuarantee(&b, workload, guarantee)
		}
	}
	r.writeLatencyTable(&b)
	r.writePublished(&b)
	r.writeSetUp(&b)
	for _, s := range r.Skipped {
		why, _, _ := strings.Cut(s.Why, stderrText) // the report has it
		fmt.Fprintf(&b, "\nNot measured: %s\n", plainText(why))
	}
	return b.String()
}

// writeGuarantee writes the rows of one guarantee, which are compared with each other only.
func (r *Report) writeGuarantee(b *strings.Builder, workload, guarantee string) {
	first := true
	for i := range r.Rows {
		row := &r.Rows[i]
		c := r.Cell(row.Name(), workload)
		if row.Guarantee != guarantee || c == nil || len(c.Runs) == 0 {
			continue
		}
		if first {
			fmt.Fprintf(b, "\nGuarantee: %s.\n\n", guarantee)
			tableRow(b, "", "processes", "tuples/s", "tuples/CPU-s", "Ardea's CPU factor", "first result", "memory", "GC", "user code")
			b.WriteString(strings.Repeat("|---", 9) + "|\n")
			first = false
		}
		gc := ""
		if c.GCShare > 0 {
			gc = fmt.Sprintf("%.1f %%", 100*c.GCShare)
		}
		tableRow(b, row.Title+c.marks()+c.Losses(), strconv.Itoa(c.Processes), interval(c.TuplesPerSecond), interval(c.TuplesPerCPUSecond),
			r.factor(row, c), c.FirstResult(), fmt.Sprintf("%d MiB", c.PeakRSSBytes>>20), gc, lines(row.CodeLines))
	}
}

// own is the peer that all others are compared with.
const own = "ardea"

// reference returns the cell of Ardea with a guarantee, nil if there is none: that of its first row that has one.
func (r *Report) reference(guarantee, workload string) *Cell {
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Peer == own && row.Guarantee == guarantee {
			if c := r.Cell(row.Name(), workload); c != nil {
				return c
			}
		}
	}
	return nil
}

// factor says by how much Ardea counts more for each CPU second than a row with the same guarantee, at the medians, and
// from the least to the most that the intervals of both allow.
func (r *Report) factor(row *Row, c *Cell) string {
	ref := r.reference(row.Guarantee, c.Workload)
	if ref == nil || ref.Name() == c.Name() {
		return ""
	}
	a, b := ref.TuplesPerCPUSecond, c.TuplesPerCPUSecond
	if b.Low <= 0 {
		return ""
	}
	if a.N < 2 && b.N < 2 {
		return fmt.Sprintf("%.2g", a.Median/b.Median)
	}
	return fmt.Sprintf("%.2g (%.2g - %.2g)", a.Median/b.Median, a.Low/b.High, a.High/b.Low)
}

// Losses says what a row without an exact guarantee has lost or counted twice.
func (c *Cell) Losses() string {
	switch {
	case c.ExtraShare < 0:
		return fmt.Sprintf(" (lost %.3g %%)", -100*c.ExtraShare)
	case c.ExtraShare > 0:
		return fmt.Sprintf(" (%.3g %% counted twice)", 100*c.ExtraShare)
	default:
		return ""
	}
}

func (r *Report) writeLatencyTable(b *strings.Builder) {
	first := true
	for i := range r.Rows {
		for k := range r.Cells {
			c := &r.Cells[k]
			if c.Name() != r.Rows[i].Name() {
				continue
			}
			for at := range c.Latencies {
				l := &c.Latencies[at]
				if len(l.Runs) == 0 && l.Rejected == "" {
					continue
				}
				if first {
					b.WriteString("\n### Latency\n\nFrom the instant that a draw was due to its count. Guarantees are those of the tables above.\n\n")
					tableRow(b, "", "guarantee", "draws/s", "p50", "p99", "p99.9", "source late, p99", "tuples/CPU-s")
					b.WriteString(strings.Repeat("|---", 8) + "|\n")
					first = false
				}
				tableRow(b, append(append([]string{r.Rows[i].Title, r.Rows[i].Guarantee, l.load()}, l.quantiles()...), l.perCPUSecond())...)
			}
		}
	}
}

// perCPUSecond is empty if no run counts.
func (l *Latency) perCPUSecond() string {
	if l.Rejected != "" {
		return ""
	}
	return bench.Amount(l.TuplesPerCPUSecond)
}

// writePublished writes what others have published beside what was measured here, also of whom nothing was found.
func (r *Report) writePublished(b *strings.Builder) {
	first := true
	for i := range r.Rows {
		row := &r.Rows[i]
		c := r.publishedCell(row)
		if row.Peer == own || c == nil {
			continue
		}
		if first {
			b.WriteString("\n### Published figures\n\n")
			tableRow(b, "", "published", "as tuples", "here", "factor", "source")
			b.WriteString(strings.Repeat("|---", 6) + "|\n")
			first = false
		}
		p := row.Published
		if p == nil {
			p = &contract.Published{Text: "none found"}
		}
		figure, here, unit := p.TuplesPerCPUSecond, c.TuplesPerCPUSecond.Median, "/CPU-s"
		if figure == 0 && p.TuplesPerSecond > 0 {
			figure, here, unit = p.TuplesPerSecond, c.TuplesPerSecond.Median, "/s"
		}
		published, factor := "", ""
		if figure > 0 {
			published, factor = bench.Amount(figure)+unit, fmt.Sprintf("%.2g", here/figure)
		}
		tableRow(b, row.Title, p.Text, published, bench.Amount(here)+unit+" ("+c.Workload+")", factor, p.Source)
	}
}

// publishedCell returns a row's cell of the workload that what was published is nearest to, else that of its main
// workload, nil if it was not measured.
func (r *Report) publishedCell(row *Row) *Cell {
	workloads := row.Workloads
	if p := row.Published; p != nil {
		workloads = append([]string{p.Workload}, workloads...)
	}
	for _, w := range workloads {
		if c := r.Cell(row.Name(), w); c != nil && len(c.Runs) > 0 {
			return c
		}
	}
	return nil
}

// writeSetUp says how each row was set up, by which documents, and what is unfair.
func (r *Report) writeSetUp(b *strings.Builder) {
	b.WriteString("\n### How each was set up\n\n")
	tableRow(b, "", "version", "settings", "unfair", "documents")
	b.WriteString(strings.Repeat("|---", 5) + "|\n")
	for i := range r.Rows {
		row := &r.Rows[i]
		tableRow(b, row.Title, row.Version, row.Settings, row.Unfair, strings.Join(row.Documents, " "))
	}
	if len(r.Generators) == 0 {
		return
	}
	b.WriteString("\nDrawing words alone, which every row has to do as well:\n\n")
	tableRow(b, "adapter", "workload", "draws/CPU-s", "ns of CPU each")
	b.WriteString(strings.Repeat("|---", 4) + "|\n")
	for _, g := range r.Generators {
		tableRow(b, g.Adapter, g.Workload, bench.Amount(g.TuplesPerCPUSecond), fmt.Sprintf("%.1f", g.NanosPerDraw))
	}
}

func tableRow(b *strings.Builder, columns ...string) {
	for _, text := range columns {
		b.WriteString("| " + plainText(text) + " ")
	}
	b.WriteString("|\n")
}

// plainText makes a text harmless in a table and for the marks.
func plainText(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;").Replace(text)
}
