package page

import (
	"strings"

	"github.com/ardea-stream/ardea/bench"
)

// ablationBlocks are the parts of a section that turns optimizations on and off.
func ablationBlocks(a *bench.Ablation) []block {
	if a == nil {
		return nil
	}
	var blocks []block
	if len(a.Factors) > 0 {
		t := &table{Head: []string{"switch", "what it does"}, Left: 2, Mark: -1}
		for _, f := range a.Factors {
			t.Rows = append(t.Rows, []string{f.Name, f.Text})
		}
		blocks = append(blocks, block{Heading: "The switches", Table: t})
	}
	for _, c := range []struct {
		heading, title, note string
		base, kind           bench.CellKind
	}{
		{
			"One off", "Throughput with one optimization taken away", "Everything else stays on. What shortens the bar matters.",
			bench.CellBest, bench.CellOff,
		},
		{
			"One on", "Throughput with one optimization added to naive", "Everything else stays off. What lengthens the bar helps by itself.",
			bench.CellNaive, bench.CellOn,
		},
	} {
		if drawn := cellChart(a.Cells, c.base, c.kind, c.title, c.note); drawn != nil {
			blocks = append(blocks, block{Heading: c.heading, Chart: drawn})
		}
	}
	if c := effectChart(a.Effects); c != nil {
		blocks = append(blocks, block{
			Heading: "Effects and interactions", Chart: c,
			Text: []string{"From the full factorial: by how much each switch multiplies the throughput on average over all settings of the others, and " +
				"by how much each gains more when the others are on than it does on average."},
		})
	}
	if t := cellTable(a.Cells); t != nil {
		blocks = append(blocks, block{Table: t, Folded: true, Summary: "Every combination that was measured"})
	}
	if t := publishedTable(a.Published); t != nil {
		blocks = append(blocks, block{
			Heading: "Beside what was published", Table: t,
			Text: []string{"Shares of the naive mode's CPU time: as told of Heron, a C++ program, and as sampled here, in Go."},
		})
	}
	return blocks
}

// cellChart compares cells of one kind with the cell they start from.
func cellChart(cells []bench.Cell, base, kind bench.CellKind, title, note string) *chart {
	c := &chart{
		Kind: "bars", Title: title, Note: note + " Whiskers are 95 % intervals; the line is where the comparison starts.",
		Table: table{Head: []string{"", "tuples/s", "95 % interval", "change", "verdict"}, Left: 1, Mark: -1},
	}
	alt := alternative{Unit: "amount"}
	var from *bench.Cell
	for i := range cells {
		if cells[i].Kind == base && from == nil {
			from = &cells[i]
			alt.Marks = []mark{{Value: from.TuplesPerSecond.Median, Label: from.Name}}
		}
	}
	others := 0
	for i := range cells {
		cell := &cells[i]
		stat := cell.TuplesPerSecond
		if stat.Median == 0 || cell.Kind != kind && cell != from {
			continue
		}
		r := row{Label: cell.Name, Color: "--m5", Value: stat.Median, Text: amount(stat.Median)}
		if stat.N > 1 {
			r.Low, r.High = stat.Low, stat.High
		}
		changed, what := none, none
		if cell == from {
			r.Color, r.Note = modeColor(naiveMode), "start"
			if base == bench.CellBest {
				r.Color = modeColor(bestMode)
			}
		} else {
			others++
			if from != nil && from.TuplesPerSecond.Median > 0 {
				changed, what = change(stat.Median/from.TuplesPerSecond.Median), verdict(stat.Compare(from.TuplesPerSecond))
				r.Note = joined(", ", changed, unclearOnly(what))
			}
		}
		alt.Rows = append(alt.Rows, r)
		c.Table.Rows = append(c.Table.Rows, []string{cell.Name, amount(stat.Median), interval(stat), changed, what})
	}
	c.Alternatives = []alternative{alt}
	return c.orNil(others)
}

func unclearOnly(what string) string {
	if what == "unclear" {
		return what
	}
	return ""
}

// effectChart draws factorial effects with their intervals.
func effectChart(effects []bench.Effect) *chart {
	c := &chart{
		Kind: "forest", Title: "Factor by which the throughput is multiplied",
		Note:  "An interval that reaches over the line at 1 shows no effect that these runs support.",
		Table: table{Head: []string{"", "factor", "95 % interval"}, Left: 1, Mark: -1},
	}
	alt := alternative{Unit: "times", Log: true, Marks: []mark{{Value: 1, Label: "no effect"}}}
	for _, e := range effects {
		if e.Factor == 0 || e.Low == 0 || e.High == 0 {
			continue
		}
		name := strings.Join(e.Factors, " × ")
		r := row{Label: name, Color: "--m1", Value: e.Factor, Low: e.Low, High: e.High, Text: times(e.Factor)}
		switch {
		case e.Low <= 1 && e.High >= 1:
			r.Color, r.Note = limitColor, "not shown"
		case e.Factor < 1:
			r.Color = "--m2"
		}
		if len(e.Factors) > 1 {
			r.Note = joined(", ", "interaction", r.Note)
		}
		alt.Rows = append(alt.Rows, r)
		c.Table.Rows = append(c.Table.Rows, []string{name, times(e.Factor), times(e.Low) + " to " + times(e.High)})
	}
	c.Alternatives = []alternative{alt}
	return c.orNil(len(alt.Rows))
}

func cellTable(cells []bench.Cell) *table {
	if len(cells) == 0 {
		return nil
	}
	t := &table{Head: []string{"", "kind", "on", "tuples/s", "tuples/CPU-s", "ns/tuple", "allocs/tuple", "syscalls/1,000"}, Left: 3, Mark: -1}
	for i := range cells {
		c := &cells[i]
		on := "nothing"
		if len(c.On) > 0 {
			on = listed(c.On)
		}
		t.Rows = append(t.Rows, []string{
			c.Name, string(c.Kind), on, statText(c.TuplesPerSecond, amount), known(c.TuplesPerCPUSecond.Median, amount), known(c.Nanos.Total, nanos),
			significant(c.AllocsPerTuple), known(c.Syscalls, significant),
		})
	}
	return t
}

func publishedTable(shares []bench.PublishedShare) *table {
	if len(shares) == 0 {
		return nil
	}
	t := &table{Head: []string{"", "published", "here"}, Left: 1, Mark: -1}
	for _, s := range shares {
		t.Rows = append(t.Rows, []string{s.Name, percent(s.Published), percent(s.Ours)})
	}
	return t
}
