package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutputThatIsInUse(t *testing.T) {
	dir := t.TempDir()
	first, err := openResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	for _, args := range [][]string{{"bench", "run", "smoke"}, {"demo", "--text", text}} {
		_, stderr, status := ardea(t.Context(), append(args, "--output", dir)...)
		if status != statusUsage || !strings.Contains(stderr, "is in use") || !strings.Contains(stderr, "name another directory") {
			t.Errorf("%v: status %d, %s", args, status, stderr)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestOutputThatCannotBeWrittenIsToldBeforeAnythingIsMeasured(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"report.html": func(path string) error { return os.Mkdir(path, 0o700) },
		"profiles":    func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		dir := t.TempDir()
		if err := plant(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		_, stderr, status := ardea(t.Context(), "bench", "run", "smoke", "--output", dir)
		if status != statusUsage || strings.Count(stderr, filepath.Join(dir, name)) != 1 || strings.Contains(stderr, "begins") {
			t.Errorf("%s: status %d, %s", name, status, stderr)
		}
	}
}
