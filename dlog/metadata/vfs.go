package metadata

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// adapter lets Pebble work on a disk.FS, with the same promises after a power failure.
type adapter struct{ fs disk.FS }

var _ vfs.FS = adapter{}

// Create makes a file, in the place of one that is there.
func (a adapter) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := a.fs.Create(name)
	if errors.Is(err, fs.ErrExist) {
		if err := a.fs.Remove(name); err != nil {
			return nil, err
		}
		f, err = a.fs.Create(name)
	}
	return a.file(f, name, err)
}

func (a adapter) file(f disk.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &adapterFile{File: f, name: filepath.Base(name)}, nil
}

// Open opens a file.
func (a adapter) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := a.fs.Open(name)
	file, err := a.file(f, name, err)
	if err != nil {
		return nil, err
	}
	for _, o := range opts {
		o.Apply(file)
	}
	return file, nil
}

// OpenReadWrite opens a file, and makes it if need be.
func (a adapter) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := a.Open(name, opts...)
	if errors.Is(err, fs.ErrNotExist) {
		return a.Create(name, category)
	}
	return f, err
}

// OpenDir returns a file of which only Sync and Close do anything.
func (a adapter) OpenDir(name string) (vfs.File, error) {
	if _, err := a.fs.List(name); err != nil {
		return nil, err
	}
	return adapterDir{fs: a.fs, name: name}, nil
}

// Remove removes a file.
func (a adapter) Remove(name string) error { return a.fs.Remove(name) }

// Rename renames a file.
func (a adapter) Rename(from, to string) error { return a.fs.Rename(from, to) }

// ReuseForWrite gives a file another name and opens it.
func (a adapter) ReuseForWrite(from, to string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	if err := a.fs.Rename(from, to); err != nil {
		return nil, err
	}
	return a.Open(to)
}

// MkdirAll makes a folder.
func (a adapter) MkdirAll(dir string, _ os.FileMode) error { return a.fs.MkdirAll(dir) }

// Lock takes a lock.
func (a adapter) Lock(name string) (io.Closer, error) { return a.fs.Lock(name) }

// List returns the names in a folder.
func (a adapter) List(dir string) ([]string, error) {
	infos, err := a.fs.List(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(infos))
	for n, i := range infos {
		names[n] = i.Name
	}
	return names, nil
}

// Stat looks for a name in its folder.
func (a adapter) Stat(name string) (vfs.FileInfo, error) {
	infos, err := a.fs.List(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	for _, i := range infos {
		if i.Name == filepath.Base(name) {
			return info{i}, nil
		}
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// PathBase is filepath.Base.
func (adapter) PathBase(path string) string { return filepath.Base(path) }

// PathJoin is filepath.Join.
func (adapter) PathJoin(elem ...string) string { return filepath.Join(elem...) }

// PathDir is filepath.Dir.
func (adapter) PathDir(path string) string { return filepath.Dir(path) }

// Link is for checkpoints, which this package does not make.
func (adapter) Link(from, _ string) error {
	return &fs.PathError{Op: "link", Path: from, Err: errors.ErrUnsupported}
}

// RemoveAll is for checkpoints likewise.
func (adapter) RemoveAll(name string) error {
	return &fs.PathError{Op: "removeall", Path: name, Err: errors.ErrUnsupported}
}

// GetDiskUsage says that this is not known.
func (adapter) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{}, vfs.ErrUnsupported
}

// Unwrap says that there is no other vfs.FS below.
func (adapter) Unwrap() vfs.FS { return nil }

// adapterFile is a disk.File with a place to go on reading or writing at. Pebble uses it for one of them, and never
// from two goroutines.
type adapterFile struct {
	disk.File

	name string
	at   int64
}

// Read reads on.
func (f *adapterFile) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Write writes on.
func (f *adapterFile) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.at)
	f.at += int64(n)
	return n, err
}

// Preallocate does nothing, which Pebble allows.
func (f *adapterFile) Preallocate(_, _ int64) error { return nil }

// Stat returns the length.
func (f *adapterFile) Stat() (vfs.FileInfo, error) {
	size, err := f.Size()
	return info{disk.Info{Name: f.name, Size: size, Regular: true}}, err
}

// Sync is SyncData.
func (f *adapterFile) Sync() error { return f.SyncData() }

// SyncTo is SyncData: the whole file is safe, which is more than was asked for.
func (f *adapterFile) SyncTo(int64) (full bool, err error) { return true, f.SyncData() }

// Prefetch does nothing.
func (f *adapterFile) Prefetch(_, _ int64) error { return nil }

// Fd says that there is none.
func (f *adapterFile) Fd() uintptr { return vfs.InvalidFd }

// adapterDir is a folder. What is not implemented is not called.
type adapterDir struct {
	vfs.File

	fs   disk.FS
	name string
}

// Sync makes the names safe.
func (d adapterDir) Sync() error { return d.fs.SyncDir(d.name) }

// Close does nothing.
func (d adapterDir) Close() error { return nil }

// info is a disk.Info in the form that Pebble wants.
type info struct{ disk.Info }

func (i info) Name() string           { return i.Info.Name }
func (i info) Size() int64            { return i.Info.Size }
func (i info) IsDir() bool            { return !i.Regular }
func (i info) ModTime() time.Time     { return time.Time{} }
func (i info) Sys() any               { return nil }
func (i info) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }

func (i info) Mode() fs.FileMode {
	if i.IsDir() {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
