package disk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

func fdatasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// SyncAll calls syncfs, which saves the whole file system that the folder is on.
func (OS) SyncAll(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = retry(func() error { return unix.Syncfs(int(d.Fd())) })
	if err != nil {
		err = &fs.PathError{Op: "syncfs", Path: dir, Err: err}
	}
	return errors.Join(err, d.Close())
}

// Failed asks the system with a sync_file_range that has nothing to wait for.
func (f osFile) Failed() error {
	err := retry(func() error { return unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WAIT_BEFORE) })
	if err != nil {
		return &fs.PathError{Op: "sync_file_range", Path: f.Name(), Err: err}
	}
	return nil
}

var _ Adviser = osFile{}

// Advise calls fadvise. That it fails does not matter.
func (f osFile) Advise(at, n int64, a Advice) {
	_ = unix.Fadvise(int(f.Fd()), at, n, [...]int{
		Sequential: unix.FADV_SEQUENTIAL, Random: unix.FADV_RANDOM, WillNeed: unix.FADV_WILLNEED, DontNeed: unix.FADV_DONTNEED,
	}[a])
}
