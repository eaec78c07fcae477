package overlay

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Write returns the argument of go build's -overlay that puts texts in the place of the files of these paths, absolute
// or relative to the test's folder, which need not exist. The test's end removes what it has written.
func Write(tb testing.TB, texts map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	replace := map[string]string{}
	for path, text := range texts {
		place, err := filepath.Abs(path)
		if err != nil {
			tb.Fatal(err)
		}
		replace[place] = write(tb, dir, fmt.Sprintf("%d.go", len(replace)), []byte(text))
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		tb.Fatal(err)
	}
	return write(tb, dir, "overlay.json", b)
}

func write(tb testing.TB, dir, name string, content []byte) (path string) {
	tb.Helper()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
