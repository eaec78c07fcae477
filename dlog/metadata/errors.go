package metadata

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrClosed says that the DB was closed before the call.
	ErrClosed = errors.New("metadata: closed")
	// ErrExists says that there is a log of that name already.
	ErrExists = errors.New("metadata: the name is taken")
	// ErrNotFound says that there is no log of that number.
	ErrNotFound = errors.New("metadata: no such log")
	// ErrDeleted says that there was a log of that number; the number is not used again.
	ErrDeleted = errors.New("metadata: the log was deleted")
	// ErrName says that a name cannot be used. CheckName has the rules.
	ErrName = errors.New("metadata: bad name")
	// ErrRow says that a row cannot be stored as it is: a number that was never given out, or a range that ends before it
	// begins. It is a mistake of the caller.
	ErrRow = errors.New("metadata: bad row")
	// ErrCorrupt is the class of CorruptError, and of damage that was found below the rows.
	ErrCorrupt = errors.New("metadata: corrupt")
	// ErrVersion says that a row is of a form that this program does not know. It comes in a CorruptError, although the
	// row may be whole.
	ErrVersion = errors.New("metadata: unknown version of a row")
	// ErrStopped says that a write or a sync has failed, or that damage was found. What the failed transaction held may or may not be found when the
	// DB is opened again; everything committed before will be. To go on, close it, see to the disk, and open it again.
	ErrStopped = errors.New("metadata: stopped by a failed write")
	// ErrFull says that the disk has no room. Nothing was changed, and transactions work again as soon as there is some,
	// unless it comes with ErrStopped.
	ErrFull = errors.New("metadata: disk is full")
	// ErrUnwritable says that the folder cannot be written to. Nothing was changed, and transactions work again as soon as
	// it can.
	ErrUnwritable = errors.New("metadata: the folder is read-only")
	// ErrReadOnly says that the DB was opened with Options.ReadOnly.
	ErrReadOnly = errors.New("metadata: open for reading only")
	// ErrLocked says that another process, or another DB of this one, has the folder open.
	ErrLocked = errors.New("metadata: open elsewhere")
)

// CorruptError is a row that is not what was written.
type CorruptError struct {
	Key string // what the row is about, as in "log 7"
	Err error  // what is wrong
}

// Error names the row and the fault.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("metadata: the row of %s is corrupt: %v", e.Key, e.Err)
}

// Unwrap returns ErrCorrupt and the fault.
func (e *CorruptError) Unwrap() []error { return []error{ErrCorrupt, e.Err} }
