package dataplane

import (
	"errors"
	"fmt"
)

// Faults of frames, wrapped in a *wire.FrameError and named to the sender.
var (
	ErrUnexpected = errors.New("dataplane: frame is not allowed on this link now")
	ErrSource     = errors.New("dataplane: frame names a source that is not the sender's")
	ErrStream     = errors.New("dataplane: frame names a stream that its source does not have")
	ErrDest       = errors.New("dataplane: frame names a destination that does not take it")
	ErrCodec      = errors.New("dataplane: frame is compressed, which this version does not write")
	ErrCredit     = errors.New("dataplane: frame was sent without credit")
	ErrGrant      = errors.New("dataplane: credit is granted for more than was sent")
	ErrUnread     = errors.New("dataplane: answers are asked for and not read")
)

// EpochError says that a frame or hello belongs to another physical plan.
type EpochError struct{ Have, Want uint32 }

// Error names the epoch that was refused. It goes out to the other side, which
// may be a stranger: it does not tell what would have been accepted.
func (e *EpochError) Error() string {
	return fmt.Sprintf("dataplane: frame or hello of plan epoch %d, which is not the current one", e.Have)
}

// HelloError says why a link was refused.
type HelloError struct{ Reason string }

// Error gives the reason.
func (e *HelloError) Error() string { return "dataplane: hello refused: " + e.Reason }

// DurableModeError says that a topology with durable streams was to run in a mode that decodes tuples.
type DurableModeError struct{ Mode Mode }

// Error names the mode and those that will do.
func (e *DurableModeError) Error() string {
	return fmt.Sprintf("dataplane: mode %v appends nothing to logs, and the topology has durable streams: use optimized, with or without switches", e.Mode)
}

// LogError says that a log cannot be appended to any more, and what the run would promise without it.
type LogError struct {
	Log string
	Err error
}

// Error names the log and the cause.
func (e *LogError) Error() string { return fmt.Sprintf("dataplane: log %s: %v", e.Log, e.Err) }

// Unwrap returns the cause.
func (e *LogError) Unwrap() error { return e.Err }
