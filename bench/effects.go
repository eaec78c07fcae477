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
// gains more than that when the other is on. Its value is the mean of the
// repeats, so that what changes from one repeat to the next in all cells alike
// does not count. Its interval is Student's: each contrast is a mean over many
// runs, and so about normal, and the bootstrap of a few values is too narrow.
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
		middle, half := studentInterval(values)
		e := Effect{Factor: math.Exp(middle), Low: math.Exp(middle - half), High: math.Exp(middle + half)}
		for i, name := range factors {
			if of>>i&1 == 1 {
				e.Factors = append(e.Factors, name)
			}
		}
		list = append(list, e)
	}
	return list
}

// student95 is the 97.5th percentile of Student's distribution, by degrees of freedom from 1.
var student95 = []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228}

// studentInterval returns the mean of values, of which there must be one, and
// half the width of its 95 % interval, 0 with one value.
func studentInterval(values []float64) (middle, half float64) {
	middle = mean(values)
	n := len(values)
	if n < 2 {
		return middle, 0
	}
	var squares float64
	for _, v := range values {
		squares += (v - middle) * (v - middle)
	}
	t := 1.96 + 2.7/float64(n-1) // at most 0.5 % too much beyond the table
	if n-2 < len(student95) {
		t = student95[n-2]
	}
	return middle, t * math.Sqrt(squares/float64(n-1)/float64(n))
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
