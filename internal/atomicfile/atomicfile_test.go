package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	text := func(s string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, writeErr := io.WriteString(w, s)
			return errors.Join(writeErr, err)
		}
	}
	holds := func(want string) {
		t.Helper()
		b, err := os.ReadFile(path)
		if entries, _ := os.ReadDir(dir); err != nil || string(b) != want || len(entries) != 1 {
			t.Errorf("the file holds %q, %v, and the directory %v; want %q alone", b, err, entries, want)
		}
	}
	if err := Write(path, ".t-*", 0o640, text("old", nil)); err != nil {
		t.Fatal(err)
	}
	holds("old")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("permissions are %v, %v", info.Mode(), err)
	}
	broken := errors.New("broken")
	if err := Write(path, ".t-*", 0o640, text("half", broken)); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	holds("old")
	if err := Write(path, ".t-*", 0o640, text("new", nil)); err != nil {
		t.Fatal(err)
	}
	holds("new")
	if err := Write(filepath.Join(dir, "no", "file"), ".t-*", 0o640, text("", nil)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}
