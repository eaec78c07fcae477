package disk

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Reserve calls fallocate, or writes zeros where that is not there.
func (f osFile) Reserve(size int64) error {
	have, err := f.Size()
	if err != nil || have >= size {
		return err
	}
	err = retry(func() error { return unix.Fallocate(int(f.Fd()), 0, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) {
		return f.Preallocate(size)
	}
	if err != nil {
		return &fs.PathError{Op: "fallocate", Path: f.Name(), Err: err}
	}
	return nil
}
