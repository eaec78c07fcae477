package bench

import (
	"math"
	"testing"
)

// TestMannWhitney has p-values that R's wilcox.test gives, and some that follow from counting.
func TestMannWhitney(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b []float64
		want float64
	}{
		{"none", nil, []float64{1}, 1},
		{"one each", []float64{1}, []float64{2}, 1},
		{"3 and 3 apart", []float64{1, 2, 3}, []float64{4, 5, 6}, 2.0 / 20},
		{"5 and 5 apart", []float64{6, 7, 8, 9, 10}, []float64{1, 2, 3, 4, 5}, 2.0 / 252},
		{"10 and 10 apart", seq(1, 10), seq(11, 20), 2.0 / 184756},
		{"4 and 3, U of 1", []float64{1, 2, 3, 5}, []float64{4, 6, 7}, 4.0 / 35},
		{
			"permeability", // the example of R's help, two-sided
			[]float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46},
			[]float64{1.15, 0.88, 0.90, 0.74, 1.21},
			0.2544122544,
		},
		{"all equal", []float64{5, 5, 5}, []float64{5, 5, 5}, 1},
	} {
		for _, p := range []float64{MannWhitney(tc.a, tc.b), MannWhitney(tc.b, tc.a)} {
			if math.Abs(p-tc.want) > 1e-9 {
				t.Errorf("%s: p = %.10f, want %.10f", tc.name, p, tc.want)
			}
		}
	}
}

// TestMannWhitneyWithTies has what the normal approximation gives, worked out by hand.
func TestMannWhitneyWithTies(t *testing.T) {
	a, b := []float64{1, 2, 2, 3}, []float64{2, 3, 4, 5}
	// Ranks of a: 1, 3, 3, 5.5, so U = 12.5 - 10; ties of 3 and of 2: 24 + 6.
	variance := 16.0 / 12 * (9 - 30.0/56)
	z := (8 - 2.5 - 0.5) / math.Sqrt(variance)
	if p, want := MannWhitney(a, b), math.Erfc(z/math.Sqrt2); math.Abs(p-want) > 1e-12 {
		t.Errorf("p = %v, want %v", p, want)
	}
}

// TestApproximationIsNearTheExactValue compares the two at the border between them.
func TestApproximationIsNearTheExactValue(t *testing.T) {
	a, b := seq(1, 20), seq(5, 24)
	for i := range b {
		b[i] += 0.5
	}
	exact := MannWhitney(a, b)
	approximate := MannWhitney(append(a, 100, -100), append(b, 101, -101))
	if exact <= 0 || exact >= 1 || math.Abs(exact-approximate) > 0.05 {
		t.Errorf("exact %v, with four values more and approximate %v", exact, approximate)
	}
}

func seq(from, to int) []float64 {
	var s []float64
	for i := from; i <= to; i++ {
		s = append(s, float64(i))
	}
	return s
}

func TestPairTests(t *testing.T) {
	tests := pairTests(madeUp().Summaries, madeUp().Runs, madeUp().Limits.Runs)
	if len(tests) != 15 {
		t.Fatalf("%d tests of 6 names", len(tests))
	}
	for _, test := range tests {
		if test.A == "optimized" && test.B == "naive" {
			if test.Ratio != 30 || test.P != 2.0/252 || test.Order != Greater {
				t.Errorf("%+v", test)
			}
			return
		}
	}
	t.Error("optimized is not compared with naive")
}
