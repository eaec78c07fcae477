//go:build linux

package logcrash

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/internal/overlay"
)

// The planted bugs.
const (
	noSync       = "no sync"
	failedWrites = "failed writes go unnoticed"
)

// plants are the places of the bugs in package dlog/disk.
var plants = []struct{ file, old, bug string }{
	{
		"sync_linux.go", "func fdatasync(f *os.File) error {",
		"func fdatasync(f *os.File) error { if os.Getenv(\"" + envPlanted + "\") == \"" + noSync + "\" { return nil }; ",
	},
	{
		"os.go", "type osFile struct{ *os.File }\n",
		"type osFile struct{ *os.File }\n\n" +
			"func (f osFile) WriteAt(b []byte, at int64) (int, error) {\n\tn, err := f.File.WriteAt(b, at)\n" +
			"\tif os.Getenv(\"" + envPlanted + "\") == \"" + failedWrites + "\" {\n\t\treturn len(b), nil\n\t}\n\treturn n, err\n}\n",
	},
}

// planted builds this program with the bugs.
func planted(t *testing.T) string {
	t.Helper()
	texts := map[string]string{}
	for _, p := range plants {
		path := filepath.Join("..", "..", "dlog", "disk", p.file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), p.old); n != 1 {
			t.Fatalf("%s: the place is there %d times", p.file, n)
		}
		texts[path] = strings.Replace(string(b), p.old, p.bug, 1)
	}
	program := filepath.Join(t.TempDir(), "planted")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-pgo=off", "-overlay", overlay.Write(t, texts), "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestPlanted builds a program with bugs, which both tests must find.
func TestPlanted(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	leaktest.Check(t)
	program := planted(t)
	t.Run(noSync, func(t *testing.T) { shutDownFinds(t, program) })
	t.Run(failedWrites, func(t *testing.T) { failingCallsFind(t, program) })
}
