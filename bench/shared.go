package bench

// IsSteady reports whether throughput, of windows one after the other, has stopped to rise and to fall, as runs of this
// package have it before they are measured.
func IsSteady(history []float64) bool { return isSteady(history) }

// QuantilesOf returns points of a distribution that is given as pairs of a time in nanoseconds and how often it was.
func QuantilesOf(bars [][2]int64) Quantiles {
	h := newHistogram()
	for _, b := range bars {
		_ = h.RecordValues(inRange(b[0]), b[1]) // fails only out of range
	}
	return quantiles(h)
}

// MergeBars adds up distributions as QuantilesOf takes them.
func MergeBars(all ...[][2]int64) [][2]int64 {
	h := newHistogram()
	for _, bars := range all {
		for _, b := range bars {
			_ = h.RecordValues(inRange(b[0]), b[1]) // fails only out of range
		}
	}
	var sum [][2]int64
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			sum = append(sum, [2]int64{bar.To, bar.Count})
		}
	}
	return sum
}

// Amount writes a number with three digits or so: 950, 12.3 k, 4.56 M.
func Amount(n float64) string { return amount(n) }

// Micros writes a time in microseconds with its unit.
func Micros(n float64) string { return micros(n) }

// RefreshBetween returns a Markdown text in which fresh stands between two lines, each of which must be there once. Nothing
// else is changed. The error is ErrNoMarks.
func RefreshBetween(text []byte, begin, end, fresh string) ([]byte, error) {
	return refresh(text, &Suite{}, begin, end, func() (string, error) { return fresh, nil })
}
