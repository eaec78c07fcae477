package page

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ardea-stream/ardea/profiles"
)

// WriteText writes the comparison as aligned tables: figures first, then where
// CPU time has changed. The error is that of w.
func (c *Comparison) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString("A: " + c.A + "\nB: " + c.B + "\n")
	for _, warning := range c.Warnings {
		b.WriteString("Note: " + warning + ".\n")
	}
	b.WriteByte('\n')
	if len(c.Changes) == 0 {
		b.WriteString("The two have measured nothing in common.\n")
	} else {
		c.table().text(&b)
		fmt.Fprintf(&b, "\nMedians of A and B with 95 %% intervals. A verdict needs intervals that do not overlap, p under %g, and %d runs on each side.\n",
			significance, enoughRuns)
	}
	for i := range c.Profiles {
		p := &c.Profiles[i]
		fmt.Fprintf(&b, "\nCPU time by category, %s, %s, %s (%s):\n", p.Section, p.Variant, p.Difference.Role, p.Difference.Unit)
		categoryTable(&p.Difference).text(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("page: write: %w", err)
	}
	return nil
}

// table has a row for every figure.
func (c *Comparison) table() *table {
	t := &table{Head: []string{"section", "", "figure", "A", "B", "change", "p", "verdict"}, Left: 3, Mark: -1}
	for i := range c.Changes {
		k := &c.Changes[i]
		p := pValue(k.P)
		if k.P == 1 {
			p = none
		}
		t.Rows = append(t.Rows, []string{
			k.Section, k.Name, k.Metric, statText(k.A, k.format()), statText(k.B, k.format()), change(k.Ratio), p, string(k.Verdict),
		})
	}
	return t
}

// format is how the figures of a change are written.
func (k *Change) format() func(float64) string {
	if k.LowerIsBetter {
		return micros
	}
	return amount
}

// categoryTable has the categories of a difference that either side knows.
func categoryTable(d *profiles.Difference) *table {
	format := nanos
	if d.Unit == profiles.UnitShare {
		format = percent
	}
	t := &table{Head: []string{"category", "A", "B", "change"}, Left: 1, Mark: -1}
	add := func(name string, delta profiles.Delta) {
		t.Rows = append(t.Rows, []string{name, format(delta.Before), format(delta.After), signed(delta.Change(), format)})
	}
	for _, delta := range d.Categories {
		if delta.Before > 0 || delta.After > 0 {
			add(string(delta.Category), delta)
		}
	}
	if d.Unit != profiles.UnitShare {
		add("total", d.Total)
	}
	return t
}

// text writes a table for a terminal: the first columns to the left, the others to the right.
func (t *table) text(b *strings.Builder) {
	widths := make([]int, len(t.Head))
	rows := append([][]string{t.Head}, t.Rows...)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case i > 0 && i < t.Left:
				line.WriteString("  " + cell + pad)
			case i > 0:
				line.WriteString("  " + pad + cell)
			default:
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// WriteHTML writes the comparison as one page that needs nothing else, with
// differential flame graphs where both suites have profiles. The error is that of w.
func (c *Comparison) WriteHTML(w io.Writer) error {
	c = cleaned(c)
	v := &view{Title: "Ardea, compared", Subtitle: "A: " + c.A + " · B: " + c.B, Warnings: c.Warnings, Glossary: glossary}
	v.Findings = c.findings()
	figures := section{ID: "figures", Title: "What has changed", Kicker: "A against B"}
	if len(c.Changes) == 0 {
		figures.Lead = []string{"The two have measured nothing in common."}
	} else {
		figures.Lead = []string{"A verdict needs intervals that do not overlap, a p-value under 0.05, and four runs on each side. All else is unclear."}
		if chart := c.chart(); chart != nil {
			figures.add(block{Heading: "B over A", Chart: chart})
		}
		figures.add(block{Heading: "The figures", Table: c.table()})
	}
	v.Sections = append(v.Sections, figures)
	if cpu := c.cpuSection(); len(cpu.Blocks) > 0 {
		v.Sections = append(v.Sections, cpu)
	}
	v.number()
	return v.writeHTML(w)
}

// findings count the verdicts.
func (c *Comparison) findings() []finding {
	counts := map[Verdict]int{}
	for i := range c.Changes {
		counts[c.Changes[i].Verdict]++
	}
	var out []finding
	for _, v := range []Verdict{Faster, Slower, NoVerdict} {
		out = append(out, finding{Value: strconv.Itoa(counts[v]), Label: string(v), Text: "of " + count(len(c.Changes), "figure")})
	}
	return out
}

// chart shows ratios with the widest interval that the two sides allow.
func (c *Comparison) chart() *chart {
	out := &chart{
		Kind: "forest", Title: "Figures of B over those of A",
		Note:  "Intervals reach from the low end of B over the high end of A to the opposite. Of latencies, less is better.",
		Table: *c.table(),
	}
	alt := alternative{Unit: "times", Log: true, Marks: []mark{{Value: 1, Label: "no change"}}}
	for i := range c.Changes {
		k := &c.Changes[i]
		r := row{
			Label: k.Name, Note: joined(", ", k.Section, k.Metric), Color: limitColor, Value: k.Ratio, Text: change(k.Ratio),
			Low: intervalEnd(k.B.Low, k.A.High, k.Ratio), High: intervalEnd(k.B.High, k.A.Low, k.Ratio),
		}
		switch k.Verdict {
		case Faster:
			r.Color = "--m1"
		case Slower:
			r.Color = "--m2"
		case NoVerdict:
		}
		if k.Ratio > 0 {
			alt.Rows = append(alt.Rows, r)
		}
	}
	out.Alternatives = []alternative{alt}
	return out.orNil(len(alt.Rows))
}

// intervalEnd is a ratio of two ends, or the ratio of the medians where one is not known.
func intervalEnd(b, a, ratioOfMedians float64) float64 {
	if r := ratio(b, a); r > 0 {
		return r
	}
	return ratioOfMedians
}

// cpuSection draws where CPU time has changed.
func (c *Comparison) cpuSection() section {
	out := section{ID: "cpu", Title: "Where the CPU time has changed", Kicker: "Profiles"}
	for i := range c.Profiles {
		p := &c.Profiles[i]
		d := &p.Difference
		k := block{Heading: joined(", ", p.Section, p.Variant, d.Role)}
		if drawn := differential([]profiles.Difference{*d}, "A", "B"); drawn != nil {
			k.Chart = drawn
		} else {
			k.Table = categoryTable(d)
		}
		out.add(k)
	}
	return out
}
