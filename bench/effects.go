package bench

import (
	"math"
	"math/bits"
	"slices"
)

// effectsOf returns the effects of a full factorial and all interactions, those
// of fewest factors first.
//
// In each repeat an effect is the contrast of the logarithms of the throughput:
// the mean of the cells in which an even number of its factors is off less that
// of the others. So an effect of one factor is the ratio of on to off, on
// average over the other factors, and an interaction of two is by how much one
// gains more than that when the other is on. Its value is the median of the
// repeats, its interval that of NewStat: whole repeats are drawn, so that what
// changes from one repeat to the next in all cells alike does not count.
func effectsOf(factors []string, all []variant, runs []Run) []Effect {
	var cells []string // by the bits of what is off
	for _, v := range all {
		if v.kind == CellFactorial {
			cells = append(cells, v.name)
		}
	}
	repeats := logsByRepeat(cells, runs)
	if len(factors) == 0 || len(repeats) == 0 {
		return []Effect{}
	}
	list := make([]Effect, 0, len(cells)-1)
	for _, of := range subsets(len(factors)) {
		values := make([]float64, len(repeats))
		for i, logs := range repeats {
			values[i] = contrast(of, logs)
		}
		s := NewStat(values)
		e := Effect{Factor: math.Exp(s.Median), Low: math.Exp(s.Low), High: math.Exp(s.High)}
		for i, name := range factors {
			if of>>i&1 == 1 {
				e.Factors = append(e.Factors, name)
			}
		}
		list = append(list, e)
	}
	return list
}

// logsByRepeat returns, for each repeat in which all cells were measured, the
// logarithms of their throughput.
func logsByRepeat(cells []string, runs []Run) [][]float64 {
	var list [][]float64
	for repeat := 1; ; repeat++ {
		logs := make([]float64, 0, len(cells))
		for _, name := range cells {
			i := slices.IndexFunc(runs, func(r Run) bool { return r.Repeat == repeat && r.Mode == name })
			if i < 0 || runs[i].TuplesPerSecond <= 0 {
				return list
			}
			logs = append(logs, math.Log(runs[i].TuplesPerSecond))
		}
		if len(logs) == 0 {
			return nil
		}
		list = append(list, logs)
	}
}

// subsets returns the non-empty sets of n things as bits, the smallest sets first.
func subsets(n int) []int {
	var list []int
	for s := 1; s < 1<<n; s++ {
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b int) int { return bits.OnesCount(uint(a)) - bits.OnesCount(uint(b)) })
	return list
}

// contrast returns the effect of a set of factors on values, of which entry i
// was measured with the factors off that are the bits of i.
func contrast(of int, values []float64) float64 {
	var sum float64
	for off, v := range values {
		if bits.OnesCount(uint(off&of))%2 == 1 {
			v = -v
		}
		sum += v
	}
	return sum / float64(len(values)/2)
}
