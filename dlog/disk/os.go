//go:build unix

package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	zeroChunk = 1 << 20 // bytes of zeros in one write
	zeroSync  = 4 << 20 // bytes of zeros between two syncs, so that no other file's sync waits long for them
)

var zeros [zeroChunk]byte

// OS is the file system of this machine.
type OS struct{}

var _ FS = OS{}

// MkdirAll makes a folder and those above it, and syncs the folder that each was made in.
func (o OS) MkdirAll(dir string) error {
	dir = filepath.Clean(dir)
	info, err := os.Stat(dir)
	if err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := o.MkdirAll(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return o.SyncDir(parent)
}

// Create makes a file.
func (OS) Create(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Open opens a file.
func (OS) Open(name string) (File, error) {
	return openOS(name, os.O_RDWR)
}

func openOS(name string, flags int) (File, error) {
	f, err := os.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Rename renames a file.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (OS) Remove(name string) error { return os.Remove(name) }

// List lists a folder. What is removed meanwhile is left out.
func (OS) List(dir string) ([]Info, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, Info{Name: e.Name(), Size: info.Size(), Regular: info.Mode().IsRegular()})
	}
	return infos, nil
}

// Writable asks whether this process may write to the folder.
func (OS) Writable(dir string) error {
	if err := retry(func() error { return unix.Access(dir, unix.W_OK) }); err != nil {
		return &fs.PathError{Op: "access", Path: dir, Err: err}
	}
	return nil
}

// SyncDir calls fsync on the folder.
func (OS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock takes a lock with flock.
func (OS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = retry(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	if err == nil {
		return f, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrLocked
	}
	return nil, errors.Join(&fs.PathError{Op: "lock", Path: name, Err: err}, f.Close())
}

type osFile struct{ *os.File }

// Preallocate writes zeros.
func (f osFile) Preallocate(size int64) error {
	at, err := f.Size()
	if err != nil {
		return err
	}
	for unsynced := int64(0); at < size; {
		n, err := f.WriteAt(zeros[:min(zeroChunk, size-at)], at)
		if err != nil {
			return err
		}
		at += int64(n)
		if unsynced += int64(n); unsynced >= zeroSync {
			if err := f.SyncData(); err != nil {
				return err
			}
			unsynced = 0
		}
	}
	return nil
}

// SyncData calls fdatasync.
func (f osFile) SyncData() error {
	if err := retry(func() error { return fdatasync(f.File) }); err != nil {
		return &fs.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}

// Size asks the system.
func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// retry calls f until no signal interrupts it.
func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
