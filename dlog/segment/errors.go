package segment

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrShort says that bytes end inside a batch. More of them will do, or the file is torn there.
	ErrShort = errors.New("segment: bytes end inside a batch")
	// ErrEnd says that the batches of a sealed file end at this position: its index or its footer stands there.
	ErrEnd = errors.New("segment: batches end here")
	// ErrCorrupt is the class of CorruptError.
	ErrCorrupt = errors.New("segment: corrupt")
	// ErrVersion says that a file is of a format that this program does not know. It comes in a CorruptError, although
	// the file may be whole.
	ErrVersion = errors.New("segment: unknown version of the format")
	// ErrForeign says that a file belongs to another store or log, or is another file. It comes in a CorruptError.
	ErrForeign = errors.New("segment: another file than expected")
	// ErrOrder says that a batch does not follow the one before it: its first offset is not the next one, or its
	// transaction id or time is smaller. Nothing was put.
	ErrOrder = errors.New("segment: batch is out of order")
	// ErrTooLarge says that a batch has more than MaxPayload bytes. Nothing was put.
	ErrTooLarge = errors.New("segment: batch is too large")
	// ErrFull says that the disk has no room. What was put stays in the writer: call again when there is room.
	ErrFull = errors.New("segment: disk is full")
	// ErrFailed says that a sync has failed: what was written since the last good one may be lost, and the writer does
	// nothing any more. Close it, and write what is not known to be safe to another file.
	ErrFailed = errors.New("segment: writer stopped by a failed sync")
	// ErrSealed says that a file takes no more batches.
	ErrSealed = errors.New("segment: sealed")
	// ErrClosed says that the writer was closed before the call.
	ErrClosed = errors.New("segment: closed")
)

var (
	errMagic     = errors.New("not a segment file")
	errBlank     = errors.New("there are zeros in the place of the header")
	errHeader    = errors.New("the header's checksum differs")
	errBlock     = errors.New("no block verifies here")
	errPayload   = errors.New("the payload's checksum differs")
	errFileEnds  = errors.New("the file ends before it")
	errChain     = errors.New("the batch does not follow the one before it")
	errFooter    = errors.New("the footer contradicts itself")
	errHeaderEnd = errors.New("there are bytes between header and batches")
	errUnsealed  = errors.New("a seal that was not finished")
	errIndex     = errors.New("the index does not fit the batches")
)

// CorruptError is bytes that are not what was written. Whether a crash explains them depends on what was durable: before
// a Mark that was synced, none does.
type CorruptError struct {
	Path string // of the file, empty from Parse
	File uint64 // its id as the caller has it
	At   int64  // position of the first bad byte, or of the block that holds it
	Err  error  // what is wrong
}

// Error names the file, the position and the fault.
func (e *CorruptError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("segment: file %x is corrupt at %d: %v", e.File, e.At, e.Err)
	}
	return fmt.Sprintf("segment: %s is corrupt at %d: %v", e.Path, e.At, e.Err)
}

// Unwrap returns ErrCorrupt and the fault.
func (e *CorruptError) Unwrap() []error { return []error{ErrCorrupt, e.Err} }
