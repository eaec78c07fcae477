package profiles_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/ardea-stream/ardea/profiles"
)

// twoSides is a summary before and after: half of the time was copying, which is gone after.
func twoSides() (before, after profiles.Summary) {
	before = profiles.Summary{
		Variant: "naive", Role: "bolts", NanosPerTuple: 100,
		Shares: []profiles.Share{{Category: profiles.Copy, Share: 0.5}, {Category: profiles.UserCode, Share: 0.5}},
		Top:    []profiles.Function{{Name: "memmove", Category: profiles.Copy, Share: 0.5}, {Name: "count", Category: profiles.UserCode, Share: 0.5}},
		Flame: &profiles.Frame{Name: "all", Nanos: 1000, Children: []*profiles.Frame{
			{Name: "copy", Category: profiles.Copy, Nanos: 500},
			{Name: "count", Category: profiles.UserCode, Nanos: 500},
		}},
	}
	after = profiles.Summary{
		Variant: "optimized", Role: "bolts", NanosPerTuple: 60,
		Shares: []profiles.Share{{Category: profiles.UserCode, Share: 1}},
		Top:    []profiles.Function{{Name: "count", Category: profiles.UserCode, Share: 1}},
		Flame: &profiles.Frame{Name: "all", Nanos: 300, Children: []*profiles.Frame{
			{Name: "count", Category: profiles.UserCode, Nanos: 300, Children: []*profiles.Frame{{Name: "map", Nanos: 30}}},
		}},
	}
	return before, after
}

func TestDiffIsInNanosecondsWhereTuplesAreKnown(t *testing.T) {
	before, after := twoSides()
	d := profiles.Diff(before, after)
	if d.Unit != profiles.UnitNanos || d.Before != "naive" || d.After != "optimized" || d.Role != "bolts" {
		t.Errorf("got %s, %s, %s, %s", d.Unit, d.Before, d.After, d.Role)
	}
	if d.Total.Before != 100 || d.Total.After != 60 || d.Total.Change() != -40 {
		t.Errorf("total %+v", d.Total)
	}
	if len(d.Categories) != len(profiles.Categories()) {
		t.Errorf("%d categories", len(d.Categories))
	}
	for _, delta := range d.Categories {
		if delta.Category == profiles.Copy && (delta.Before != 50 || delta.After != 0) {
			t.Errorf("copy %+v", delta)
		}
	}
	if first := d.Functions[0]; first.Name != "memmove" || first.Change() != -50 {
		t.Errorf("changed most: %+v", first)
	}
	if d.Flame.Before != 100 || d.Flame.After != 60 {
		t.Errorf("flame %v to %v", d.Flame.Before, d.Flame.After)
	}
	count, gone := d.Flame.Children[0], d.Flame.Children[1]
	if count.Name == "copy" {
		count, gone = gone, count
	}
	if count.Before != 50 || count.After != 60 || len(count.Children) != 1 || math.Abs(count.Children[0].After-6) > 1e-9 {
		t.Errorf("count %+v", count)
	}
	if gone.Category != profiles.Copy || gone.Before != 50 || gone.After != 0 {
		t.Errorf("gone %+v", gone)
	}
}

func TestDiffIsInSharesWhereTuplesAreUnknown(t *testing.T) {
	before, after := twoSides()
	after.NanosPerTuple, after.Flame = 0, nil
	d := profiles.Diff(before, after)
	if d.Unit != profiles.UnitShare || d.Total.Before != 1 || d.Total.After != 1 || d.Flame != nil {
		t.Errorf("%s, total %+v, flame %v", d.Unit, d.Total, d.Flame)
	}
}

func TestDiffOfNothing(t *testing.T) {
	d := profiles.Diff(profiles.Summary{Flame: &profiles.Frame{}}, profiles.Summary{Flame: &profiles.Frame{}})
	if d.Total.Change() != 0 || d.Flame.Before != 0 || d.Flame.After != 0 {
		t.Errorf("%+v", d)
	}
	if _, err := json.Marshal(d); err != nil {
		t.Error(err) // a NaN would be no JSON
	}
}
