package page

import (
	"fmt"
	"slices"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// managers is the role whose time was published of Heron.
const managers = "stream managers"

// published is what was told of the CPU time of Heron's stream manager before its optimization.
var published = []struct {
	category profiles.Category
	name     string
	share    float64
}{
	{profiles.Allocate, "allocating and freeing", 0.17},
	{profiles.Copy, "copying", 0.15},
	{profiles.Decode, "eager decoding", 0.18},
}

// cpuBlocks say where the CPU time of a section's modes went.
func cpuBlocks(s *bench.Section) []block {
	list := useful(s.Profiles)
	if len(list) == 0 {
		return nil
	}
	blocks := []block{{
		Heading: "Where the CPU time goes", Chart: categoryChart(list),
		Text: []string{"Samples of a run of its own for each mode, sorted into categories by rules; they add up to the whole. The published row is what " +
			"was told of the CPU time of Heron's stream manager before its optimization: 17 % in allocating and freeing messages, 15 % in copying, " +
			"18 % in eager decoding."},
	}}
	if c := nanosByCategory(list); c != nil {
		blocks = append(blocks, block{Chart: c})
	}
	if t := topTable(list); t != nil {
		blocks = append(blocks, block{Table: t, Folded: true, Summary: "The costliest functions"})
	}
	if c := flameChart(list); c != nil {
		blocks = append(blocks, block{
			Heading: "Flame graphs", Chart: c,
			Text: []string{"Callers stand above what they call; widths are CPU time. Click a frame, or reach it with the arrow keys and press Enter, to " +
				"zoom in; Escape zooms out. Colours are categories."},
		})
	}
	if c := diffChart(list); c != nil {
		blocks = append(blocks, block{
			Heading: "What has changed from naive to optimized", Chart: c,
			Text: []string{"The two flame graphs laid on each other. Blue frames cost less than before, red ones more; the stronger, the greater " +
				"the part of the frame that changed."},
		})
	}
	return blocks
}

// useful leaves out summaries without samples.
func useful(all []profiles.Summary) []profiles.Summary {
	var list []profiles.Summary
	for i := range all {
		if slices.ContainsFunc(all[i].Shares, func(s profiles.Share) bool { return s.Share > 0 }) {
			list = append(list, all[i])
		}
	}
	return list
}

func variantName(p *profiles.Summary) string { return joined(": ", p.Variant, p.Role) }

// roles returns the roles of list in order, stream managers first.
func roles(list []profiles.Summary) []string {
	var names []string
	for i := range list {
		if !slices.Contains(names, list[i].Role) {
			names = append(names, list[i].Role)
		}
	}
	if i := slices.Index(names, managers); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, managers)
	}
	return names
}

// categoryChart shows shares, one role at a time.
func categoryChart(list []profiles.Summary) *chart {
	c := &chart{
		Kind: "stack", Title: "Shares of CPU time by category",
		Table: table{Head: []string{"", "role"}, Left: 2, Mark: -1},
	}
	for _, category := range profiles.Categories() {
		c.Table.Head = append(c.Table.Head, string(category))
	}
	for _, role := range roles(list) {
		alt := alternative{Label: role, Unit: "share"}
		for i := range list {
			if list[i].Role != role {
				continue
			}
			alt.Rows = append(alt.Rows, shareRow(&list[i]))
			cells := []string{list[i].Variant, role}
			for _, category := range profiles.Categories() {
				cells = append(cells, percent(shareOf(&list[i], category)))
			}
			c.Table.Rows = append(c.Table.Rows, cells)
		}
		if role == managers || role == "all" {
			alt.Rows = append(alt.Rows, publishedRow())
		}
		c.Alternatives = append(c.Alternatives, alt)
	}
	return c
}

func shareOf(p *profiles.Summary, category profiles.Category) float64 {
	for _, s := range p.Shares {
		if s.Category == category {
			return s.Share
		}
	}
	return 0
}

func shareRow(p *profiles.Summary) row {
	r := row{Label: p.Variant, Value: 1, Text: significant(p.CPUSeconds) + " CPU-s"}
	for _, s := range p.Shares {
		if s.Share > 0 {
			r.Parts = append(r.Parts, part{Label: string(s.Category), Color: categoryColor(s.Category), Value: s.Share, Text: percent(s.Share)})
		}
	}
	return r
}

func publishedRow() row {
	r := row{Label: "Heron, published", Value: 1, Text: "as told", Note: "before its optimization"}
	rest := 1.0
	for _, p := range published {
		r.Parts = append(r.Parts, part{Label: p.name, Color: categoryColor(p.category), Value: p.share, Text: percent(p.share)})
		rest -= p.share
	}
	r.Parts = append(r.Parts, part{Label: "not told", Color: "--blank", Value: rest, Text: percent(rest)})
	return r
}

// nanosByCategory shows the same in nanoseconds of a tuple, which can be compared between modes.
func nanosByCategory(list []profiles.Summary) *chart {
	c := &chart{
		Kind: "stack", Title: "CPU nanoseconds of a tuple by category", Note: "The same samples, scaled to a tuple: lengths can be compared between modes.",
		Table: table{Head: []string{"", "role", "category", "ns/tuple"}, Left: 3, Mark: -1},
	}
	for _, role := range roles(list) {
		alt := alternative{Label: role, Unit: "nanos"}
		for i := range list {
			p := &list[i]
			if p.Role != role || p.NanosPerTuple == 0 {
				continue
			}
			r := row{Label: p.Variant, Value: p.NanosPerTuple, Text: nanos(p.NanosPerTuple)}
			for _, s := range p.Shares {
				if n := s.Share * p.NanosPerTuple; n > 0 {
					r.Parts = append(r.Parts, part{Label: string(s.Category), Color: categoryColor(s.Category), Value: n, Text: nanos(n)})
					c.Table.Rows = append(c.Table.Rows, []string{p.Variant, role, string(s.Category), nanos(n)})
				}
			}
			alt.Rows = append(alt.Rows, r)
		}
		if len(alt.Rows) > 0 {
			c.Alternatives = append(c.Alternatives, alt)
		}
	}
	return c.orNil(len(c.Alternatives))
}

