package disk

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// syncEach is SyncAll for systems that cannot sync many files at once.
func syncEach(fsys FS, dir string) error {
	infos, err := fsys.List(dir)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if !info.Regular {
			continue
		}
		f, err := fsys.Open(filepath.Join(dir, info.Name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.SyncData(), f.Close()); err != nil {
			return err
		}
	}
	return fsys.SyncDir(dir)
}
