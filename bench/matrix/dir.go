package matrix

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ardea-stream/ardea/internal/atomicfile"
)

// Dir is a directory of results in which no file is ever half-written: each is
// written under another name, synced, and renamed. It belongs to one program
// at a time, until Close or the program's end.
type Dir struct {
	path string
	lock *os.File
}

// OutputError says that results cannot be written.
type OutputError struct {
	Path string
	Err  error
}

// Error says what to do.
func (e *OutputError) Error() string {
	return fmt.Sprintf("matrix: %s cannot be written: %v: look at its permissions and at the space on the disk, or name another", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *OutputError) Unwrap() error { return e.Err }

// OpenDir makes the directory if need be, locks it, and tries whether it and
// the files that Write shall make can be written, so that a bad path costs no
// measurement. What a killed run was writing is removed. The error is an
// *OutputError, or a *DirInUseError if another program writes there. Close the
// Dir at the end.
func OpenDir(path string, files ...string) (d *Dir, err error) {
	d = &Dir{path: path}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, d.failed(err)
	}
	if d.lock, err = lockDir(path); err != nil {
		return nil, err
	}
	if err := d.prepare(files); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Close lets other programs have the directory.
func (d *Dir) Close() { _ = d.lock.Close() } // nothing was written to it

// prepare removes what a killed run has left, and tries what will be written.
func (d *Dir) prepare(files []string) error {
	left, err := filepath.Glob(d.Path(temporary))
	if err != nil {
		return d.failed(err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return d.failed(err)
		}
	}
	for _, name := range files {
		if info, err := os.Lstat(d.Path(name)); err == nil && info.IsDir() {
			return &OutputError{Path: d.Path(name), Err: errors.New("it is a directory, and a file shall be there")}
		}
	}
	if info, err := os.Stat(d.Path(profileFolder)); err == nil {
		if !info.IsDir() {
			return &OutputError{Path: d.Path(profileFolder), Err: errors.New("it is a file, and a directory of profiles shall be there")}
		}
		if err := TryWriting(d.Path(profileFolder)); err != nil {
			return err
		}
	}
	return TryWriting(d.path)
}

// TryWriting makes a file in a folder and removes it. The error is an *OutputError.
func TryWriting(folder string) error {
	probe, err := os.CreateTemp(folder, temporary)
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return &OutputError{Path: folder, Err: err}
	}
	return nil
}

// temporary is the pattern of names of files that are being written.
const temporary = ".ardea-*.tmp"

func (d *Dir) failed(err error) error { return &OutputError{Path: d.path, Err: err} }

// Path returns where a file of that name is.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Write makes or replaces a file by what content writes. If that fails, what
// was there stays. The error is an *OutputError.
func (d *Dir) Write(name string, content func(io.Writer) error) error {
	return WriteFile(d.Path(name), content)
}

// WriteFile makes or replaces a file as Dir.Write does.
func WriteFile(path string, content func(io.Writer) error) error {
	if err := atomicfile.Write(path, temporary, 0o644, content); err != nil {
		return &OutputError{Path: path, Err: err}
	}
	return nil
}
