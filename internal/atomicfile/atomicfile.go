package atomicfile

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes or replaces the file at path by what content writes, with the
// given permissions. It writes to a file beside it, whose name follows pattern
// as in os.CreateTemp, and renames that when it is on the disk. If anything
// fails, what was there stays, nothing else is left, and the error is that of
// the file system or of content.
func Write(path, pattern string, perm fs.FileMode, content func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), pattern)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriter(f)
	if err := errors.Join(content(w), w.Flush(), f.Chmod(perm), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
