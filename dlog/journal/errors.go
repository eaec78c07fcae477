package journal

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrClosed says that the journal was closed before the call.
	ErrClosed = errors.New("journal: closed")
	// ErrTooLarge says that an entry is larger than the journal allows. Nothing was appended.
	ErrTooLarge = errors.New("journal: entry is too large")
	// ErrCorrupt is the class of CorruptError.
	ErrCorrupt = errors.New("journal: corrupt")
	// ErrVersion says that a file is of a format that this program does not know. It comes in a CorruptError, although
	// the file may be whole.
	ErrVersion = errors.New("journal: unknown version of the format")
	// ErrForeign says that a file belongs to another journal, or stands under another file's name. It comes in a
	// CorruptError.
	ErrForeign = errors.New("journal: file of another journal")
	// ErrStopped says that a write or a sync has failed, and that the journal takes nothing any more. To go on, close it,
	// see to the disk, and open it again.
	ErrStopped = errors.New("journal: stopped by a failed write")
	// ErrTelling says that entries have failed on a disk that is full or read-only, and that not all who appended them know
	// it yet. Nothing was appended; AwaitTold waits until they do.
	ErrTelling = errors.New("journal: others are told of a failure")
	// ErrReleased says that there is no file any more for a position.
	ErrReleased = errors.New("journal: position was released")
	// ErrUnknown says of an entry that it may or may not be found when the journal is opened again.
	ErrUnknown = errors.New("journal: outcome unknown")
	// ErrNotWritten says of an entry that it will not be found when the journal is opened again.
	ErrNotWritten = errors.New("journal: not written")
	// ErrFull says that the disk has no room. Appends work again as soon as there is some.
	ErrFull = errors.New("journal: disk is full")
	// ErrReadOnly says that the folder or its disk cannot be written to. Appends work again as soon as it can.
	ErrReadOnly = errors.New("journal: disk is read-only")
)

// CorruptError is damage that no crash explains: bytes that were synced, and are not what they were.
type CorruptError struct {
	File   string // path
	Offset int64  // of the first bad byte, or of the record that holds it
	Err    error  // what is wrong
}

// Error names the file, the offset and the fault.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("journal: %s is corrupt at %d: %v", e.File, e.Offset, e.Err)
}

// Unwrap returns ErrCorrupt and the fault.
func (e *CorruptError) Unwrap() []error { return []error{ErrCorrupt, e.Err} }

// AppendError says what became of entries that could not be made durable.
type AppendError struct {
	From    Position // all entries from here on have failed
	Outcome error    // ErrUnknown or ErrNotWritten
	Err     error    // why; ErrFull or ErrReadOnly is in it if the disk is
}

// Error names the outcome and the reason.
func (e *AppendError) Error() string {
	return fmt.Sprintf("%v, from %v on: %v", e.Outcome, e.From, e.Err)
}

// Unwrap returns the outcome and the reason.
func (e *AppendError) Unwrap() []error { return []error{e.Outcome, e.Err} }
