package profiles

import (
	"cmp"
	"slices"
)

// Unit is what the figures of a Difference are in.
type Unit string

// The units.
const (
	UnitNanos Unit = "nanoseconds per tuple" // sampled CPU time for each tuple
	UnitShare Unit = "share"                 // of the summary's time, 0 to 1
)

// Difference says where the time of one summary goes and that of another does
// not. Its JSON stands in reports: fields are added, not changed.
type Difference struct {
	// Before and After are the variants that were compared, Role what the processes do.
	Before string `json:"before"`
	After  string `json:"after"`
	Role   string `json:"role"`
	// Unit is that of every figure below: nanoseconds per tuple if both sides
	// know their tuples, else the share. Shares say nothing of which is faster.
	Unit Unit `json:"unit"`
	// Total is the two sums of Categories.
	Total Delta `json:"total"`
	// Categories has every category once, in the order of Categories.
	Categories []Delta `json:"categories"`
	// Functions are those of the two Top lists, those that changed most first.
	Functions []FunctionDelta `json:"functions,omitempty"`
	// Flame is the two call trees laid on each other, nil if one of them is missing.
	Flame *DiffFrame `json:"flame,omitempty"`
}

// Delta is what a category has cost before and after.
type Delta struct {
	Category Category `json:"category,omitempty"` // empty in Difference.Total
	Before   float64  `json:"before"`
	After    float64  `json:"after"`
}

// Change is After less Before: negative where time was saved.
func (d Delta) Change() float64 { return d.After - d.Before }

// FunctionDelta is a function's own time before and after, zero on a side
// whose Top list does not have it.
type FunctionDelta struct {
	Name string `json:"name"`
	Delta
}

// DiffFrame is a node of two call trees laid on each other. A side that does
// not have the frame, or has pruned it as too small to show, is zero.
type DiffFrame struct {
	Name     string       `json:"n"`
	Category Category     `json:"c,omitempty"` // after, or before if it is gone
	Before   float64      `json:"b"`           // with callees, in the difference's unit
	After    float64      `json:"a"`           // with callees, in the difference's unit
	Children []*DiffFrame `json:"k,omitempty"` // the costliest of either side first
}

// Diff compares two summaries, say of two modes or of two versions, by
// category, by function and by call path. It changes neither.
func Diff(before, after Summary) Difference {
	d := Difference{Before: before.Variant, After: after.Variant, Role: after.Role, Unit: UnitShare}
	b, a := 1.0, 1.0
	if before.NanosPerTuple > 0 && after.NanosPerTuple > 0 {
		d.Unit, b, a = UnitNanos, before.NanosPerTuple, after.NanosPerTuple
	}
	for _, c := range Categories() {
		delta := Delta{Category: c, Before: before.share(c) * b, After: after.share(c) * a}
		d.Categories = append(d.Categories, delta)
		d.Total.Before += delta.Before
		d.Total.After += delta.After
	}
	d.Functions = diffFunctions(before.Top, after.Top, b, a)
	if before.Flame != nil && after.Flame != nil {
		d.Flame = diffFrames(before.Flame, after.Flame, perNano(before.Flame, b), perNano(after.Flame, a))
	}
	return d
}

// share is that of one category, zero if s does not have it.
func (s *Summary) share(c Category) float64 {
	for _, share := range s.Shares {
		if share.Category == c {
			return share.Share
		}
	}
	return 0
}

// perNano is by what a frame's time is multiplied so that the root becomes whole.
func perNano(root *Frame, whole float64) float64 {
	if root.Nanos <= 0 {
		return 0
	}
	return whole / float64(root.Nanos)
}

// functionKey tells functions apart: one may be listed under two categories, by what called it.
type functionKey struct {
	name     string
	category Category
}

func diffFunctions(before, after []Function, b, a float64) []FunctionDelta {
	at := map[functionKey]int{}
	var all []FunctionDelta
	entry := func(f Function) *FunctionDelta {
		key := functionKey{f.Name, f.Category}
		i, known := at[key]
		if !known {
			i = len(all)
			at[key] = i
			all = append(all, FunctionDelta{Name: f.Name, Delta: Delta{Category: f.Category}})
		}
		return &all[i]
	}
	for _, f := range before {
		entry(f).Before += f.Share * b
	}
	for _, f := range after {
		entry(f).After += f.Share * a
	}
	slices.SortStableFunc(all, func(x, y FunctionDelta) int {
		return cmp.Or(cmp.Compare(abs(y.Change()), abs(x.Change())), cmp.Compare(x.Name, y.Name))
	})
	return all
}

// diffFrames lays two trees on each other. Either may be nil, not both; b and a turn nanoseconds into the unit.
func diffFrames(before, after *Frame, b, a float64) *DiffFrame {
	d := &DiffFrame{}
	names := []string{}
	sides := map[string][2]*Frame{}
	for side, f := range []*Frame{before, after} {
		if f == nil {
			continue
		}
		d.Name = f.Name
		d.Category = cmp.Or(f.Category, d.Category)
		for _, child := range f.Children {
			pair, known := sides[child.Name]
			if !known {
				names = append(names, child.Name)
			}
			pair[side] = child
			sides[child.Name] = pair
		}
	}
	if before != nil {
		d.Before = float64(before.Nanos) * b
	}
	if after != nil {
		d.After = float64(after.Nanos) * a
	}
	for _, name := range names {
		d.Children = append(d.Children, diffFrames(sides[name][0], sides[name][1], b, a))
	}
	slices.SortStableFunc(d.Children, func(x, y *DiffFrame) int {
		return cmp.Or(cmp.Compare(max(y.Before, y.After), max(x.Before, x.After)), cmp.Compare(x.Name, y.Name))
	})
	return d
}

func abs(x float64) float64 { return max(x, -x) }
