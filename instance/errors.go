package instance

import (
	"errors"
	"fmt"

	"github.com/ardea-stream/ardea/wire"
)

// Errors of an instance and of its link. Those about a frame come wrapped in a
// *ProtocolError and a *wire.FrameError.
var (
	ErrConfig     = errors.New("instance: configuration is not valid")
	ErrStarted    = errors.New("instance: Run was called before")
	ErrNil        = errors.New("instance: constructor returned nil")
	ErrEpoch      = errors.New("instance: frame of another plan epoch")
	ErrUnexpected = errors.New("instance: frame is not allowed here")
	ErrRoute      = errors.New("instance: stream, source or destination is not one of the task's")
	ErrCodec      = errors.New("instance: compressed batches are not supported")
	ErrAhead      = errors.New("instance: stream manager sends beyond its window")
	ErrEnded      = errors.New("instance: data behind the end of its stream")
)

// TaskError is a failure of user code that ended the task, or one that was
// reported while the task went on.
type TaskError struct {
	Component string
	Task      uint32
	Op        string // what was called: New, Open, Seek, Next, Replay, Ack, Fail, Execute, Tick, Finish or Close
	Err       error  // what it returned, or a *PanicError
	Stack     string // of a panic, else empty
}

// Error names component, task and call.
func (e *TaskError) Error() string {
	return fmt.Sprintf("instance: component %s task %d: %s: %v", e.Component, e.Task, e.Op, e.Err)
}

// Unwrap returns what the user's code returned.
func (e *TaskError) Unwrap() error { return e.Err }

// Detail returns the error and, below it, the stack of a panic.
func (e *TaskError) Detail() string {
	if e.Stack == "" {
		return e.Error()
	}
	return e.Error() + "\n" + e.Stack
}

// PanicError is the value of a panic in user code.
type PanicError struct {
	Value any
}

// Error gives the value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// ProtocolError is something that the stream manager sent and must not send.
// The task says so to it, closes the link and dials again.
type ProtocolError struct {
	Code wire.Code // what the stream manager is told
	Err  error
}

// Error gives the fault.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("instance: link refused (%v): %v", e.Code, e.Err)
}

// Unwrap returns the fault.
func (e *ProtocolError) Unwrap() error { return e.Err }

// violation returns a *ProtocolError about a frame.
func violation(code wire.Code, h wire.Header, err error) error {
	return &ProtocolError{Code: code, Err: &wire.FrameError{Header: h, Err: err}}
}

// malformed returns a *ProtocolError about bytes that are no frame or no body.
func malformed(err error) error { return &ProtocolError{Code: wire.CodeMalformed, Err: err} }

// permanent reports whether a refusal by the stream manager will be repeated
// however often the task dials again. Only trouble inside the stream manager
// may pass; every other reason lies in what the task is or did.
func permanent(e *wire.RemoteError) bool { return e.Code != wire.CodeInternal }
