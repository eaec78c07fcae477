package overlay

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Plant is a bug that the tests of a package must find.
type Plant struct {
	Name      string
	File      string // of the package, relative to the test's folder
	Old, Bug  string // what stands there once, and what stands instead; the word planted in it is whether the bug was chosen
	Run, Says string // the test that must find it, and what it must say, a regular expression
}

// Planted writes the files of a package with all bugs and returns the argument of go build's -overlay. The environment
// variable env of the program chooses one of them by name.
func Planted(tb testing.TB, pkg, env string, plants []Plant) string {
	tb.Helper()
	texts := map[string]string{"planted.go": "package " + pkg + "\n\nimport \"os\"\n"}
	for i, p := range plants {
		if texts[p.File] == "" {
			b, err := os.ReadFile(p.File)
			if err != nil {
				tb.Fatal(err)
			}
			texts[p.File] = string(b)
		}
		if n := strings.Count(texts[p.File], p.Old); n != 1 {
			tb.Fatalf("%s: the place for %q is there %d times", p.File, p.Name, n)
		}
		variable := fmt.Sprintf("planted%d", i)
		texts[p.File] = strings.Replace(texts[p.File], p.Old, strings.ReplaceAll(p.Bug, "planted", variable), 1)
		texts["planted.go"] += fmt.Sprintf("\nvar %s = os.Getenv(%q) == %q\n", variable, env, p.Name)
	}
	return Write(tb, texts)
}
