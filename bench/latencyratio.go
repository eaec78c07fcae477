package bench

import "fmt"

// LatencyRatio is how the latency of a mode stands to that of naive at the same rate with the same guarantee.
type LatencyRatio struct {
	Mode       string
	Guarantee  Guarantee
	Containers int
	Rate       float64 // tuples a second
	P50, P99   float64 // over those of naive, below 1 if the mode is faster
}

// LatencyRatios compares every mode with naive where both were measured at the
// same rate with the same guarantee and both count: the merged runs or, where
// there is one run of each, those. There are too few runs to test, so the ratios
// claim nothing.
func LatencyRatios(runs []LatencyRun) []LatencyRatio {
	stands := func(l *LatencyRun) bool {
		if l.Rejected != "" || l.Latency.P50 <= 0 || l.Latency.P99 <= 0 {
			return false
		}
		for i := range runs {
			o := &runs[i]
			if o.Repeat == merged && l.Repeat != merged && o.Variant() == l.Variant() && o.Rate == l.Rate && o.Containers == l.Containers {
				return false
			}
		}
		return true
	}
	var ratios []LatencyRatio
	for i := range runs {
		l := &runs[i]
		if l.Mode == naive || !stands(l) {
			continue
		}
		for k := range runs {
			if base := &runs[k]; base.Variant() == Variant(naive, l.Guarantee) && base.Rate == l.Rate && base.Containers == l.Containers && stands(base) {
				ratios = append(ratios, LatencyRatio{
					Mode: l.Mode, Guarantee: l.Guarantee, Containers: l.Containers, Rate: l.Rate,
					P50: l.Latency.P50 / base.Latency.P50, P99: l.Latency.P99 / base.Latency.P99,
				})
				break
			}
		}
	}
	return ratios
}

// String tells of the ratio in a sentence.
func (r LatencyRatio) String() string {
	return fmt.Sprintf("%s over %s at %s tuples/s: p50 %.2fx, p99 %.2fx.", Variant(r.Mode, r.Guarantee), Variant(naive, r.Guarantee), amount(r.Rate), r.P50, r.P99)
}
