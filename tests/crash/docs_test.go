package crash

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const guarantees = root + "/docs/guarantees.md"

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestGuaranteesNameTests checks that the tests which the document names exist.
func TestGuaranteesNameTests(t *testing.T) {
	names := regexp.MustCompile("`([a-z0-9/]+):(Test\\w+)`").FindAllStringSubmatch(read(t, guarantees), -1)
	if len(names) < 10 {
		t.Fatalf("the document names %d tests", len(names))
	}
	for _, name := range names {
		files, _ := filepath.Glob(filepath.Join(root, name[1], "*_test.go"))
		found := false
		for _, file := range files {
			found = found || strings.Contains(read(t, file), "func "+name[2]+"(t *testing.T)")
		}
		if !found {
			t.Errorf("there is no %s in %s", name[2], name[1])
		}
	}
}

// TestGuaranteesShowCompiledCode checks that the document's code is that of the example.
func TestGuaranteesShowCompiledCode(t *testing.T) {
	example := read(t, root+"/topology/example_replayer_test.go")
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, guarantees), -1)
	if len(blocks) == 0 {
		t.Fatal("the document shows no code")
	}
	for _, block := range blocks {
		if !strings.Contains(example, block[1]) {
			t.Errorf("this is not in the example:\n%s", block[1])
		}
	}
}
