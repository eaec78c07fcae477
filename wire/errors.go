package wire

import (
	"errors"
	"fmt"
)

// Errors of the format. Those about a frame come wrapped in a *FrameError.
var (
	ErrShort       = errors.New("wire: not enough bytes")
	ErrKind        = errors.New("wire: unknown frame kind")
	ErrFlags       = errors.New("wire: unknown frame flags")
	ErrTooLarge    = errors.New("wire: frame body is too large")
	ErrRecord      = errors.New("wire: malformed tuple record")
	ErrCount       = errors.New("wire: tuple count differs from the header's")
	ErrNoKeyHash   = errors.New("wire: tuple lacks the key hash that its stream promises")
	ErrHandshake   = errors.New("wire: malformed handshake")
	ErrInvalidUTF8 = errors.New("wire: string is not valid UTF-8; send it as bytes")
	ErrTimeRange   = errors.New("wire: time is outside the years 1678 to 2262 that nanoseconds can hold")
)

// FrameError is a frame that cannot be accepted, with its header.
type FrameError struct {
	Header Header
	Err    error
}

// Error names the fault and the header's fields.
func (e *FrameError) Error() string {
	h := e.Header
	return fmt.Sprintf("%v (kind %v, flags %#02x, length %d, stream %d, source %d, dest %d, count %d, epoch %d)",
		e.Err, h.Kind, uint8(h.Flags), h.Length, h.Stream, h.Source, h.Dest, h.Count, h.Epoch)
}

// Unwrap returns the fault.
func (e *FrameError) Unwrap() error { return e.Err }

// TupleTooLargeError says that a tuple exceeds MaxTuple. Nothing was sent.
type TupleTooLargeError struct {
	Size int // encoded size in bytes
}

// Error names both sizes.
func (e *TupleTooLargeError) Error() string {
	return fmt.Sprintf("wire: tuple of %d bytes exceeds the limit of %d bytes", e.Size, MaxTuple)
}

// TypeError says that a field holds another type than the one asked for.
type TypeError struct {
	Field      int
	Want, Have Type
}

// Error names the field and both types.
func (e *TypeError) Error() string {
	return fmt.Sprintf("wire: field %d holds %v, not %v", e.Field, e.Have, e.Want)
}

// FieldError says that a tuple has no field of that index.
type FieldError struct {
	Field, Fields int
}

// Error names the index and the number of fields.
func (e *FieldError) Error() string {
	return fmt.Sprintf("wire: no field %d in a tuple of %d fields", e.Field, e.Fields)
}
