package bench

import (
	"math"
	"testing"
)

// TestSignedRank has the p-value that R's wilcox.test gives, and some that follow from counting.
func TestSignedRank(t *testing.T) {
	for _, tc := range []struct {
		name string
		d    []float64
		want float64
	}{
		{"none", nil, 1},
		{"zeros only", []float64{0, 0}, 1},
		{"one", []float64{3}, 1},
		{"5 above", []float64{1, 2, 3, 4, 5}, 2.0 / 32},
		{"6 above", []float64{1, 2, 3, 4, 5, 6}, 2.0 / 64},
		{"30 above", seq(1, 30), math.Ldexp(2, -30)},
		{"the least below", []float64{-1, 2, 3, 4, 5, 6}, 4.0 / 64}, // sums of 0 and 1
		{"zeros do not count", []float64{0, 1, 2, 0, 3, 4, 5, 6}, 2.0 / 64},
		{"ties", []float64{1, 1, 1, -1}, 2 * 5.0 / 16}, // ranks of 2.5 each: none or one of four
		{
			"depression", // the example of R's help, from Hollander and Wolfe, there one-sided: 0.01953
			[]float64{0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01},
			2 * 0.01953125,
		},
	} {
		opposite := make([]float64, len(tc.d))
		for i, d := range tc.d {
			opposite[i] = -d
		}
		for _, p := range []float64{SignedRank(tc.d), SignedRank(opposite)} {
			if math.Abs(p-tc.want) > 1e-12 {
				t.Errorf("%s: p = %.10f, want %.10f", tc.name, p, tc.want)
			}
		}
	}
}
