package capture

import (
	"errors"
	"fmt"
)

var (
	// ErrNoKinds says that no kind of profile was asked for.
	ErrNoKinds = errors.New("capture: no kind of profile is asked for: name one")
	// ErrBusy says that this process is being recorded already.
	ErrBusy = errors.New("capture: this process is being recorded already: wait for the end of that")
)

// KindFault says that one kind could not be recorded or written.
type KindFault struct {
	Kind Kind
	Err  error
}

// Error names the kind and the cause.
func (e *KindFault) Error() string { return fmt.Sprintf("capture: %s profile: %v", e.Kind, e.Err) }

// Unwrap returns the cause.
func (e *KindFault) Unwrap() error { return e.Err }
