package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Later says that a section was measured apart from the rest of its suite.
type Later struct {
	Command string    `json:"command"` // what was typed
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"` // wall time of all that was measured then
}

// ErrOtherMachine says that two suites are not of the same machine, so that their sections must not stand side by side.
var ErrOtherMachine = errors.New("bench: measured on another machine")

// With returns the suite with the sections of a later one in place of its own of
// the same names, and behind them those that it does not have. Each says that it was measured later. The
// result is partial if either is. The error is ErrOtherMachine.
func (s *Suite) With(later *Suite) (*Suite, error) {
	if a, b := s.Machine, later.Machine; a.CPU != b.CPU || a.Cores != b.Cores || a.OS != b.OS || a.Arch != b.Arch {
		return nil, fmt.Errorf("%w: %s Now %s", ErrOtherMachine, a, b)
	}
	sum := *s
	sum.Sections = slices.Clone(s.Sections)
	if later.Partial != "" {
		sum.Partial = later.Partial
	}
	for _, t := range later.Sections {
		t.Later = &Later{Command: later.Command, Started: later.Started, Seconds: later.Seconds}
		i := slices.IndexFunc(sum.Sections, func(old Section) bool { return old.Name == t.Name })
		if i < 0 {
			sum.Sections = append(sum.Sections, t)
		} else {
			sum.Sections[i] = t
		}
	}
	return &sum, nil
}

// LaterText says which sections were measured later and how, a sentence for each measurement, empty if none was.
func (s *Suite) LaterText() string {
	var all []*Later
	names := map[time.Time][]string{}
	for i := range s.Sections {
		if l := s.Sections[i].Later; l != nil {
			if names[l.Started] == nil {
				all = append(all, l)
			}
			names[l.Started] = append(names[l.Started], s.Sections[i].Name)
		}
	}
	var text []string
	for _, l := range all {
		text = append(text, fmt.Sprintf("Measured apart on %s by %q: %s.",
			l.Started.UTC().Format("2 January 2006, 15:04 MST"), l.Command, strings.Join(names[l.Started], ", ")))
	}
	return strings.Join(text, " ")
}
