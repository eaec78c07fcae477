package matrix

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// DirInUseError says that another program writes results into a directory.
type DirInUseError struct{ Path string }

// Error says what to do.
func (e *DirInUseError) Error() string {
	return fmt.Sprintf("matrix: %s is in use: another measurement writes its results there: wait for its end, or name another directory", e.Path)
}

// lockDir locks a directory until the file that is returned is closed or the
// program ends, however it ends. Where the file system cannot lock directories,
// as NFS, nothing is locked.
func lockDir(path string) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, &OutputError{Path: path, Err: err}
	}
	err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil, errors.Is(err, syscall.EBADF), errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOLCK):
		return dir, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = &DirInUseError{Path: path}
	default:
		err = &OutputError{Path: path, Err: fmt.Errorf("lock it: %w", err)}
	}
	_ = dir.Close()
	return nil, err
}
