package bench

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"none", nil, 0},
		{"one", []float64{3}, 3},
		{"odd, unsorted", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 3, 2}, 2.5},
		{"one far off", []float64{1, 2, 3, 4, 1e9}, 3},
	} {
		values := slices.Clone(tc.values)
		if got := median(values); got != tc.want {
			t.Errorf("%s: median is %v, want %v", tc.name, got, tc.want)
		}
		if !slices.Equal(values, tc.values) {
			t.Errorf("%s: the values were changed", tc.name)
		}
	}
}

func TestStatOfFew(t *testing.T) {
	if s := NewStat(nil); s != (Stat{}) {
		t.Errorf("no measurements: %+v", s)
	}
	if s, want := NewStat([]float64{7}), (Stat{Median: 7, Low: 7, High: 7, N: 1}); s != want {
		t.Errorf("one measurement: %+v, want %+v", s, want)
	}
	if s, want := NewStat([]float64{4, 4, 4}), (Stat{Median: 4, Low: 4, High: 4, N: 3}); s != want {
		t.Errorf("equal measurements: %+v, want %+v", s, want)
	}
	if s := NewStat([]float64{1, 2, 9}); s.Low != 1 || s.High != 9 {
		t.Errorf("three measurements support no less than their range: %+v", s)
	}
}

func TestStatIsReproducible(t *testing.T) {
	values := []float64{5, 3, 8, 1, 9, 2, 7}
	if a, b := NewStat(values), NewStat(values); a != b {
		t.Errorf("%+v, then %+v", a, b)
	}
}

// TestIntervalCoversMedian draws from a distribution whose median is known. 95 %
// of the intervals should hold it; the bootstrap of few values does a little worse.
func TestIntervalCoversMedian(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const trials, n, resamples = 300, 15, 1000
	covered := 0
	for range trials {
		values := make([]float64, n)
		for i := range values {
			values[i] = random.NormFloat64()
		}
		if s := newStat(values, resamples); s.Low <= 0 && 0 <= s.High {
			covered++
		}
	}
	if share := float64(covered) / trials; share < 0.90 || share > 0.99 {
		t.Errorf("%.3f of the intervals hold the median, want about 0.95", share)
	}
}

func TestStatCompare(t *testing.T) {
	between := func(low, high float64) Stat { return Stat{Median: (low + high) / 2, Low: low, High: high, N: 5} }
	for _, tc := range []struct {
		name string
		s, t Stat
		want Order
	}{
		{"above", between(3, 4), between(1, 2), Greater},
		{"below", between(1, 2), between(3, 4), Less},
		{"overlapping", between(1, 3), between(2, 4), Unclear},
		{"touching", between(1, 2), between(2, 3), Unclear},
		{"one run on a side", NewStat([]float64{9}), between(1, 2), Unclear},
	} {
		if got := tc.s.Compare(tc.t); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestIsSteady(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rates []float64
		want  bool
	}{
		{"too few windows", []float64{5, 5, 5, 5, 5}, false},
		{"flat", []float64{5, 5, 5, 5, 5, 5}, true},
		{"flat after a rise", []float64{1, 2, 3, 9, 9, 9, 9, 9, 9}, true},
		{"noisy without a trend", []float64{8, 12, 10, 12, 8, 10}, true},
		{"rising", []float64{1, 2, 3, 4, 5, 6}, false},
		{"falling", []float64{9, 9, 9, 6, 6, 6}, false},
		{"standing still", []float64{0, 0, 0, 0, 0, 0}, false},
	} {
		if got := isSteady(tc.rates); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
