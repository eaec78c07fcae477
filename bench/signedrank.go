package bench

import (
	"cmp"
	"math"
	"slices"
)

// SignedRank returns the two-sided p-value of Wilcoxon's signed-rank test: how
// likely differences of pairs would be at least as one-sided if each was as
// likely above zero as below. It is exact, with ties too: it counts all 2^n ways
// to give the ranks their signs, ties having the mean of theirs. Differences of
// zero are left out; of no others it is 1. The time grows with n^3: 0.1 s of 400.
//
// The test is from F. Wilcoxon, Individual Comparisons by Ranking Methods,
// Biometrics Bulletin 1 (1945), the count from M. Hollander and D. A. Wolfe,
// Nonparametric Statistical Methods (1973), section 3.1.
func SignedRank(differences []float64) float64 {
	values := slices.DeleteFunc(slices.Clone(differences), func(d float64) bool { return d == 0 })
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	n := len(values)
	// Twice the ranks, which are whole numbers with ties too.
	ranks, above := make([]int, n), 0
	for i := 0; i < n; {
		end := i
		for end < n && math.Abs(values[end]) == math.Abs(values[i]) {
			end++
		}
		for k := i; k < end; k++ {
			ranks[k] = i + 1 + end
			if values[k] > 0 {
				above += ranks[k]
			}
		}
		i = end
	}
	least := min(above, n*(n+1)-above)
	return min(1, 2*signTail(ranks, least))
}

// signTail returns the probability that those of ranks that a coin picks sum up to at most most.
func signTail(ranks []int, most int) float64 {
	chance := make([]float64, most+1) // of each sum
	chance[0] = 1
	for _, r := range ranks {
		for sum := most; sum >= 0; sum-- {
			chance[sum] /= 2
			if sum >= r {
				chance[sum] += chance[sum-r] / 2
			}
		}
	}
	var tail float64
	for _, p := range chance {
		tail += p
	}
	return tail
}
