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
	_ = h.RecordValue(min(max(nanos, shortest), longest)) // fails only out of range
}

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
