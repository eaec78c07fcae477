package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path of the root package; every other package of ours is below it.
const module = "github.com/ardea-stream/ardea"

// root is the top of the repository, seen from this package.
var root = filepath.Join("..", "..")

// Folders without sources of the product's module, from the root or, without a slash in front, anywhere.
var (
	notText   = []string{"/.git", "/.cache", "/bin", "node_modules", "target"}
	notSource = append([]string{"/tools", "/bench/logpeers", "/bench/peers", "testdata"}, notText...)
)

// goFile is one parsed file of the product's module, whatever its build tags say.
type goFile struct {
	*ast.File

	path string // slash-separated, relative to the root
	pkg  string // its directory, "." for the root package
	test bool
}

// walk calls visit with the path, slash-separated and relative to the root, of every file but those in skip and below.
func walk(t *testing.T, skip []string, visit func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		skipped := slices.Contains(skip, "/"+name) || slices.Contains(skip, d.Name())
		switch {
		case err != nil:
			return err
		case skipped && d.IsDir():
			return fs.SkipDir
		case skipped: // in a linked checkout .git is a file
			return nil
		case d.Type().IsRegular():
			visit(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goFiles parses the files of the product's module as far as mode asks.
func goFiles(t *testing.T, mode parser.Mode) []goFile {
	t.Helper()
	var files []goFile
	walk(t, notSource, func(name string) {
		if path.Ext(name) != ".go" {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), onDisk(name), nil, mode)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, goFile{File: parsed, path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go")})
	})
	return files
}

// imports returns the paths that f imports.
func (f goFile) imports(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("%s: %v", f.path, err)
		}
		paths = append(paths, p)
	}
	return paths
}

// ours returns the directory of an imported package of this module.
func ours(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func onDisk(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(onDisk(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func exists(name string) bool {
	_, err := os.Stat(onDisk(name))
	return err == nil
}
