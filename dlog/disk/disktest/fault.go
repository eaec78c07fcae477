package disktest

import (
	"errors"
	"fmt"
	"slices"
)

// Kind is a kind of operation.
type Kind string

// The kinds of operations.
const (
	OpMkdir       Kind = "mkdir"
	OpCreate      Kind = "create"
	OpOpen        Kind = "open"
	OpRename      Kind = "rename"
	OpRemove      Kind = "remove"
	OpList        Kind = "list"
	OpSyncDir     Kind = "syncdir"
	OpSyncAll     Kind = "syncall"
	OpLock        Kind = "lock"
	OpRead        Kind = "read"
	OpWrite       Kind = "write"
	OpTruncate    Kind = "truncate"
	OpPreallocate Kind = "preallocate"
	OpSync        Kind = "sync"
	OpFailed      Kind = "failed"
	OpSize        Kind = "size"
	OpAdvise      Kind = "advise"
	OpClose       Kind = "close"
)

// Kinds returns those that can fail in ways that a program must survive: all but advise and close.
func Kinds() []Kind {
	return []Kind{
		OpMkdir, OpCreate, OpOpen, OpRename, OpRemove, OpList, OpSyncDir, OpSyncAll, OpLock, OpRead, OpWrite, OpTruncate,
		OpPreallocate, OpSync, OpFailed, OpSize,
	}
}

// changes says whether what a crash leaves may differ after the operation.
func (k Kind) changes() bool {
	return !slices.Contains([]Kind{OpOpen, OpList, OpLock, OpRead, OpFailed, OpSize, OpAdvise, OpClose, OpMkdir}, k)
}

// writes says whether the operation fails on a file system that is read-only.
func (k Kind) writes() bool {
	return slices.Contains([]Kind{OpCreate, OpRename, OpRemove, OpWrite, OpTruncate, OpPreallocate}, k)
}

// Op is an operation on a file or folder.
type Op struct {
	Kind Kind
	Name string
}

// Fault makes calls fail.
type Fault struct {
	Kind  Kind  // of the calls
	K     int   // the first that fails, counted from 1 when the fault is set
	On    bool  // whether those after it fail as well
	Err   error // what they return, wrapped
	Short bool  // whether a write that fails writes its first half
	Taken bool  // whether a SyncAll that fails returns nil, as its error went to another program
}

type armed struct {
	Fault

	seen int
}

// Fail sets a fault, beside those that are set.
func (f *FS) Fail(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.faults = append(f.mu.faults, &armed{Fault: fault})
}

// Heal takes all faults away.
func (f *FS) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.faults = nil
}

// Failed says how many calls have failed by the faults that are set.
func (f *FS) Failed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, a := range f.mu.faults {
		switch past := a.seen - a.K + 1; {
		case past <= 0:
		case a.On:
			n += past
		default:
			n++
		}
	}
	return n
}

// injected is the error of a fault.
type injected struct {
	err   error
	kind  Kind
	k     int
	short bool
	taken bool
}

func (e *injected) Error() string { return fmt.Sprintf("injected into %s %d: %v", e.kind, e.k, e.err) }
func (e *injected) Unwrap() error { return e.err }

// faultLocked counts a call and returns the error that it is to fail with.
func (f *FS) faultLocked(op Op) error {
	var err error
	for _, a := range f.mu.faults {
		if a.Kind != op.Kind {
			continue
		}
		a.seen++
		if err == nil && (a.seen == a.K || a.On && a.seen > a.K) {
			err = &injected{err: a.Err, kind: a.Kind, k: a.seen, short: a.Short, taken: a.Taken}
		}
	}
	return err
}

// taken says whether an error is to be kept from who asks.
func taken(err error) bool {
	var i *injected
	return errors.As(err, &i) && i.taken
}

// short says whether an error asks for half of a write.
func (f *FS) short(err error) bool {
	var i *injected
	return errors.As(err, &i) && i.short
}
