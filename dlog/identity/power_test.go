package identity

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

// forgetful leaves out a sync.
type forgetful struct {
	disk.FS

	folders, files bool
}

func (f forgetful) SyncDir(dir string) error {
	if f.folders {
		return nil
	}
	return f.FS.SyncDir(dir)
}

func (f forgetful) Create(name string) (disk.File, error) {
	file, err := f.FS.Create(name)
	if err == nil && f.files {
		file = forgetfulFile{file}
	}
	return file, err
}

type forgetfulFile struct{ disk.File }

func (forgetfulFile) SyncData() error { return nil }

// powerLosses makes a store, cuts the power after every operation in many ways, and returns what is wrong with what is
// left: it must be a whole store or none, and the store if Create has returned; and then Create or Open must work.
func powerLosses(wrap func(disk.FS) disk.FS) error {
	for seed := range uint64(60) {
		fs := disktest.New()
		var left []*disktest.FS
		fs.After(func(disktest.Op) { left = append(left, fs.Crash(seed+uint64(len(left))*1000)) })
		h, err := Create(wrap(fs), dir, made)
		if err != nil {
			return err
		}
		left = append(left, fs.Crash(seed))
		if err := h.Close(); err != nil {
			return err
		}
		for i, after := range left {
			done := i == len(left)-1
			h, err := Open(after, dir)
			if errors.Is(err, ErrNotStore) && !done {
				h, err = Create(after, dir, made)
			}
			if err != nil {
				return fmt.Errorf("seed %d, operation %d of %d: %w", seed, i, len(left), err)
			}
			// What has been opened must still be there after one more failure.
			again, err := Open(after.Crash(seed), dir)
			if err != nil || again.Identity != made {
				return fmt.Errorf("seed %d, operation %d of %d, one more failure: %w", seed, i, len(left), err)
			}
			if err := errors.Join(h.Close(), again.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestPowerLoss(t *testing.T) {
	if err := powerLosses(func(fs disk.FS) disk.FS { return fs }); err != nil {
		t.Error(err)
	}
	for name, wrap := range map[string]func(disk.FS) disk.FS{
		"no folder sync": func(fs disk.FS) disk.FS { return forgetful{FS: fs, folders: true} },
		"no file sync":   func(fs disk.FS) disk.FS { return forgetful{FS: fs, files: true} },
	} {
		if err := powerLosses(wrap); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

// TestOpenMakesTheNameSafe has a process that ends between the renaming of STORE and the sync of the folder.
func TestOpenMakesTheNameSafe(t *testing.T) {
	fs := disktest.New()
	fs.Fail(disktest.Fault{Kind: disktest.OpSyncDir, K: 1, Err: syscall.EIO})
	if _, err := Create(fs, dir, made); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	fs.Heal()
	h, err := Open(fs, dir)
	must(t, err)
	for seed := range uint64(20) {
		if _, err := Open(fs.Crash(seed), dir); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	must(t, h.Close())
}

// TestEveryCallFails has each call of each kind fail once: Create and Open return the error or do without, and when the
// disk is well again the store can be made or opened.
func TestEveryCallFails(t *testing.T) {
	for _, kind := range disktest.Kinds() {
		for k := 1; ; k++ {
			fs := disktest.New()
			fs.Fail(disktest.Fault{Kind: kind, K: k, Err: syscall.EIO, Short: true})
			h, err := Create(fs, dir, made)
			if err == nil {
				must(t, h.Close())
				h, err = Open(fs, dir)
			}
			failed := fs.Failed()
			if err != nil && !errors.Is(err, syscall.EIO) {
				t.Errorf("%s %d: %v", kind, k, err)
			}
			fs.Heal()
			if err == nil {
				must(t, h.Close())
			}
			h, err = Open(fs, dir)
			if errors.Is(err, ErrNotStore) {
				h, err = Create(fs, dir, made)
			}
			if err != nil || h.Identity != made {
				t.Fatalf("%s %d, when the disk is well again: %v", kind, k, err)
			}
			must(t, h.Close())
			if failed == 0 {
				break
			}
		}
	}
}
