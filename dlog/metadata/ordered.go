package metadata

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ordered makes the names in a folder safe before one of Pebble's markers is made or removed. Pebble makes a manifest,
// makes its marker, removes the marker of the one before, and only then syncs the folder. A file system that does not keep
// this order could be left with a marker and no manifest, or with no marker at all, and Pebble would take the folder for
// an empty one and remove what is in it.
type ordered struct{ vfs.FS }

// Create makes a file.
func (o ordered) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := o.before(name); err != nil {
		return nil, err
	}
	return o.FS.Create(name, category)
}

// Remove removes a file.
func (o ordered) Remove(name string) error {
	if err := o.before(name); err != nil {
		return err
	}
	return o.FS.Remove(name)
}

// Unwrap returns the file system below.
func (o ordered) Unwrap() vfs.FS { return o.FS }

// before syncs the folder of a marker.
func (o ordered) before(name string) error {
	if !strings.HasPrefix(filepath.Base(name), "marker.") {
		return nil
	}
	dir, err := o.OpenDir(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
