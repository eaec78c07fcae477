package pipe

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is. Those of package dlog are found in the errors as well.
var (
	// ErrConfig is the class of errors of Source.Validate and Sink.Validate.
	ErrConfig = errors.New("pipe: bad configuration")
	// ErrNoStore is the class of NoStoreError.
	ErrNoStore = errors.New("pipe: no store")
	// ErrSchema is the class of SchemaError.
	ErrSchema = errors.New("pipe: record does not fit the stream")
	// ErrReplaced says that there is another store, or another log of the name, than the one that was read before.
	// Offsets of the one mean nothing in the other. Use another subscription, or move it.
	ErrReplaced = errors.New("pipe: another store or log has taken the place of the one that was read")
	// ErrNotManual says that a bolt was declared without Appends.
	ErrNotManual = errors.New("pipe: declare the bolt with the option pipe.Appends()")
	// errUnknownID says that the engine asks for what the spout has not emitted.
	errUnknownID = errors.New("pipe: no tuple of that id is under way")
)

// NoStoreError says that a task has nothing to read.
type NoStoreError struct {
	Dir    string
	Task   int // index
	Tasks  int
	Stores []uint64 // numbers of the stores in the folder, if it has some
}

// Error says what to do.
func (e *NoStoreError) Error() string {
	if len(e.Stores) == 0 {
		return fmt.Sprintf("%v: %s is none and has none in folders with numbers: name a store or a log folder that was used before", ErrNoStore, e.Dir)
	}
	return fmt.Sprintf("%v: task %d of %d has no log to read, %s has stores %d: use a parallelism of up to %d",
		ErrNoStore, e.Task, e.Tasks, e.Dir, e.Stores, len(e.Stores))
}

// Unwrap returns ErrNoStore.
func (e *NoStoreError) Unwrap() error { return ErrNoStore }

// LogError says which log of which store cannot be used.
type LogError struct {
	Dir    string // the store's
	Log    string
	Offset uint64 // where it was to be read, if it was
	Err    error
}

// Error names log, store and position.
func (e *LogError) Error() string {
	return fmt.Sprintf("pipe: log %q of store %s at %d: %v", e.Log, e.Dir, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *LogError) Unwrap() error { return e.Err }

// SchemaError says which record cannot be emitted as a tuple of the spout's stream.
type SchemaError struct {
	Dir    string // the store's
	Log    string
	Offset uint64
	Err    error // what is wrong
}

// Error names the record.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("%v: record %d of log %q of store %s: %v", ErrSchema, e.Offset, e.Log, e.Dir, e.Err)
}

// Unwrap returns ErrSchema and the cause.
func (e *SchemaError) Unwrap() []error { return []error{ErrSchema, e.Err} }
