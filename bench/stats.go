package bench

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Stat is the median of several measurements with a 95 % confidence interval.
type Stat struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // of the interval; with one measurement the median
	High   float64 `json:"high"` // of the interval; with one measurement the median
	N      int     `json:"n"`    // measurements
}

// resamples is the number of bootstrap samples behind an interval.
const resamples = 10_000

// NewStat returns the median of values and its bootstrap interval (percentile
// method). It is the same for the same values. Without values it is zero.
func NewStat(values []float64) Stat { return newStat(values, resamples) }

func newStat(values []float64, resamples int) Stat {
	n := len(values)
	if n == 0 {
		return Stat{}
	}
	s := Stat{Median: median(values), N: n}
	s.Low, s.High = s.Median, s.Median
	if n == 1 {
		return s
	}
	random := rand.New(rand.NewPCG(1, uint64(n)))
	medians, sample := make([]float64, resamples), make([]float64, n)
	for i := range medians {
		for k := range sample {
			sample[k] = values[random.IntN(n)]
		}
		slices.Sort(sample)
		medians[i] = middle(sample)
	}
	slices.Sort(medians)
	last := float64(resamples - 1)
	s.Low = medians[int(math.Floor(0.025*last))]
	s.High = medians[int(math.Ceil(0.975*last))]
	return s
}

// median leaves values as they are. Of no values it is zero.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return middle(slices.Sorted(slices.Values(values)))
}

// middle returns the median of sorted values, of an even number the mean of two.
func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Order is what two measurements allow to say.
type Order string

// The orders. Only intervals that do not overlap tell which is the greater.
const (
	Greater Order = "greater"
	Less    Order = "less"
	Unclear Order = "unclear"
)

// LeastCompared is the fewest measurements on each side of which Compare says
// more than Unclear. The interval of up to 5 reaches from the least to the
// greatest; those of 3 and 3 of the same thing lie apart once in 10 times, those
// of 4 and 4 once in 35.
const LeastCompared = 4

// Compare says how s stands to t. With fewer than LeastCompared measurements on a side it is Unclear.
func (s Stat) Compare(t Stat) Order {
	switch {
	case s.N < LeastCompared || t.N < LeastCompared:
		return Unclear
	case s.Low > t.High:
		return Greater
	case s.High < t.Low:
		return Less
	default:
		return Unclear
	}
}

// mean returns the arithmetic mean of values, of which there must be one.
func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
