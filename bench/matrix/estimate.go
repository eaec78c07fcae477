package matrix

import (
	"time"

	"github.com/ardea-stream/ardea/bench"
)

// What estimates reckon with.
const (
	// Starting, counting system calls, draining and stopping.
	perRun = 1200 * time.Millisecond
	// A warm-up ends when throughput is steady, at the earliest after a bit more than a third.
	warmUpShare = 0.7
)

// Estimate returns about how long the section takes.
func (s *Section) Estimate() time.Duration {
	c := &s.Config
	fast, paced := s.runs()
	// The warm-up of a run at a rate is a number of tuples.
	return time.Duration(fast)*(c.Duration+time.Duration(warmUpShare*float64(c.WarmUp))+perRun) +
		time.Duration(paced)*(c.Duration+c.WarmUp+perRun)
}

// runs returns how many runs are as fast as possible, and how many at a rate.
func (s *Section) runs() (fast, paced int) {
	c := &s.Config
	modes := len(c.Modes)
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
		paced = c.Repeat * modes * (len(c.Rates) + len(c.Loads))
	case bench.KindCurve:
		loads := len(c.Loads)
		if c.Loads == nil {
			loads = len(bench.DefaultLoads())
		}
		fast, paced = modes, modes*(len(c.Rates)+loads)
	case bench.KindAblation:
		fast = bench.AblationRuns(*c)
	}
	return fast, paced
}
