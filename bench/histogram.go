package bench

import (
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Range and precision of histograms of time, in nanoseconds.
const (
	shortest = 1
	longest  = int64(time.Minute)
	digits   = 3
)

func newHistogram() *hdr.Histogram { return hdr.New(shortest, longest, digits) }

// record adds a time in nanoseconds, brought into the histogram's range.
func record(h *hdr.Histogram, nanos int64) {
	_ = h.RecordValue(inRange(nanos)) // fails only out of range
}

// inRange brings a time into the range of histograms.
func inRange(nanos int64) int64 { return min(max(nanos, shortest), longest) }

// Quantiles are points of a distribution of times, in microseconds.
type Quantiles struct {
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99_9"`
	Max   float64 `json:"max"`
	Count int64   `json:"count"`
}

func quantiles(h *hdr.Histogram) Quantiles {
	micros := func(nanos int64) float64 { return float64(nanos) / 1e3 }
	return Quantiles{
		P50: micros(h.ValueAtQuantile(50)), P90: micros(h.ValueAtQuantile(90)),
		P99: micros(h.ValueAtQuantile(99)), P999: micros(h.ValueAtQuantile(99.9)),
		Max: micros(h.Max()), Count: h.TotalCount(),
	}
}

// mergeHistograms decodes what tasks published under a name, want of them, and adds it up.
func mergeHistograms(p published, name string, want int) (*hdr.Histogram, error) {
	if have := len(p[name]); have != want {
		return nil, fmt.Errorf("bench: %d of %d tasks published the histogram %q; published are %s", have, want, name, publishedNames(p))
	}
	sum := newHistogram()
	for task, data := range p[name] {
		h, err := hdr.Decode(data)
		if err != nil {
			return nil, fmt.Errorf("bench: histogram %q of task %d: %w", name, task, err)
		}
		if dropped := sum.Merge(h); dropped > 0 {
			return nil, fmt.Errorf("bench: histogram %q of task %d has another range", name, task)
		}
	}
	return sum, nil
}

// spectrum returns the distribution at percentiles that lie the denser the
// nearer they are to 100: five in the lower half, five in the half of what is
// left, and so on, as far as there are values to tell them apart, and 100.
func spectrum(h *hdr.Histogram) []SpectrumPoint {
	const perHalf = 5
	if h.TotalCount() == 0 {
		return nil
	}
	var points []SpectrumPoint
	add := func(percentile float64) {
		points = append(points, SpectrumPoint{Percentile: percentile, Micros: float64(h.ValueAtQuantile(percentile)) / 1e3})
	}
	for left := 100.0; left/100*float64(h.TotalCount()) >= 1; left /= 2 {
		for k := range perHalf {
			add(100 - left + float64(k)*left/(2*perHalf))
		}
	}
	add(100)
	return points
}

// shareOver returns the share of values beyond a number of nanoseconds.
func shareOver(h *hdr.Histogram, nanos int64) float64 {
	var over int64
	for _, bar := range h.Distribution() {
		if bar.From > nanos {
			over += bar.Count
		}
	}
	return ratio(float64(over), float64(h.TotalCount()))
}
