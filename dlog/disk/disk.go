package disk

import (
	"errors"
	"io"
	"syscall"
)

// Sector is the number of bytes that a disk writes as a whole: after a power failure they are all old or all new.
const Sector = 512

// ErrLocked says that somebody else holds a lock.
var ErrLocked = errors.New("disk: locked by somebody else")

// FS is a file system. Names are paths as the operating system writes them. Errors are those of the system: they satisfy
// errors.Is with fs.ErrNotExist, fs.ErrExist, and the numbers of package syscall.
type FS interface {
	// MkdirAll makes a folder, and those above it that are missing, and makes their names safe. One that exists is no
	// error.
	MkdirAll(dir string) error
	// Create makes a file that does not exist yet, and opens it for reading and writing.
	Create(name string) (File, error)
	// Open opens a file that exists, for reading and writing.
	Open(name string) (File, error)
	// Rename gives a file another name, in one step, also when there is a file of that name already.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// List returns what is in a folder, in the order of names.
	List(dir string) ([]Info, error)
	// Writable returns an error if no file can be made in a folder now, as it is read-only or permission was taken away:
	// see IsReadOnly. That it returns nil promises nothing.
	Writable(dir string) error
	// SyncDir makes the names in a folder safe, as they are now.
	SyncDir(dir string) error
	// SyncAll makes safe all files in a folder, with their names, as SyncData and SyncDir would. It may save more than
	// that. For many files it is faster than they are. After an error any of the files may have lost what was written to
	// it since it was last synced, as after a failed SyncData. A program that calls Linux's syncfs on the same file
	// system can take away the report of such a loss: File.Failed has it still.
	SyncAll(dir string) error
	// Lock takes the lock that a file stands for, and makes the file if there is none. It does not wait: ErrLocked says
	// that the lock is taken, by this process or another. It is free again when the Closer is closed, or the process ends.
	Lock(name string) (io.Closer, error)
}

// Info is an entry of a folder.
type Info struct {
	Name    string // without the folder
	Size    int64  // bytes, of a regular file
	Regular bool   // a file, and not a folder or a device
}

// File is an open file.
type File interface {
	io.ReaderAt // borrows the buffer until it returns
	io.WriterAt // borrows the bytes until it returns; n < len(p) only with an error
	// Truncate makes the file size bytes long. What is new is zero.
	Truncate(size int64) error
	// Preallocate makes the file size bytes long by writing zeros behind its end, so that later writes find their blocks
	// in place and SyncData has no size to write. It does nothing for a file that is as long. After an error the file may
	// have any length between. SyncData is still to be called.
	Preallocate(size int64) error
	// Reserve makes sure that the disk has room for size bytes of the file, so that nobody else gets it. The file becomes
	// that long if it is not; the contents are not to be read. It does nothing for a file that is as long. After an error
	// the file may have any length between.
	Reserve(size int64) error
	// SyncData makes the file's bytes and its length safe. After an error it must not be called again.
	SyncData() error
	// Failed returns an error if something that was written to the file has not reached the disk since it was opened, as
	// far as the system has tried, and was not reported yet by SyncData or Failed. It saves nothing. Right after a
	// SyncAll, nil means that what was written before the SyncAll is safe.
	Failed() error
	// Size returns the file's length in bytes.
	Size() (int64, error)
	// Close closes the file and makes nothing safe.
	Close() error
}

// IsFull says whether an error means that there is no room: a full disk, a quota that is used up, no more inodes, or no
// more files that may be open. What failed so may work later.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// IsReadOnly says whether an error means that a file or a folder cannot be written to: it is on a file system that is
// read-only, or permission was taken away. What failed so may work later.
func IsReadOnly(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
}
