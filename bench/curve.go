package bench

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/local"
)

// The search for the highest rate that holds a bound ends after searchSteps
// runs, or when the rate is known to within searchShare.
const (
	searchSteps = 4
	searchShare = 0.05
	// searchDown is the factor by which the search goes down while no rate is known that holds the bound.
	searchDown = 4
)

// MeasureCurve measures the capacity of each mode (nil means the default one)
// with each guarantee, then the latency at rising shares of it, see Config.Loads,
// and at Config.Rates, and looks for the highest rates that hold Config.Bounds.
// Repeat is not used. Results and errors are as in MeasureFixed.
func MeasureCurve(ctx context.Context, c Config) (*Section, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{local.DefaultMode}, nil)
	if c.Loads == nil {
		c.Loads = DefaultLoads()
	}
	s := c.section(KindCurve, c.saturated(c.Workload.promise()))
	p := &steps{progress: c.Progress, of: len(c.settings()) * (1 + len(c.Loads) + len(c.Rates))}
	for _, of := range c.settings() {
		curve, err := measureCurve(ctx, c, p, of)
		if curve.Capacity > 0 {
			s.Curves = append(s.Curves, curve)
		}
		if err != nil {
			s.Error = err.Error()
			return s, err
		}
	}
	return s, nil
}

// measureCurve measures the curve of one mode with one guarantee, as far as it comes.
func measureCurve(ctx context.Context, c Config, p *steps, of setting) (curve Curve, err error) {
	curve.Mode, curve.Guarantee = of.mode, of.guarantee
	if curve.Capacity, err = measureCapacity(ctx, c, p, of); err != nil {
		return curve, err
	}
	rates := slices.Clone(c.Rates)
	for _, load := range c.Loads {
		rates = append(rates, loadRate(load, curve.Capacity))
	}
	slices.Sort(rates)
	for _, rate := range slices.Compact(rates) {
		relay := &relayMeasure{}
		if err := relay.measure(ctx, c, p, rate); err != nil {
			return curve, err
		}
		if err := curve.measure(ctx, c, p, rate, relay); err != nil {
			return curve, err
		}
	}
	curve.Knee = knee(curve.Points)
	for _, bound := range c.Bounds {
		rate, err := curve.search(ctx, c, p, bound)
		if err != nil {
			return curve, err
		}
		curve.Sustained = append(curve.Sustained, Sustained{P99Micros: float64(bound.Nanoseconds()) / 1e3, Rate: rate})
	}
	return curve, nil
}

// measure adds a point. relay may be nil.
func (curve *Curve) measure(ctx context.Context, c Config, p *steps, rate float64, relay *relayMeasure) error {
	p.next("%s at %s tuples/s", curve.Variant(), amount(rate))
	of := setting{curve.Mode, curve.Guarantee}
	m, err := runLatency(ctx, c, point{setting: of, rate: rate, load: ratio(rate, curve.Capacity)}, 1)
	if err != nil {
		return err
	}
	if relay != nil {
		m.judge(relay.last)
	}
	p.say("%s", m.run.line())
	curve.Points = append(curve.Points, m.run)
	slices.SortStableFunc(curve.Points, func(a, b LatencyRun) int { return int(math.Copysign(1, a.Rate-b.Rate)) })
	return nil
}

// search looks for the highest rate at which the 99th percentile stays within a
// bound, by bisection between the points that there are. What it measures
// becomes points too, in runs of half the length. It returns 0 if no rate does.
func (curve *Curve) search(ctx context.Context, c Config, p *steps, bound time.Duration) (float64, error) {
	c.Duration = max(c.Duration/2, leastDuration)
	for range searchSteps {
		low, high := curve.bracket(bound)
		rate := math.Sqrt(low * high)
		switch {
		case high == 0 || low > 0 && high-low <= searchShare*high:
			return low, nil
		case low == 0:
			rate = high / searchDown
		}
		if rate < 1 || rate*c.Duration.Seconds() < 1 {
			return low, nil
		}
		p.of++
		if err := curve.measure(ctx, c, p, rate, nil); err != nil {
			return 0, err
		}
	}
	low, _ := curve.bracket(bound)
	return low, nil
}

// bracket returns the highest rate such that it and all lower points hold a
// bound, 0 if the lowest does not, and the next point, 0 if all hold it.
func (curve *Curve) bracket(bound time.Duration) (low, high float64) {
	for i := range curve.Points {
		l := &curve.Points[i]
		if !l.holds(bound) {
			return low, l.Rate
		}
		low = l.Rate
	}
	return low, 0
}

// holds reports whether the 99th percentile is within a bound at the rate that
// was asked for. A late pacer makes latencies longer, not shorter.
func (l *LatencyRun) holds(bound time.Duration) bool {
	return l.Latency.P99 <= float64(bound.Nanoseconds())/1e3 && l.reached(1)
}

// knee returns the lowest rate from which on latency rises faster than load: at
// every later point the 99th percentile has grown by a greater factor than the
// rate. It is 0 if there is none. The last point cannot be one, and points that
// do not count are left out.
func knee(all []LatencyRun) float64 {
	var points []LatencyRun
	for i := range all {
		if all[i].Rejected == "" {
			points = append(points, all[i])
		}
	}
	for i := range points {
		if i+1 < len(points) && risesFrom(points[i:]) {
			return points[i].Rate
		}
	}
	return 0
}

// risesFrom reports whether latency rises faster than load from the first point to every later one.
func risesFrom(points []LatencyRun) bool {
	first := &points[0]
	for i := range points[1:] {
		p := &points[i+1]
		if p.Latency.P99/first.Latency.P99 <= p.Rate/first.Rate {
			return false
		}
	}
	return true
}