func topTable(list []profiles.Summary) *table {
	t := &table{Head: []string{"", "category", "function", "own time"}, Left: 3, Mark: -1}
	for i := range list {
		top := slices.Clone(list[i].Top)
		slices.SortStableFunc(top, func(a, b profiles.Function) int {
			switch {
			case a.Share > b.Share:
				return -1
			case a.Share < b.Share:
				return 1
			default:
				return 0
			}
		})
		for _, f := range top[:min(len(top), 12)] {
			t.Rows = append(t.Rows, []string{variantName(&list[i]), string(f.Category), f.Name, percent(f.Share)})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// flameChart has a flame graph for every mode and role.
func flameChart(list []profiles.Summary) *chart {
	c := &chart{
		Kind: "flame", Title: "CPU time by call path", Note: "Frames under one part in 2,000 are left out.",
		Table: table{Head: []string{"", "function", "with callees"}, Left: 2, Mark: -1},
	}
	for i := range list {
		p := &list[i]
		if p.Flame == nil || p.Flame.Nanos <= 0 {
			continue
		}
		c.Alternatives = append(c.Alternatives, alternative{Label: variantName(p), Root: frameNode(p.Flame), Scale: p.NanosPerTuple})
		whole := float64(p.Flame.Nanos)
		walkFrames(p.Flame, 3, func(f *profiles.Frame) {
			c.Table.Rows = append(c.Table.Rows, []string{variantName(p), f.Name, percent(float64(f.Nanos) / whole)})
		})
	}
	return c.orNil(len(c.Alternatives))
}

func frameNode(f *profiles.Frame) *node {
	n := &node{Name: f.Name, Color: categoryColor(f.Category), Value: float64(f.Nanos)}
	for _, k := range f.Children {
		n.Children = append(n.Children, frameNode(k))
	}
	return n
}

// walkFrames visits the frames of the upper levels.
func walkFrames(f *profiles.Frame, levels int, visit func(*profiles.Frame)) {
	visit(f)
	if levels > 0 {
		for _, k := range f.Children {
			walkFrames(k, levels-1, visit)
		}
	}
}

// diffChart lays naive and optimized on each other, for every role that both have.
func diffChart(list []profiles.Summary) *chart {
	find := func(variant, role string) *profiles.Summary {
		for i := range list {
			if list[i].Variant == variant && list[i].Role == role {
				return &list[i]
			}
		}
		return nil
	}
	var diffs []profiles.Difference
	for _, role := range roles(list) {
		if before, after := find(naiveMode, role), find(bestMode, role); before != nil && after != nil {
			diffs = append(diffs, profiles.Diff(*before, *after))
		}
	}
	return differential(diffs, naiveMode, bestMode)
}

// differential draws differences. before and after name the two sides.
func differential(diffs []profiles.Difference, before, after string) *chart {
	c := &chart{
		Kind: "flame", Title: "Change of CPU time by call path",
		Table: table{Head: []string{"role", "category", before, after, "change"}, Left: 2, Mark: -1},
	}
	for i := range diffs {
		d := &diffs[i]
		format := nanos
		if d.Unit == profiles.UnitShare {
			format = percent
			c.Note = "Shares of the whole, since the tuples are not known: they do not say which side is faster."
		} else {
			c.Note = "In CPU time of a tuple."
		}
		for _, delta := range d.Categories {
			if delta.Before > 0 || delta.After > 0 {
				c.Table.Rows = append(c.Table.Rows, []string{
					d.Role, string(delta.Category), format(delta.Before), format(delta.After), signed(delta.Change(), format),
				})
			}
		}
		if d.Flame == nil {
			continue
		}
		for k, side := range []struct {
			name string
			of   func(*profiles.DiffFrame) float64
		}{
			{before, func(f *profiles.DiffFrame) float64 { return f.Before }},
			{after, func(f *profiles.DiffFrame) float64 { return f.After }},
		} {
			if root := diffNode(d.Flame, side.of); root != nil {
				c.Alternatives = append(c.Alternatives, alternative{
					Label: fmt.Sprintf("%s: widths are %s", d.Role, side.name), Root: root, Diff: true, After: k == 1, Scale: scaleOf(d, root),
				})
			}
		}
	}
	return c.orNil(len(c.Alternatives))
}

// scaleOf is the whole of a side in nanoseconds of a tuple, zero for shares.
func scaleOf(d *profiles.Difference, root *node) float64 {
	if d.Unit == profiles.UnitShare {
		return 0
	}
	return root.Value
}

// diffNode turns a difference into a flame graph whose widths are those of one side.
func diffNode(f *profiles.DiffFrame, of func(*profiles.DiffFrame) float64) *node {
	v := of(f)
	if v <= 0 {
		return nil
	}
	n := &node{Name: f.Name, Color: categoryColor(f.Category), Value: v, Change: f.After - f.Before}
	for _, k := range f.Children {
		if child := diffNode(k, of); child != nil {
			n.Children = append(n.Children, child)
		}
	}
	return n
}

// signed writes a difference with its sign.
func signed(v float64, format func(float64) string) string {
	if v < 0 {
		return "−" + format(-v)
	}
	return "+" + format(v)
}
