package metadata

import "github.com/cockroachdb/pebble/v2/vfs"

// roomy is a file system for which the reserve is given back when there is no other room. A sync that finds none is not
// tried again.
type roomy struct {
	vfs.FS

	reserve *reserve
}

// Create makes a file.
func (r roomy) Create(name string, category vfs.DiskWriteCategory) (file vfs.File, err error) {
	return r.open(func() (vfs.File, error) { return r.FS.Create(name, category) })
}

// OpenReadWrite opens a file, and makes it if need be.
func (r roomy) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return r.open(func() (vfs.File, error) { return r.FS.OpenReadWrite(name, category, opts...) })
}

// ReuseForWrite gives a file another name and opens it.
func (r roomy) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return r.open(func() (vfs.File, error) { return r.FS.ReuseForWrite(from, to, category) })
}

func (r roomy) open(open func() (vfs.File, error)) (file vfs.File, err error) {
	err = r.reserve.room(func() (err error) {
		file, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return roomyFile{file, r.reserve}, nil
}

// Rename renames a file.
func (r roomy) Rename(from, to string) error {
	return r.reserve.room(func() error { return r.FS.Rename(from, to) })
}

// Unwrap returns the file system below.
func (r roomy) Unwrap() vfs.FS { return r.FS }

// roomyFile is a file that is written to.
type roomyFile struct {
	vfs.File

	reserve *reserve
}

// Write writes on.
func (f roomyFile) Write(p []byte) (n int, err error) {
	err = f.reserve.room(func() error {
		wrote, err := f.File.Write(p[n:])
		n += wrote
		return err
	})
	return n, err
}

// WriteAt writes.
func (f roomyFile) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.reserve.room(func() error {
		wrote, err := f.File.WriteAt(p[n:], at+int64(n))
		n += wrote
		return err
	})
	return n, err
}

// Preallocate makes room.
func (f roomyFile) Preallocate(at, n int64) error {
	return f.reserve.room(func() error { return f.File.Preallocate(at, n) })
}
