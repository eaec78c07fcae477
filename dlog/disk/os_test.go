package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	var o OS
	for range 2 {
		if err := o.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(dir, "file")
	if _, err := o.Open(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of what is not there: %v", err)
	}
	f, err := o.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Create(name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create of what is there: %v", err)
	}
	if _, err := f.WriteAt([]byte("hello"), 3); err != nil {
		t.Fatal(err)
	}
	const size = 9<<20 + 17 // beyond two syncs of Preallocate
	for range 2 {
		if err := f.Preallocate(size); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SyncData(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b[:8], []byte("\x00\x00\x00hello")) || !bytes.Equal(b[8:], make([]byte, size-8)) {
		t.Errorf("the file begins with %q", b[:16])
	}
	if n, err := f.Size(); n != size || err != nil {
		t.Errorf("size %d, %v", n, err)
	}
	if err := f.Truncate(5); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.SyncData(); err == nil {
		t.Error("SyncData of a closed file")
	}
	if err := o.Rename(name, name+"2"); err != nil {
		t.Fatal(err)
	}
	if err := o.MkdirAll(filepath.Join(dir, "folder")); err != nil {
		t.Fatal(err)
	}
	infos, err := o.List(dir)
	if want := []Info{{Name: "file2", Size: 5, Regular: true}, {Name: "folder"}}; err != nil || len(infos) != 2 || infos[0] != want[0] || infos[1].Regular {
		t.Errorf("%+v, %v, want %+v", infos, err, want)
	}
	if err := errors.Join(o.SyncDir(dir), o.Remove(name+"2")); err != nil {
		t.Error(err)
	}
	if infos, err := o.List(dir); err != nil || slices.ContainsFunc(infos, func(i Info) bool { return i.Regular }) {
		t.Errorf("after Remove: %+v, %v", infos, err)
	}
}

func TestMkdirAllRefusesAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{name, filepath.Join(name, "below")} {
		if err := (OS{}).MkdirAll(dir); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "LOCK")
	for range 2 {
		lock, err := OS{}.Lock(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (OS{}).Lock(name); !errors.Is(err, ErrLocked) {
			t.Errorf("a second lock: %v", err)
		}
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIsFull(t *testing.T) {
	for err, want := range map[error]bool{
		&fs.PathError{Err: syscall.ENOSPC}: true,
		syscall.EDQUOT:                     true,
		syscall.EIO:                        false,
		nil:                                false,
	} {
		if IsFull(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
}

// TestSyncAll saves a folder's files at once and one by one; neither is told of a failure.
func TestSyncAll(t *testing.T) {
	dir := t.TempDir()
	var files [3]File
	for i := range files {
		f, err := OS{}.Create(filepath.Join(dir, string(rune('a'+i))))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("hello"), 0); err != nil {
			t.Fatal(err)
		}
		files[i] = f
	}
	if err := (OS{}).MkdirAll(filepath.Join(dir, "folder")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(OS{}.SyncAll(dir), syncEach(OS{}, dir)); err != nil {
		t.Error(err)
	}
	for _, f := range files {
		if err := errors.Join(f.Failed(), f.Close()); err != nil {
			t.Error(err)
		}
		if err := f.Failed(); err == nil {
			t.Error("Failed of a closed file")
		}
	}
	for _, sync := range []func(string) error{OS{}.SyncAll, func(dir string) error { return syncEach(OS{}, dir) }} {
		if err := sync(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}

func TestAdvise(t *testing.T) {
	f, err := OS{}.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("hello"), 0); err != nil {
		t.Fatal(err)
	}
	for _, a := range []Advice{Sequential, WillNeed, DontNeed} {
		Advise(f, 0, 0, a)
		b := make([]byte, 5)
		if _, err := f.ReadAt(b, 0); err != nil || string(b) != "hello" {
			t.Errorf("after advice %d: %q, %v", a, b, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
