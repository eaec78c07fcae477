package bench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestMeasureCurve(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.Loads, c.Rates = []float64{0.01, 0.02}, []float64{2000}
	c.Bounds = []time.Duration{time.Nanosecond, time.Hour}
	s, err := MeasureCurve(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if s.Kind != KindCurve || len(s.Curves) != 1 || s.Spec.Workload != Latency {
		t.Fatalf("%+v", s)
	}
	curve := s.Curves[0]
	if curve.Mode != "optimized" || curve.Capacity <= 0 || len(curve.Points) < 3 {
		t.Errorf("%+v", curve)
	}
	if !slices.IsSortedFunc(curve.Points, func(a, b LatencyRun) int { return int(a.Rate - b.Rate) }) {
		t.Error("the points are not at rising rates")
	}
	for _, p := range curve.Points {
		if p.Load <= 0 || p.Latency.Count == 0 || p.ClosedLoop == nil || len(p.Spectrum) == 0 {
			t.Errorf("%+v", p)
		}
	}
	if len(curve.Sustained) != 2 || curve.Sustained[0].Rate != 0 {
		t.Errorf("within a nanosecond and an hour: %+v", curve.Sustained)
	}
}

func TestFixedRatesOfTheCapacity(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Rates, c.Loads, c.Repeat = []float64{3000}, []float64{0.01}, 2
	s, err := MeasureFixed(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Latency) != 6 {
		t.Fatalf("%d results of two runs at two rates", len(s.Latency))
	}
	for _, l := range s.Latency {
		if l.Load <= 0 || l.Achieved <= 0 || l.Relay == nil || l.Relay.Count == 0 || len(l.Heat) == 0 {
			t.Errorf("load %v, achieved %v, relay %+v, heat %v", l.Load, l.Achieved, l.Relay, l.Heat)
		}
	}
	if all := s.Latency[4]; all.Repeat != merged || all.Rate != 3000 || all.Relay.Count != 2*s.Latency[0].Relay.Count {
		t.Errorf("run %d at %v, relay %+v, of the first run %+v", all.Repeat, all.Rate, all.Relay, s.Latency[0].Relay)
	}
}

func TestCurveIsKeptWithAnError(t *testing.T) {
	leaktest.Check(t)
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := short()
	c.Loads = []float64{0.01, 0.02}
	c.Progress = func(line string) {
		if strings.Contains(line, "[5/") {
			cancel(stop)
		}
	}
	s, err := MeasureCurve(ctx, c)
	if err == nil || s == nil || s.Error == "" || len(s.Curves) != 1 || len(s.Curves[0].Points) != 1 {
		t.Errorf("%+v with %v", s, err)
	}
}

// at returns a point of a curve.
func at(rate, p99 float64) LatencyRun {
	return LatencyRun{Rate: rate, Achieved: rate, Latency: Quantiles{P99: p99, Count: 1000}}
}

func TestKnee(t *testing.T) {
	rejected := at(3, 50_000)
	rejected.Rejected = "the rate was not reached"
	for _, tc := range []struct {
		name   string
		points []LatencyRun
		want   float64
	}{
		{"nothing", nil, 0},
		{"one point", []LatencyRun{at(1, 1)}, 0},
		{"flat", []LatencyRun{at(1, 100), at(2, 101), at(3, 99)}, 0},
		{"proportional", []LatencyRun{at(1, 100), at(2, 200)}, 0},
		{"knee", []LatencyRun{at(1, 100), at(2, 110), at(3, 120), at(4, 400), at(5, 5000)}, 3},
		{"bump before", []LatencyRun{at(1, 100), at(2, 900), at(3, 120), at(4, 400)}, 3},
		{"rejected", []LatencyRun{at(1, 100), at(2, 110), rejected, at(4, 400)}, 2},
		{"rejected at the end", []LatencyRun{at(1, 100), at(2, 110), rejected}, 0},
	} {
		if got := knee(tc.points); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestBracket(t *testing.T) {
	missed := at(400, 1)
	missed.Achieved = 100
	curve := &Curve{Points: []LatencyRun{at(100, 900), at(200, 950), at(300, 4000), missed}}
	for _, tc := range []struct {
		bound     time.Duration
		low, high float64
	}{
		{time.Microsecond, 0, 100},
		{time.Millisecond, 200, 300},
		{time.Second, 300, 400},
	} {
		if low, high := curve.bracket(tc.bound); low != tc.low || high != tc.high {
			t.Errorf("%v: %v to %v, want %v to %v", tc.bound, low, high, tc.low, tc.high)
		}
	}
}

func TestSpectrum(t *testing.T) {
	if spectrum(newHistogram()) != nil {
		t.Error("nothing has a spectrum")
	}
	h := newHistogram()
	for i := range int64(100_000) {
		record(h, 1000*i)
	}
	points := spectrum(h)
	if first, last := points[0], points[len(points)-1]; first.Percentile != 0 || last.Percentile != 100 || last.Micros < 99_000 {
		t.Errorf("from %+v to %+v", first, last)
	}
	for i := 1; i < len(points); i++ {
		if points[i].Percentile <= points[i-1].Percentile || points[i].Micros < points[i-1].Micros {
			t.Errorf("%+v follows %+v", points[i], points[i-1])
		}
	}
	if over := shareOver(h, 89_999_999); over < 0.09 || over > 0.11 {
		t.Errorf("%v of the values are in the last tenth", over)
	}
}

func TestHeat(t *testing.T) {
	for nanos, want := range map[int64]int{
		-5: 0, 0: 0, 999: 0, 1000: 0, 1414: 0, 1415: 1, 1999: 1, 2000: 2, 2829: 3, 4000: 4, 1024_000: 20, longest: 51, 1 << 46: heatRows - 1,
	} {
		if got := heatRow(nanos); got != want {
			t.Errorf("%d ns in row %d, want %d", nanos, got, want)
		}
	}
	h := heat{width: 1000}
	h.add(5000, 500)
	h.add(5999, 2000)
	h.add(7000, 1500)
	h.add(1<<40, 0)
	columns := h.published()
	if len(columns) != 3 || columns[0].Second != 0 || !slices.Equal(columns[0].Counts, []uint64{1, 0, 1}) ||
		columns[1].Second != 2e-6 || !slices.Equal(columns[1].Counts, []uint64{0, 1}) {
		t.Errorf("%+v", columns)
	}
	sum := addHeat(columns[:2], columns[1:])
	if len(sum) != 3 || !slices.Equal(sum[1].Counts, []uint64{0, 2}) || !slices.Equal(sum[0].Counts, columns[0].Counts) {
		t.Errorf("%+v", sum)
	}
	if new(heat).published() != nil {
		t.Error("without a schedule something is counted")
	}
}

func TestRelayLatency(t *testing.T) {
	leaktest.Check(t)
	c := short().withDefaults(nil, nil)
	h, err := relayLatency(t.Context(), c, 10_000)
	if err != nil || h.TotalCount() != 400 {
		t.Errorf("%v, %v", h, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := relayLatency(ctx, c, 10_000); !errors.Is(err, context.Canceled) {
		t.Errorf("a relay that may not begin gives %v", err)
	}
}
