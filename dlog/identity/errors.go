package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotStore says that there is no STORE file, or no such folder. Create makes a store in an empty folder.
	ErrNotStore = errors.New("identity: not a store")
	// ErrExists says that the folder is a store already. Open opens it.
	ErrExists = errors.New("identity: there is a store already")
	// ErrOccupied says that the folder holds things that no store has put there. It comes in an OccupiedError.
	ErrOccupied = errors.New("identity: the folder holds other things")
	// ErrVersion says that a later version of the program has made the store. It comes in a VersionError.
	ErrVersion = errors.New("identity: a later version of a store")
	// ErrDamaged says that the STORE file is not what was written.
	ErrDamaged = errors.New("identity: the STORE file is damaged")
	// ErrReadOnly says that the folder, or a file in it, may not be written.
	ErrReadOnly = errors.New("identity: the store cannot be written")
	// ErrHeld says that somebody has the store open. It comes in a HeldError.
	ErrHeld = errors.New("identity: the store is open elsewhere")
)

// HeldError says who has a store open.
type HeldError struct {
	Dir string
	PID int // of the process, as it was noted; 0 if it was not
}

// Error names the process, if it is known.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%v: %s: another process holds it", ErrHeld, e.Dir)
	}
	return fmt.Sprintf("%v: %s: pid %d holds it", ErrHeld, e.Dir, e.PID)
}

// Unwrap returns ErrHeld.
func (e *HeldError) Unwrap() error { return ErrHeld }

// OccupiedError says what stands in the way of a new store.
type OccupiedError struct {
	Dir   string
	Names []string // in the folder, some of them
}

// Error names what is there.
func (e *OccupiedError) Error() string {
	return fmt.Sprintf("%v: %s: %s; choose an empty folder", ErrOccupied, e.Dir, strings.Join(e.Names, ", "))
}

// Unwrap returns ErrOccupied.
func (e *OccupiedError) Unwrap() error { return ErrOccupied }

// VersionError says which version a store has.
type VersionError struct {
	Dir     string
	Version uint32
}

// Error names both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%v: %s has version %d, this program knows up to %d", ErrVersion, e.Dir, e.Version, Version)
}

// Unwrap returns ErrVersion.
func (e *VersionError) Unwrap() error { return ErrVersion }

// classify adds ErrReadOnly to an error that says so.
func classify(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}
