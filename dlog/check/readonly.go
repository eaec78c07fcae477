package check

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// errReadOnly is what every attempt to write gives. None is made.
var errReadOnly = errors.New("check: the store is only looked at")

// readOnly is a file system to which nothing is written.
type readOnly struct{ on disk.FS }

// Open opens a file for reading.
func (r readOnly) Open(name string) (disk.File, error) {
	if _, is := r.on.(disk.OS); !is {
		f, err := r.on.Open(name)
		return readOnlyFile{f, nil}, err
	}
	f, err := os.Open(name)
	return readOnlyFile{f, f}, err
}

// List lists a folder.
func (r readOnly) List(dir string) ([]disk.Info, error) { return r.on.List(dir) }

// Lock takes a lock together with others who only look, if its file is there. If it is not, nobody has it.
func (r readOnly) Lock(name string) (io.Closer, error) {
	infos, err := r.on.List(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	there := false
	for _, i := range infos {
		there = there || i.Name == filepath.Base(name) && i.Regular
	}
	if !there {
		return io.NopCloser(nil), nil
	}
	if _, is := r.on.(disk.OS); !is {
		return r.on.Lock(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = disk.ErrLocked
	}
	return nil, errors.Join(&fs.PathError{Op: "lock", Path: name, Err: err}, f.Close())
}

// MkdirAll is refused.
func (readOnly) MkdirAll(string) error { return errReadOnly }

// Create is refused.
func (readOnly) Create(string) (disk.File, error) { return nil, errReadOnly }

// Rename is refused.
func (readOnly) Rename(string, string) error { return errReadOnly }

// Remove is refused.
func (readOnly) Remove(string) error { return errReadOnly }

// Writable is refused.
func (readOnly) Writable(string) error { return errReadOnly }

// SyncDir is refused.
func (readOnly) SyncDir(string) error { return errReadOnly }

// SyncAll is refused.
func (readOnly) SyncAll(string) error { return errReadOnly }

// reader is what is asked of a file.
type reader interface {
	io.ReaderAt
	io.Closer
}

// readOnlyFile is a file that is open for reading: one of the system, or else any.
type readOnlyFile struct {
	reader

	os *os.File
}

// Size returns the length.
func (f readOnlyFile) Size() (int64, error) {
	if f.os == nil {
		return f.reader.(disk.File).Size()
	}
	info, err := f.os.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// WriteAt is refused.
func (readOnlyFile) WriteAt([]byte, int64) (int, error) { return 0, errReadOnly }

// Truncate is refused.
func (readOnlyFile) Truncate(int64) error { return errReadOnly }

// Preallocate is refused.
func (readOnlyFile) Preallocate(int64) error { return errReadOnly }

// Reserve is refused.
func (readOnlyFile) Reserve(int64) error { return errReadOnly }

// SyncData is refused.
func (readOnlyFile) SyncData() error { return errReadOnly }

// Failed says that nothing was written.
func (readOnlyFile) Failed() error { return nil }
