package lint

import (
	"go/parser"
	"path"
	"strings"
	"testing"
)

// TestPackageDocs checks that a reader finds each package's introduction in one place.
func TestPackageDocs(t *testing.T) {
	docs, names := map[string][]string{}, map[string]string{}
	for _, f := range goFiles(t, parser.PackageClauseOnly|parser.ParseComments) {
		if f.test {
			if f.Doc != nil {
				t.Errorf("%s: a comment directly above the package clause of a test is lost to readers", f.path)
			}
			continue
		}
		names[f.pkg] = f.Name.Name
		if f.Doc == nil {
			continue
		}
		docs[f.pkg] = append(docs[f.pkg], f.path)
		if base := path.Base(f.path); base != "doc.go" && base != "main.go" {
			t.Errorf("%s: the package comment belongs in doc.go or main.go", f.path)
		}
		if want := "Package " + f.Name.Name + " "; f.Name.Name != "main" && !strings.HasPrefix(f.Doc.Text(), want) {
			t.Errorf("%s: the package comment must start with %q", f.path, want)
		}
	}
	for pkg, name := range names {
		if len(docs[pkg]) != 1 {
			t.Errorf("%s: package %s has %d package comments %v, want exactly one", pkg, name, len(docs[pkg]), docs[pkg])
		}
	}
}
