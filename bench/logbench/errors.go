package logbench

import (
	"errors"
	"fmt"
)

// ErrCheck is the class of CheckError.
var ErrCheck = errors.New("logbench: what was read back is not what was acknowledged")

// CheckError says that what was read back is not what was written and acknowledged.
type CheckError struct {
	Where string // the run
	What  string // is wrong
}

// Error says where and what.
func (e *CheckError) Error() string { return fmt.Sprintf("check failed: %s: %s", e.Where, e.What) }

// Unwrap returns ErrCheck.
func (e *CheckError) Unwrap() error { return ErrCheck }

// SpaceError says that the disk has not enough room for what was asked.
type SpaceError struct {
	Dir        string
	Need, Free int64 // bytes
}

// Error says how much is needed and what to do.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("%s has %s free, this needs %s: name a folder on a larger disk, or ask for fewer figures or bytes",
		e.Dir, size(e.Free), size(e.Need))
}
