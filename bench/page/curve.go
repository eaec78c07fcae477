package page

import (
	"cmp"
	"slices"

	"github.com/ardea-stream/ardea/bench"
)

// curveBlocks are the parts of a section that raises the rate to saturation.
func curveBlocks(curves []bench.Curve) []block {
	var blocks []block
	if c := curveChart(curves); c != nil {
		blocks = append(blocks, block{Heading: "Latency against load", Chart: c})
	}
	if t := sustainedTable(curves); t != nil {
		blocks = append(blocks, block{
			Heading: "How much load holds a bound", Table: t,
			Text: []string{"The highest rate at which 99 % of the tuples stay under the bound; a dash where no measured rate does. The knee is the " +
				"rate beyond which latency rises faster than load."},
		})
	}
	return blocks
}

// curveChart draws a percentile of every mode against the rate.
func curveChart(curves []bench.Curve) *chart {
	c := &chart{
		Kind: "lines", Title: "Latency by rate", Note: "Vertical lines mark knees. Points whose run was rejected are left out; the table has them.",
		Table: table{Head: []string{"", "rate", "achieved", "p50", "p99", "p99.9", "state"}, Left: 1, Mark: -1},
	}
	for _, q := range []struct {
		name string
		of   func(*bench.Quantiles) float64
	}{
		{"p99", func(q *bench.Quantiles) float64 { return q.P99 }},
		{"p50", func(q *bench.Quantiles) float64 { return q.P50 }},
		{"p99.9", func(q *bench.Quantiles) float64 { return q.P999 }},
	} {
		alt := alternative{Label: q.name, Unit: "micros", Log: true, X: &axis{Label: "tuples a second", Scale: "log", Unit: "amount"}}
		for i := range curves {
			v := &curves[i]
			line := series{Label: v.Variant(), Color: modeColor(v.Variant())}
			for k := range v.Points {
				p := &v.Points[k]
				if y := q.of(&p.Latency); y > 0 && p.Rate > 0 && p.Rejected == "" {
					line.Points = append(line.Points, [2]float64{p.Rate, y})
				}
			}
			slices.SortFunc(line.Points, func(a, b [2]float64) int { return cmp.Compare(a[0], b[0]) })
			if len(line.Points) > 0 {
				alt.Series = append(alt.Series, line)
			}
			if v.Knee > 0 && len(line.Points) > 0 {
				alt.Marks = append(alt.Marks, mark{Value: v.Knee, Label: "knee of " + v.Variant(), Color: modeColor(v.Variant())})
			}
		}
		if len(alt.Series) > 0 {
			c.Alternatives = append(c.Alternatives, alt)
		}
	}
	for i := range curves {
		for k := range curves[i].Points {
			p := &curves[i].Points[k]
			c.Table.Rows = append(c.Table.Rows, []string{
				curves[i].Variant(), rateName(p), known(p.Achieved, amount), known(p.Latency.P50, micros), known(p.Latency.P99, micros),
				known(p.Latency.P999, micros), latencyState(p),
			})
		}
	}
	return c.orNil(len(c.Alternatives))
}

// sustainedTable has the rates that hold bounds, a row for every mode.
func sustainedTable(curves []bench.Curve) *table {
	var bounds []float64
	for i := range curves {
		for _, s := range curves[i].Sustained {
			if s.P99Micros > 0 && !slices.Contains(bounds, s.P99Micros) {
				bounds = append(bounds, s.P99Micros)
			}
		}
	}
	if len(curves) == 0 || len(bounds) > 12 {
		return nil
	}
	slices.Sort(bounds)
	t := &table{Head: []string{"", "capacity", "knee"}, Left: 1, Mark: -1}
	for _, b := range bounds {
		t.Head = append(t.Head, "p99 ≤ "+micros(b))
	}
	for i := range curves {
		v := &curves[i]
		cells := []string{v.Variant(), known(v.Capacity, amount), known(v.Knee, amount)}
		for _, b := range bounds {
			cell := none
			for _, s := range v.Sustained {
				if s.P99Micros == b {
					cell = known(s.Rate, amount)
				}
			}
			cells = append(cells, cell)
		}
		if v.Variant() == bestMode {
			t.Mark = i
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
