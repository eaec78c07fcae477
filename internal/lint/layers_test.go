package lint

import (
	"go/parser"
	"slices"
	"strings"
	"testing"
)

// layers is policy, bottom first: a package may import only what its line lists. "." is the root package, "*" means
// anything. dataplane and instance never import each other, because the wire is their contract.
var layers = []struct{ pkg, may string }{
	{"internal/atomicfile", ""},
	{"internal/invariants", ""},
	{"internal/leaktest", ""},
	{"internal/overlay", ""},
	{"internal/lint", ""},
	{"wire/wirepb", ""},
	{"pool", "internal/invariants"},
	{"wire", "internal/invariants wire/wirepb"},
	{"internal/netfault", "wire"},
	{"router", "wire"},
	{"tracker", "wire"},
	{"topology", "internal/invariants pool router tracker wire"},
	{"plan", "topology router wire/wirepb"},
	{"dataplane", "internal/invariants plan pool router wire wire/wirepb"},
	{"instance", "internal/invariants plan pool topology tracker wire"},
	{"dlog/disk", ""},
	{"dlog/disk/disktest", "dlog/disk"},
	{"dlog/journal", "dlog/disk internal/invariants"},
	{"local/endpoint", ""},
	{"local/capture", "internal/atomicfile local/endpoint"},
	{"local", "local/capture local/endpoint dataplane instance internal/invariants plan pool topology wire"},
	{".", "local plan topology dataplane"},
	{"examples", ". topology"},
	{"profiles", ""},
	{"bench", "*"},
	{"bench/matrices", ""},
	{"bench/matrix", "internal/atomicfile bench dataplane profiles topology"},
	{"bench/page", "bench profiles"},
	{"tests", "*"},
	{"cmd/ardea", "*"},
}

// layerOf returns the name under which layers lists a package: that of the folder for those that hold many programs.
func layerOf(pkg string) string {
	for _, folder := range []string{"examples", "tests"} {
		if strings.HasPrefix(pkg, folder+"/") {
			return folder
		}
	}
	return pkg
}

// TestLayers reads all files, so that no build tag hides an import, but not tests, which may look at anything.
func TestLayers(t *testing.T) {
	allowed, used := map[string][]string{}, map[string]bool{}
	for i, layer := range layers {
		allowed[layer.pkg] = strings.Fields(layer.may)
		for _, dep := range allowed[layer.pkg] {
			if _, below := allowed[dep]; dep != "*" && (!below || dep == layer.pkg) {
				t.Errorf("layers: %s (line %d) may import %s, which does not stand below it", layer.pkg, i+1, dep)
			}
		}
	}
	for _, f := range goFiles(t, parser.ImportsOnly) {
		if f.test {
			continue
		}
		pkg := layerOf(f.pkg)
		may, known := allowed[pkg]
		if !known {
			t.Errorf("%s: say in layers what %s may import", f.path, pkg)
			continue
		}
		used[pkg] = true
		for _, imported := range f.imports(t) {
			dep, isOurs := ours(imported)
			if isOurs && layerOf(dep) != pkg && !slices.Contains(may, "*") && !slices.Contains(may, dep) {
				t.Errorf("%s: %s must not import %s", f.path, pkg, dep)
			}
		}
	}
	for _, layer := range layers {
		if !used[layer.pkg] {
			t.Errorf("layers lists %s, which is gone", layer.pkg)
		}
	}
}
