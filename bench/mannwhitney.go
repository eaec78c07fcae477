package bench

import (
	"math"
	"slices"
)

// mostExact is the largest number of measurements on both sides together for
// which the p-value is counted out and not approximated.
const mostExact = 40

// MannWhitney returns the two-sided p-value of the Mann-Whitney U test: how
// likely two samples of one distribution would be at least as far apart in
// rank. Without ties and with up to mostExact values it is exact, else the
// normal approximation with corrections for ties and continuity. With an empty
// side it is 1.
func MannWhitney(a, b []float64) float64 {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return 1
	}
	u, ties := rankSum(a, b)
	u -= float64(n*(n+1)) / 2
	u = min(u, float64(n*m)-u)
	if ties == 0 && n+m <= mostExact {
		return min(1, 2*exactTail(n, m, int(u)))
	}
	total := float64(n + m)
	variance := float64(n*m) / 12 * (total + 1 - ties/(total*(total-1)))
	if variance <= 0 {
		return 1 // all values are equal
	}
	z := max(0, float64(n*m)/2-u-0.5) / math.Sqrt(variance)
	return min(1, math.Erfc(z/math.Sqrt2))
}

// rankSum returns the sum of the ranks of a among a and b, ties having the mean
// of theirs, and the sum of t^3 - t over the ties of t values.
func rankSum(a, b []float64) (sum, ties float64) {
	all := slices.Concat(a, b)
	slices.Sort(all)
	for i := 0; i < len(all); {
		end := i
		for end < len(all) && all[end] == all[i] {
			end++
		}
		t := float64(end - i)
		ties += t*t*t - t
		for _, v := range a {
			if v == all[i] {
				sum += float64(i+1+end) / 2
			}
		}
		i = end
	}
	return sum, ties
}

// exactTail returns the probability of a U of at most u for samples of n and m
// values without ties. Of the arrangements with U = v, those that end in a value
// of the first sample, which is greater than all m of the second, number as many
// as those of n - 1 and m values with U = v - m; the others as many as those of
// n and m - 1 values with U = v.
func exactTail(n, m, u int) float64 {
	ways := make([][]float64, n+1) // ways[k][v]: with k values of the first sample
	for k := range ways {
		ways[k] = make([]float64, u+1)
		ways[k][0] = 1 // with none of the second
	}
	for j := 1; j <= m; j++ {
		for k := 1; k <= n; k++ {
			for v := j; v <= u; v++ {
				ways[k][v] += ways[k-1][v-j]
			}
		}
	}
	var tail float64
	for _, w := range ways[n] {
		tail += w
	}
	all := 1.0
	for k := 1; k <= n; k++ {
		all *= float64(m+k) / float64(k)
	}
	return tail / all
}

// pairTests compares the throughput of each pair of modes and limits.
func pairTests(summaries []Summary, runs []Run, limits []LimitRun) []PairTest {
	rates := map[string][]float64{}
	for i := range runs {
		name := runs[i].Variant()
		rates[name] = append(rates[name], runs[i].TuplesPerSecond)
	}
	for i := range limits {
		rates[limits[i].Name] = append(rates[limits[i].Name], limits[i].TuplesPerSecond)
	}
	var tests []PairTest
	for j := range summaries {
		for i := range j {
			a, b := &summaries[j], &summaries[i]
			tests = append(tests, PairTest{
				A: a.Name, B: b.Name,
				Ratio: ratio(a.TuplesPerSecond.Median, b.TuplesPerSecond.Median),
				P:     MannWhitney(rates[a.Name], rates[b.Name]),
				Order: a.TuplesPerSecond.Compare(b.TuplesPerSecond),
			})
		}
	}
	return tests
}
