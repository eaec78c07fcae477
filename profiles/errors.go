package profiles

import (
	"errors"
	"fmt"
)

// What Read finds wrong with its input. All say what to do about it.
var (
	// ErrEmpty is for an input without a single byte.
	ErrEmpty = errors.New("profiles: the profile is empty: its process was killed before it had written it; take it again")
	// ErrNotProfile is for an input that is something else.
	ErrNotProfile = errors.New("profiles: this is no pprof profile: give a file that runtime/pprof or ardea profile has written")
	// ErrTruncated is for a compressed profile whose end is missing or damaged.
	ErrTruncated = errors.New("profiles: the profile is cut off or damaged: its process was killed while it wrote it, or the copy is not complete; take it again")
	// ErrTooLarge is for an input of more than MaxBytes.
	ErrTooLarge = errors.New("profiles: the profile is too large: take it for a shorter time")
	// ErrNotCPU is for a profile of another kind, such as heap or mutex, and for a difference of two profiles.
	ErrNotCPU = errors.New("profiles: this is no CPU profile: give one of CPU time, in nanoseconds that are not negative")
	// ErrNoSamples is for profiles in which nothing ran.
	ErrNoSamples = errors.New("profiles: the profiles hold no samples: take them for longer, or while the topology is busy")
)

// RuleError is a line of a rule file that cannot be used.
type RuleError struct {
	Line   int    // from 1
	Reason string // what is wrong, and what to write instead
}

// Error implements error.
func (e *RuleError) Error() string {
	return fmt.Sprintf("profiles: rule file, line %d: %s", e.Line, e.Reason)
}

// CheckError is a summary that is not good enough to be shown.
type CheckError struct {
	Variant string
	Role    string
	Reason  string
}

// Error implements error.
func (e *CheckError) Error() string {
	return fmt.Sprintf("profiles: %s of %s: %s", e.Role, e.Variant, e.Reason)
}
