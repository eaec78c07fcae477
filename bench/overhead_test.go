package bench

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestMeasureOverhead(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.Repeat = 2
	o, err := MeasureOverhead(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range o.Variants {
		names = append(names, v.Name)
		if v.TuplesPerSecond.N != 2 || v.TuplesPerSecond.Median <= 0 || v.Ratio.N != 2 || v.Lost.Median >= 1 || v.P <= 0 || v.Text == "" {
			t.Errorf("%+v", v)
		}
	}
	if got := strings.Join(names, " "); got != "unobserved observed stamped" || o.Variants[0].Lost.Median != 0 {
		t.Errorf("%s, %+v", got, o.Variants[0])
	}
	var table bytes.Buffer
	if err := o.WriteTable(&table); err != nil || !strings.Contains(table.String(), "stamped: Left alone, but") {
		t.Errorf("%v\n%s", err, &table)
	}
}

func TestOverheadOfOtherWorkloads(t *testing.T) {
	c := short()
	c.Words, c.Workload.Workload = 0, Chain
	if o, err := MeasureOverhead(t.Context(), c); err == nil || o != nil || !strings.Contains(err.Error(), "stamps cannot be set for the workload chain") {
		t.Errorf("%v, %v", o, err)
	}
}

// overheadOf makes up repeats of which the machine is ever slower, by much more
// than measuring takes, and in which observing costs the given shares.
func overheadOf(lost ...float64) []map[string]float64 {
	var repeats []map[string]float64
	for i, share := range lost {
		rate := 1e6 / float64(i+1)
		repeats = append(repeats, map[string]float64{Unobserved: rate, Observed: rate * (1 - share), Stamped: rate * (1 + share)})
	}
	return repeats
}

// TestOverheadIsComparedInPairs compares what no test of all with all could tell apart.
func TestOverheadIsComparedInPairs(t *testing.T) {
	repeats := overheadOf(0.04, 0.01, 0.03, 0.02, 0.05, 0.06, 0.07)
	for _, tc := range []struct {
		about, name string
		repeats     []map[string]float64
		lost        Stat
		p           float64
		order       Order
	}{
		{"slower in each", Observed, repeats, Stat{0.04, 0.02, 0.06, 7}, 2.0 / 128, Less},
		{"faster in each", Stamped, repeats, Stat{-0.04, -0.06, -0.02, 7}, 2.0 / 128, Greater},
		{"itself", Unobserved, repeats, Stat{0, 0, 0, 7}, 1, Unclear},
		{"too few", Observed, repeats[:5], Stat{0.03, 0.01, 0.05, 5}, 2.0 / 32, Unclear},
		{"now slower, now faster", Observed, overheadOf(0.01, -0.02, 0.03, 0.02, -0.015, 0.05), Stat{0.015, -0.0175, 0.04, 6}, 20.0 / 64, Unclear},
		{"none", Observed, nil, Stat{}, 1, Unclear},
	} {
		v := OverheadVariant{Name: tc.name}
		v.compare(tc.repeats)
		near := func(got, want float64) bool { return math.Abs(got-want) < 1e-9 }
		if !near(v.Lost.Median, tc.lost.Median) || !near(v.Lost.Low, tc.lost.Low) || !near(v.Lost.High, tc.lost.High) || v.Lost.N != tc.lost.N {
			t.Errorf("%s: lost is %+v, want %+v", tc.about, v.Lost, tc.lost)
		}
		if !near(v.P, tc.p) || v.Order != tc.order {
			t.Errorf("%s: p is %v and the order %s, want %v and %s", tc.about, v.P, v.Order, tc.p, tc.order)
		}
		if n := len(tc.repeats); v.Ratio.N != n || n > 0 && !near(v.Ratio.Median, 1-tc.lost.Median) {
			t.Errorf("%s: the ratio is %+v", tc.about, v.Ratio)
		}
	}
}

// TestOverheadTakesTurns finds every variant first, second and last within 3 repeats, and the observed one before all.
func TestOverheadTakesTurns(t *testing.T) {
	if first := overheadOrder(0)[0]; first != Observed {
		t.Errorf("the first run is %s: nothing says how long it takes", first)
	}
	for place := range 3 {
		seen := map[string]bool{}
		for i := 7; i < 10; i++ {
			seen[overheadOrder(i)[place]] = true
		}
		if len(seen) != 3 {
			t.Errorf("place %d has only %v", place, seen)
		}
	}
}

func TestOverheadTable(t *testing.T) {
	v := OverheadVariant{Name: Observed, Text: "All is sampled."}
	v.compare(overheadOf(0.04, 0.01, 0.03, 0.02, 0.05, 0.06, 0.07))
	w := OverheadVariant{Name: Stamped, Text: "All is stamped."}
	w.compare(overheadOf(0.04, 0.01))
	var table bytes.Buffer
	if err := (&Overhead{Mode: "optimized", Variants: []OverheadVariant{v, w}}).WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"of unobserved", " 0.960 ", " 4.0 % ", " 2.0 % to 6.0 % ", " 0.016\n", "-2.5 % (unclear)", "observed: All is sampled.\n", "under 6 repeats",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, &table)
		}
	}
}
