package metadata

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const tableSuffix = ".sst"

// freezer is a file system that can be frozen, for good: from then on nothing changes on the disk, and what Pebble writes
// goes to memory. Pebble tries a failed flush again at once and for ever; its Open and Close, and writes when there is
// much to flush, wait until that has succeeded. When its files are frozen it does, and Pebble comes to rest. The disk is
// left as it was, as if the process had ended when the write failed; and reads go on.
type freezer struct {
	vfs.FS // the disk

	memory *vfs.MemFS
	frozen func() bool // once true it stays so
}

// newFreezer returns a file system on which there is one folder.
func newFreezer(on vfs.FS, dir string, frozen func() bool) (freezer, error) {
	memory := vfs.NewMem()
	return freezer{FS: on, memory: memory, frozen: frozen}, memory.MkdirAll(dir, 0o700)
}

// Create makes a file. A table that was begun when the files froze is finished where it was begun, as it will be read; no
// manifest on the disk knows of it.
func (f freezer) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	switch {
	case f.frozen():
		return f.memory.Create(name, category)
	case filepath.Ext(name) == tableSuffix:
		return f.FS.Create(name, category)
	}
	file, err := f.FS.Create(name, category)
	return f.file(file, err)
}

func (f freezer) file(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return freezerFile{file, f.frozen}, nil
}

// Open opens a file.
func (f freezer) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if f.frozen() {
		if file, err := f.memory.Open(name, opts...); !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return f.FS.Open(name, opts...)
}

// OpenReadWrite opens a file, and makes it if need be.
func (f freezer) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if f.frozen() {
		return f.memory.OpenReadWrite(name, category, opts...)
	}
	file, err := f.FS.OpenReadWrite(name, category, opts...)
	return f.file(file, err)
}

// OpenDir opens a folder.
func (f freezer) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return f.file(file, err)
}

// Remove removes a file.
func (f freezer) Remove(name string) error {
	if !f.frozen() {
		return f.FS.Remove(name)
	}
	if err := f.memory.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Rename renames a file.
func (f freezer) Rename(from, to string) error {
	if !f.frozen() {
		return f.FS.Rename(from, to)
	}
	if err := f.memory.Rename(from, to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// ReuseForWrite gives a file another name and opens it.
func (f freezer) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if f.frozen() {
		return f.memory.Create(to, category)
	}
	file, err := f.FS.ReuseForWrite(from, to, category)
	return f.file(file, err)
}

// MkdirAll makes a folder.
func (f freezer) MkdirAll(dir string, mode os.FileMode) error {
	if f.frozen() {
		return f.memory.MkdirAll(dir, mode)
	}
	return f.FS.MkdirAll(dir, mode)
}

// List returns the names in a folder.
func (f freezer) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	if err != nil || !f.frozen() {
		return names, err
	}
	more, err := f.memory.List(dir)
	names = append(names, more...)
	slices.Sort(names)
	return slices.Compact(names), err
}

// Stat tells of a file.
func (f freezer) Stat(name string) (vfs.FileInfo, error) {
	if f.frozen() {
		if info, err := f.memory.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return info, err
		}
	}
	return f.FS.Stat(name)
}

// Unwrap returns the file system below.
func (f freezer) Unwrap() vfs.FS { return f.FS }

// freezerFile is a log, manifest or other file on the disk. What is written to it when it is frozen is lost: Pebble reads
// none of these that it has written itself.
type freezerFile struct {
	vfs.File

	frozen func() bool
}

// Write writes on.
func (f freezerFile) Write(p []byte) (int, error) {
	if f.frozen() {
		return len(p), nil
	}
	return f.File.Write(p)
}

// WriteAt writes.
func (f freezerFile) WriteAt(p []byte, at int64) (int, error) {
	if f.frozen() {
		return len(p), nil
	}
	return f.File.WriteAt(p, at)
}

// Preallocate makes room.
func (f freezerFile) Preallocate(at, n int64) error {
	if f.frozen() {
		return nil
	}
	return f.File.Preallocate(at, n)
}

// Sync makes the file safe.
func (f freezerFile) Sync() error {
	if f.frozen() {
		return nil
	}
	return f.File.Sync()
}

// SyncTo makes the beginning of the file safe.
func (f freezerFile) SyncTo(n int64) (full bool, err error) {
	if f.frozen() {
		return true, nil
	}
	return f.File.SyncTo(n)
}

// SyncData makes the contents safe.
func (f freezerFile) SyncData() error {
	if f.frozen() {
		return nil
	}
	return f.File.SyncData()
}
