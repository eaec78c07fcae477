package matrix

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestDirReplacesWholeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return err
		}
	}
	for _, s := range []string{"first", "second"} {
		if err := d.Write("f", text(s)); err != nil {
			t.Fatal(err)
		}
		if have, err := os.ReadFile(d.Path("f")); err != nil || string(have) != s {
			t.Errorf("%q, %v", have, err)
		}
	}
	broken := errors.New("broken")
	err = d.Write("f", func(w io.Writer) error { return errors.Join(text("half")(w), broken) })
	var output *OutputError
	if !errors.As(err, &output) || !errors.Is(err, broken) {
		t.Error(err)
	}
	if have, err := os.ReadFile(d.Path("f")); err != nil || string(have) != "second" {
		t.Errorf("%q, %v", have, err)
	}
	if files, err := os.ReadDir(path); err != nil || len(files) != 1 {
		t.Errorf("something else is left: %v, %v", files, err)
	}
}

func TestOpenDirRemovesWhatAKilledRunLeft(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{".ardea-123.tmp", "suite.json"} {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if files, err := os.ReadDir(path); err != nil || len(files) != 1 || files[0].Name() != "suite.json" {
		t.Errorf("%v, %v", files, err)
	}
}

func TestDirBelongsToOne(t *testing.T) {
	path := t.TempDir()
	first, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	writing := filepath.Join(path, ".ardea-1.tmp")
	if err := os.WriteFile(writing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var used *DirInUseError
	if _, err := OpenDir(path); !errors.As(err, &used) || used.Path != path {
		t.Errorf("a second one: %v", err)
	}
	if _, err := os.Stat(writing); err != nil {
		t.Errorf("what the first one writes is gone: %v", err)
	}
	first.Close()
	second, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

func TestOpenDirTriesTheFiles(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"report.html": func(path string) error { return os.Mkdir(path, 0o700) },
		"profiles":    func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := plant(path); err != nil {
			t.Fatal(err)
		}
		var output *OutputError
		if _, err := OpenDir(dir, "report.html"); !errors.As(err, &output) || output.Path != path {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		d, err := OpenDir(dir, "report.html") // which the failure has not left locked
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
	}
}

func TestOpenDirRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a file": file, "below a file": filepath.Join(file, "x"), "the kernel's": "/proc/ardea"} {
		var output *OutputError
		if _, err := OpenDir(path); !errors.As(err, &output) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
