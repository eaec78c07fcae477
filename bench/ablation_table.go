package bench

import (
	"fmt"
	"io"
	"strings"
)

// WriteTable writes cells and effects for people, and what has to be known to read them.
func (a *Ablation) WriteTable(w io.Writer) error {
	var b strings.Builder
	if len(a.Cells) > 0 {
		writeRows(&b, a.cellRows())
		writeNotes(&b, []string{
			"Medians. Cells that end in -NAME have that off; those below naive have one thing on. CPU time is that of all processes together.",
			`Only "faster" and "slower" are supported by the intervals; the base is optimized or, for what is on from naive, naive.`,
		})
	}
	if len(a.Effects) > 0 {
		b.WriteByte('\n')
		writeRows(&b, a.effectRows())
		writeNotes(&b, []string{
			"Of the full factorial: by what having it on multiplies the throughput, on average over all combinations of the others;",
			"for several with an x between, by how much more they gain together. An interval that holds 1 shows no effect.",
		})
	}
	if len(a.Published) > 0 {
		b.WriteByte('\n')
		rows := [][]string{{"share of the naive stream manager's CPU time", "published", "here"}}
		for _, p := range a.Published {
			rows = append(rows, []string{p.Name, fmt.Sprintf("%.0f %%", 100*p.Published), fmt.Sprintf("%.1f %%", 100*p.Ours)})
		}
		writeRows(&b, rows)
		writeNotes(&b, []string{"Published for Heron, whose stream manager is C++ and takes no garbage collection; here that counts as allocation."})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cellRows returns the heading and a row for every cell but those of the
// factorial that stand there under another kind.
func (a *Ablation) cellRows() [][]string {
	rows := [][]string{{"", "tuples/s", "95 % interval", "change", "ns/tuple", "managers", "allocs/tuple", "syscalls/1000"}}
	seen := map[string]bool{}
	for i := range a.Cells {
		c := &a.Cells[i]
		if seen[c.Name] {
			continue
		}
		seen[c.Name] = true
		interval := "-"
		if t := c.TuplesPerSecond; t.N > 1 {
			interval = fmt.Sprintf("%s - %s", amount(t.Low), amount(t.High))
		}
		rows = append(rows, []string{
			c.Name, amount(c.TuplesPerSecond.Median), interval, a.change(c), optional("%.1f", c.Nanos.Total),
			optional("%.1f", c.Nanos.StreamManagers), fmt.Sprintf("%.3f", c.AllocsPerTuple), fmt.Sprintf("%.2f", c.Syscalls),
		})
	}
	return rows
}

// base returns the cell that c is compared with, nil if there is none.
func (a *Ablation) base(c *Cell) *Cell {
	kind := CellBest
	switch c.Kind {
	case CellOn:
		kind = CellNaive
	case CellBest:
		return nil
	case CellNaive, CellOff, CellFactorial:
	}
	for i := range a.Cells {
		if a.Cells[i].Kind == kind {
			return &a.Cells[i]
		}
	}
	return nil
}

// change says how a cell stands to its base, and no more than the intervals support.
func (a *Ablation) change(c *Cell) string {
	base := a.base(c)
	if base == nil || base.TuplesPerSecond.Median == 0 || c.TuplesPerSecond.Median == 0 {
		return "-"
	}
	r := c.TuplesPerSecond.Median / base.TuplesPerSecond.Median
	switch c.TuplesPerSecond.Compare(base.TuplesPerSecond) {
	case Greater:
		return fmt.Sprintf("%.2fx faster", r)
	case Less:
		return fmt.Sprintf("%.2fx slower", 1/r)
	default:
		return fmt.Sprintf("%.2fx (unclear)", r)
	}
}

// effectRows returns the heading and a row for every effect.
func (a *Ablation) effectRows() [][]string {
	rows := [][]string{{"effect", "factor", "95 % interval"}}
	for _, e := range a.Effects {
		interval := "-"
		if e.Low != e.High {
			interval = fmt.Sprintf("%.3f - %.3f", e.Low, e.High)
		}
		rows = append(rows, []string{strings.Join(e.Factors, " x "), fmt.Sprintf("%.3f", e.Factor), interval})
	}
	return rows
}
