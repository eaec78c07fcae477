package bench

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ardea-stream/ardea/topology"
)

// Guarantee is what a topology promises about its tuples, by the name that
// package topology gives it.
type Guarantee string

// The guarantees.
const (
	AtMostOnce  Guarantee = "at-most-once"
	AtLeastOnce Guarantee = "at-least-once"
)

// Guarantees returns all of them, the weakest first.
func Guarantees() []Guarantee { return []Guarantee{AtMostOnce, AtLeastOnce} }

// Tracked reports whether tuples are tracked, so that there are acks. Of none,
// which means AtMostOnce, it is false.
func (g Guarantee) Tracked() bool { return g != "" && g != AtMostOnce }

// behindMode stands behind the mode in the name of a variant whose tuples are tracked.
const behindMode = " acks"

// Variant names a mode with a guarantee: the mode alone if nothing is tracked.
func Variant(mode string, g Guarantee) string {
	if g.Tracked() {
		return mode + behindMode
	}
	return mode
}

// Variant names the mode and the guarantee of the run.
func (r *Run) Variant() string { return Variant(r.Mode, r.Guarantee) }

// Variant names the mode and the guarantee of the run.
func (l *LatencyRun) Variant() string { return Variant(l.Mode, l.Guarantee) }

// Variant names the mode and the guarantee of the curve.
func (c *Curve) Variant() string { return Variant(c.Mode, c.Guarantee) }

// setting is what is compared with others: a mode with a guarantee.
type setting struct {
	mode      string
	guarantee Guarantee
}

func (s setting) String() string { return Variant(s.mode, s.guarantee) }

// settings returns every mode with every guarantee. Those of one mode follow
// each other, so that what changes on the machine changes little between them.
func (c Config) settings() []setting {
	var all []setting
	for _, mode := range c.Modes {
		for _, g := range c.Guarantees {
			all = append(all, setting{mode, g})
		}
	}
	return all
}

// promise returns the guarantee of s.
func (s Spec) promise() Guarantee {
	if s.Guarantee == "" {
		return AtMostOnce
	}
	return s.Guarantee
}

// promising returns s with a guarantee.
func (s Spec) promising(g Guarantee) Spec {
	if s.Guarantee = g; !g.Tracked() {
		s.Guarantee, s.Pending = "", 0
	}
	return s
}

// validateGuarantees returns what is wrong with several; of one, Spec.Validate says it.
func (c Config) validateGuarantees() error {
	var faults []error
	for i, g := range c.Guarantees {
		switch {
		case slices.Contains(c.Guarantees[:i], g):
			faults = append(faults, fmt.Errorf("bench: %s is named twice: once is enough, Repeat makes more runs", g))
		case len(c.Guarantees) > 1 && !slices.Contains(Guarantees(), g):
			faults = append(faults, fmt.Errorf("bench: no guarantee %q: use %s or %s", g, AtMostOnce, AtLeastOnce))
		}
	}
	return errors.Join(faults...)
}

// strictest returns s with the first of some guarantees that tracks tuples, so
// that what only such a one has can be checked.
func (s Spec) strictest(all []Guarantee) Spec {
	if i := slices.IndexFunc(all, Guarantee.Tracked); i >= 0 {
		return s.promising(all[i])
	}
	return s
}

// builder begins the workload's topology, with its guarantee. That is one of
// Guarantees, since s is valid.
func (s Spec) builder() *topology.Builder {
	g, _ := topology.ParseGuarantee(string(s.promise()))
	return topology.NewBuilder(s.Workload).Deliver(topology.Delivery{Guarantee: g, MaxPending: s.Pending})
}
