package dlog

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrClosed says that the store, the writer or the reader was closed before the call.
	ErrClosed = errors.New("dlog: closed")
	// ErrExists says that there is a log of that name already.
	ErrExists = errors.New("dlog: the name is taken")
	// ErrNotFound says that there is no log, or no subscription, of that name.
	ErrNotFound = errors.New("dlog: not found")
	// ErrDeleted says that the log was deleted while it was used.
	ErrDeleted = errors.New("dlog: log was deleted")
	// ErrName says that a name cannot be used.
	ErrName = errors.New("dlog: bad name")
	// ErrSealed says that the log takes no more records.
	ErrSealed = errors.New("dlog: log is sealed")
	// ErrFenced is the class of FencedError.
	ErrFenced = errors.New("dlog: writer is fenced")
	// ErrTxID says that a transaction id is lower than the last one of the log. Nothing was appended.
	ErrTxID = errors.New("dlog: transaction id goes back")
	// ErrBatch says that a batch is not what it should be: it has no records, or a body that does not hold as many as it
	// says. Nothing was appended.
	ErrBatch = errors.New("dlog: bad batch")
	// ErrTooLarge says that a batch is larger than Store.MaxBatch. Nothing was appended.
	ErrTooLarge = errors.New("dlog: batch is too large")
	// ErrFull says that the disk has no room. Appends work again as soon as there is some, unless the error is ErrStopped, too.
	ErrFull = errors.New("dlog: disk is full")
	// ErrReadOnly says that the store's folder or its disk cannot be written to. Appends work again as soon as it can.
	ErrReadOnly = errors.New("dlog: disk is read-only")
	// ErrUnknown says of a batch that it may or may not be there after the store has been opened again, and that it is not
	// there before that.
	ErrUnknown = errors.New("dlog: outcome unknown")
	// ErrStopped says that a write or a sync has failed and that nothing is appended any more. What is durable can be read.
	// To go on, close the store, see to the disk, and open it again.
	ErrStopped = errors.New("dlog: stopped by a failed write")
	// ErrEnd says that a reader has read all that there is so far. More may come.
	ErrEnd = errors.New("dlog: end of the log so far")
	// ErrTruncated is the class of TruncatedError.
	ErrTruncated = errors.New("dlog: truncated")
	// ErrBeyondEnd is the class of BeyondEndError.
	ErrBeyondEnd = errors.New("dlog: beyond the end of the log")
	// ErrCorrupt is the class of CorruptError.
	ErrCorrupt = errors.New("dlog: corrupt")
	// ErrLocked is the class of LockedError.
	ErrLocked = errors.New("dlog: store is open elsewhere")
)

// FencedError says that another writer has taken over. Nothing was appended.
type FencedError struct {
	Epoch uint64 // that was asked for
	Seen  uint64 // the highest that the log has seen
}

// Error says both epochs.
func (e *FencedError) Error() string {
	return fmt.Sprintf("%v: its epoch is %d, the log has seen %d", ErrFenced, e.Epoch, e.Seen)
}

// Unwrap returns ErrFenced.
func (e *FencedError) Unwrap() error { return ErrFenced }

// TruncatedError says that the records at a position are gone.
type TruncatedError struct {
	First uint64 // offset of the first record that is there
}

// Error says where the log begins.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%v: the log begins at %d", ErrTruncated, e.First)
}

// Unwrap returns ErrTruncated.
func (e *TruncatedError) Unwrap() error { return ErrTruncated }

// BeyondEndError says that an offset is behind the end. A reader that met uncommitted records can be told so when these
// did not become durable.
type BeyondEndError struct {
	End uint64 // offset of the next record
}

// Error says where the log ends.
func (e *BeyondEndError) Error() string { return fmt.Sprintf("%v, which is %d", ErrBeyondEnd, e.End) }

// Unwrap returns ErrBeyondEnd.
func (e *BeyondEndError) Unwrap() error { return ErrBeyondEnd }

// CorruptError is damage to what was durable. One that a reader returns names records: Reader.Skip goes on behind them.
type CorruptError struct {
	File     string // path, empty if the records are in no file
	At       int64  // position in the file
	From, To uint64 // offsets of the records that cannot be read, To not included; both 0 if it is not known which
	Err      error  // what is wrong
}

// Error names the file, the position, the offsets and the fault.
func (e *CorruptError) Error() string {
	if e.From == e.To {
		return fmt.Sprintf("%v: %s at %d: %v", ErrCorrupt, e.File, e.At, e.Err)
	}
	return fmt.Sprintf("%v: records %d to %d, in %s at %d: %v", ErrCorrupt, e.From, e.To, e.File, e.At, e.Err)
}

// Unwrap returns ErrCorrupt and the fault.
func (e *CorruptError) Unwrap() []error { return []error{ErrCorrupt, e.Err} }

// LockedError says who has the store open.
type LockedError struct {
	Dir string
	PID int // of the process, 0 if it is not known
}

// Error names the folder and the process.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%v: %s is held by process %d", ErrLocked, e.Dir, e.PID)
}

// Unwrap returns ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }
