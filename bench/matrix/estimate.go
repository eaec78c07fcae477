package matrix

import (
	"time"

	"github.com/ardea-stream/ardea/bench"
)

// What estimates reckon with.
const (
	// Starting, draining and stopping.
	perRun = 700 * time.Millisecond
	// System calls are counted for that long, or as long as the run is measured, at saturation.
	syscalls = 500 * time.Millisecond
	// A warm-up ends when throughput is steady, at the earliest after a bit more than a third.
	warmUpShare = 0.75
	// Rates that a curve tries to find the highest one that holds a bound.
	curveSearch = 3
)

// Estimate returns about how long the section takes.
func (s *Section) Estimate() time.Duration {
	c := &s.Config
	fast, paced := s.runs()
	saturated := c.Duration + time.Duration(warmUpShare*float64(c.WarmUp)) + min(c.Duration, syscalls) + perRun
	atRate := c.Duration + c.WarmUp + perRun // whose warm-up is a number of tuples
	return time.Duration(fast)*saturated + time.Duration(paced)*atRate
}

// runs returns how many runs are as fast as possible, and how many at a rate.
func (s *Section) runs() (fast, paced int) {
	c := &s.Config
	modes := len(c.Modes) * max(1, len(c.Guarantees))
	switch s.Kind {
	case bench.KindThroughput:
		limits := len(c.Limits)
		if c.Limits == nil {
			limits = 1
		}
		fast = c.Repeat * (modes + limits)
		if s.Profiles {
			fast += modes
		}
	case bench.KindLatency:
		if len(c.Loads) > 0 {
			fast = modes
		}
		// The relay runs once at a rate, and at a load, whose rate is that of a mode with a guarantee, once for each.
		paced = c.Repeat * ((modes+1)*len(c.Rates) + 2*modes*len(c.Loads))
	case bench.KindCurve:
		loads := len(c.Loads)
		if c.Loads == nil {
			loads = len(bench.DefaultLoads())
		}
		bounds := len(c.Bounds)
		if c.Bounds == nil {
			bounds = len(bench.DefaultBounds())
		}
		fast, paced = modes, modes*(2*(len(c.Rates)+loads)+curveSearch*bounds)
	case bench.KindAblation:
		fast = bench.AblationRuns(*c)
	}
	return fast, paced
}
