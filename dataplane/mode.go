package dataplane

import (
	"fmt"
	"slices"
	"strings"
)

// Mode says how a stream manager forwards, so that designs can be compared on
// the same bytes. The zero Mode is not valid; see ParseMode.
type Mode struct {
	name string

	// Optimized forwards serialized records without decoding them.
	Optimized bool
	// Unbatched sends every tuple in a frame of its own.
	Unbatched bool
	// Pool, InPlace and Lazy are the optimizations published for Heron in 2017:
	// protobuf objects are reused, tuples are updated instead of cloned, and
	// batches from other stream managers pass without being decoded.
	Pool, InPlace, Lazy bool

	// Of an optimized mode, what is turned off; see Switches.
	switchesOff
}

// Modes lists the names that ParseMode knows, without combinations and switches.
var Modes = []string{"naive", "naive-unbatched", "heron2017", "optimized"}

// ParseMode returns the mode of a name: one of Modes, "naive" with any of
// "+pool", "+inplace" and "+lazy" behind it, or "optimized" with any of Switches
// turned off, as in "optimized-hash-writev". heron2017 is all three of naive's.
// The error is a *ModeError.
func ParseMode(name string) (Mode, error) {
	m := Mode{name: name}
	if off, ok := strings.CutPrefix(name, "optimized-"); ok {
		m.Optimized = true
		if !m.switchOff(off) {
			return Mode{}, &ModeError{Name: name}
		}
		return m, nil
	}
	base, rest, _ := strings.Cut(name, "+")
	switch base {
	case "optimized":
		m.Optimized = true
	case "heron2017":
		m.Pool, m.InPlace, m.Lazy = true, true, true
	case "naive-unbatched":
		m.Unbatched = true
	case "naive":
	default:
		return Mode{}, &ModeError{Name: name}
	}
	if rest == "" {
		if strings.HasSuffix(name, "+") {
			return Mode{}, &ModeError{Name: name}
		}
		return m, nil
	}
	if base != "naive" {
		return Mode{}, &ModeError{Name: name}
	}
	for s := range strings.SplitSeq(rest, "+") {
		switch s {
		case "pool":
			m.Pool = true
		case "inplace":
			m.InPlace = true
		case "lazy":
			m.Lazy = true
		default:
			return Mode{}, &ModeError{Name: name}
		}
	}
	return m, nil
}

// String returns the name that the mode was parsed from.
func (m Mode) String() string { return m.name }

// ModeError says that there is no mode of that name.
type ModeError struct{ Name string }

// Error lists the names that there are.
func (e *ModeError) Error() string {
	names := slices.Clone(Modes)
	return fmt.Sprintf("dataplane: no mode %q: use one of %s, naive with +pool, +inplace or +lazy, or optimized with %s",
		e.Name, strings.Join(names, ", "), strings.Join(switchNames(), ", "))
}
