package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const architecture = "ARCHITECTURE.md"

var (
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	// A file, perhaps with a declaration in it: pool/buf.go, wire/frame.go:Header, dataplane/loop.go:loop.flush.
	fileName = regexp.MustCompile(`^([\w.-]+/)*[\w.-]+\.(go|proto|md|mod|sum|yml|txt|hex)(:[\w.]+)?$`)
	// A folder: dataplane/, profiles/evidence/.
	folderName = regexp.MustCompile(`^([\w.-]+/)+$`)
	// A line of a fenced file map starts with the path.
	mapEntry = regexp.MustCompile(`(?m)^([\w.-]+/)*([\w.-]+/|[\w-]+\.go)(\s|$)`)
)

// TestArchitectureNamesWhatExists keeps the map true: a reader who follows it must arrive.
func TestArchitectureNamesWhatExists(t *testing.T) {
	prose, fenced := splitFences(read(t, architecture))
	var names []string
	for _, span := range codeSpan.FindAllStringSubmatch(prose, -1) {
		names = append(names, span[1])
	}
	for _, entry := range mapEntry.FindAllString(fenced, -1) {
		names = append(names, strings.TrimSpace(entry))
	}
	for _, name := range names {
		switch {
		case folderName.MatchString(name):
			if !exists(name) {
				t.Errorf("%s names %s, which does not exist", architecture, name)
			}
		case fileName.MatchString(name):
			file, declaration, _ := strings.Cut(name, ":")
			if !exists(file) {
				t.Errorf("%s names %s, which does not exist (paths start at the root)", architecture, file)
				continue
			}
			if declaration != "" && !slices.Contains(declarations(t, file), declaration) {
				t.Errorf("%s names %s, but %s declares no %s", architecture, name, file, declaration)
			}
		}
	}
}

// TestArchitectureNamesEveryPackage keeps the map whole.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	text := read(t, architecture)
	seen := map[string]bool{}
	for _, f := range goFiles(t, parser.PackageClauseOnly) {
		top, _, nested := strings.Cut(f.path, "/")
		if !nested || seen[top] {
			continue
		}
		seen[top] = true
		if !regexp.MustCompile("(^|[\\s`(])" + regexp.QuoteMeta(top) + "/").MatchString(text) {
			t.Errorf("%s does not say what %s/ is", architecture, top)
		}
	}
}

// splitFences parts a Markdown text into what stands outside and inside its fenced blocks.
func splitFences(text string) (prose, fenced string) {
	var out, in strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			inside = !inside
		case inside:
			in.WriteString(line)
		default:
			out.WriteString(line)
		}
	}
	return out.String(), in.String()
}

// declarations returns the top-level names of a Go file. A method is listed as T.M and as M.
func declarations(t *testing.T, file string) []string {
	t.Helper()
	if path.Ext(file) != ".go" {
		return nil
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), onDisk(file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, decl := range parsed.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			names = append(names, d.Name.Name)
			if d.Recv != nil {
				names = append(names, receiver(d.Recv.List[0].Type)+"."+d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// receiver returns the name of a method's type, without its star and type parameters.
func receiver(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func TestDeclarations(t *testing.T) {
	got := declarations(t, "internal/lint/tree_test.go")
	for _, want := range []string{"module", "root", "goFile", "walk", "imports", "goFile.imports"} {
		if !slices.Contains(got, want) {
			t.Errorf("tree_test.go declares no %s: %v", want, got)
		}
	}
}
