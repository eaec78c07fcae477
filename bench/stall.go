package bench

import (
	"context"
	"fmt"
	"time"
)

const (
	// stallTries is how many runs must have stalled, one after the other, before
	// the engine is blamed: a host that takes the processors away does it to one
	// run and not to the relay beside it now and then, hardly five times in a row.
	stallTries = 5
	// quickMedian is the median up to which the tuples that took long are the
	// exception: above it the mode is loaded to its limit and has queues.
	quickMedian = stallBound / 4
)

// StallError says that a mode delays some of its tuples, in every run, while
// most are quick and neither the pacer nor a relay without an engine is late.
type StallError struct {
	Mode string  // and guarantee, see Variant
	Rate float64 // tuples a second
	Runs int     // all of which stalled
	Text string  // what was seen in the last one
}

// Error names mode and rate and says what was seen.
func (e *StallError) Error() string {
	return fmt.Sprintf("bench: %s at %s tuples/s stalled in each of %d runs: %s", e.Mode, amount(e.Rate), e.Runs, e.Text)
}

// stalls looks at the points of fixed rate that stalled in all of their runs.
// Where those are few it makes more, and it returns a *StallError when they
// stall as well.
func (f *fixed) stalls(ctx context.Context) error {
	for _, at := range f.points()[:len(f.c.Rates)*len(f.c.settings())] {
		for f.stalled(at) && len(f.all[at]) < stallTries {
			f.p.of += 2
			if err := f.measureOnce(ctx, at, len(f.all[at])+1); err != nil {
				return err
			}
		}
		if f.stalled(at) {
			runs := f.all[at]
			return &StallError{Mode: at.String(), Rate: at.rate, Runs: len(runs), Text: runs[len(runs)-1].run.Stalled}
		}
	}
	return nil
}

// stalled reports whether each run of a point stalled with no other reason than
// the engine. What other programs took from a run, they need not have taken from
// the relay, which ran at another time.
func (f *fixed) stalled(at point) bool {
	for _, m := range f.all[at] {
		if r := &m.run; r.Stalled == "" || r.Rejected != "" || r.OthersShare > noisyOthers || r.Latency.P50 > float64(quickMedian/time.Microsecond) {
			return false
		}
	}
	return len(f.all[at]) > 0
}
