package crash

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/local"
)

// The bounds of recovery, held only by -strict.
const (
	instanceBound = time.Second
	managerBound  = 2 * time.Second
	dipBound      = 0.05
)

// tally is what all runs with kills came to.
type tally struct {
	verdict

	all      []recovery
	dips     []float64
	timedOut int64
}

var summary tally

func (s *tally) kills() int { return len(s.all) }

// times returns the recovery times of a role, of all kills or of those that no other kill disturbed.
func (s *tally) times(role local.Role, apart bool) (times []time.Duration) {
	for _, r := range s.all {
		if r.role == role && r.took > 0 && (r.apart || !apart) {
			times = append(times, r.took)
		}
	}
	return times
}

func (s *tally) count(role local.Role) (n int) {
	for _, r := range s.all {
		if r.role == role {
			n++
		}
	}
	return n
}

// String prints everything.
func (s *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "kills: %d instances, %d stream managers\n", s.count(local.RoleInstance), s.count(local.RoleManager))
	fmt.Fprintf(&b, "tuples: %d emitted, %d acked, %d reported failed, %d lost, %d invented\n", s.emitted, s.acked, s.failed, s.lost, s.invented)
	fmt.Fprintf(&b, "duplicates: %d of %d arrivals, %.3f %%\n", s.duplicates, s.arrivals, 100*float64(s.duplicates)/float64(max(1, s.arrivals)))
	fmt.Fprintf(&b, "found by the message timeout only: %d\n", s.timedOut)
	for _, role := range []local.Role{local.RoleInstance, local.RoleManager} {
		fmt.Fprintf(&b, "recovery of %ss: %s; when nothing else was down: %s\n", role, spread(s.times(role, false)), spread(s.times(role, true)))
	}
	if n := len(s.dips); n > 0 {
		sum := 0.0
		for _, d := range s.dips {
			sum += d
		}
		fmt.Fprintf(&b, "untouched branch in the %v after a kill: mean dip %.1f %%, worst %.1f %%, of %d\n",
			dipWindow, 100*sum/float64(n), 100*slices.Max(s.dips), n)
	}
	for _, note := range s.exceeded() {
		fmt.Fprintln(&b, "NOTE:", note)
	}
	return b.String()
}

// exceeded says which bounds were not kept.
func (s *tally) exceeded() (notes []string) {
	for _, c := range []struct {
		role  local.Role
		bound time.Duration
	}{{local.RoleInstance, instanceBound}, {local.RoleManager, managerBound}} {
		times := s.times(c.role, false)
		slices.Sort(times)
		if len(times) > 0 && quantile(times, 0.99) > c.bound {
			notes = append(notes, fmt.Sprintf("p99 of the recovery of %ss is %v, more than %v", c.role, quantile(times, 0.99).Round(time.Millisecond), c.bound))
		}
	}
	sum := 0.0
	for _, d := range s.dips {
		sum += d
	}
	if n := len(s.dips); n > 0 && sum/float64(n) > dipBound {
		notes = append(notes, fmt.Sprintf("an untouched branch lost %.1f %% of its throughput, more than %.0f %%", 100*sum/float64(n), 100*dipBound))
	}
	return notes
}

// include adds a run.
func (s *tally) include(v verdict, all []recovery, dips []float64, timedOut int64) {
	s.add(v)
	s.all = append(s.all, all...)
	s.dips = append(s.dips, dips...)
	s.timedOut += timedOut
}
