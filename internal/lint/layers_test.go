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
	{"internal/spin", ""},
	{"internal/leaktest", ""},
	{"internal/overlay", "internal/invariants internal/leaktest"},
	{"internal/lint", ""},
	{"wire/wirepb", ""},
	{"pool", "internal/invariants"},
	{"wire", "internal/invariants wire/wirepb"},
	{"internal/netfault", "wire"},
	{"router", "wire"},
	{"tracker", "wire"},
	{"topology", "internal/invariants pool router tracker wire"},
	{"plan", "topology router wire/wirepb"},
	{"instance", "internal/invariants plan pool topology tracker wire"},
	{"dlog/disk", ""},
	{"dlog/disk/disktest", "dlog/disk"},
	{"dlog/journal", "dlog/disk internal/invariants internal/spin"},
	{"dlog/codec", ""},
	{"dlog/segment", "dlog/disk internal/invariants"},
	{"dlog/identity", "dlog/disk"},
	{"dlog/metadata", "dlog/disk"},
	{"dlog/pace", ""},
	{"dlog/check", "dlog/disk dlog/identity dlog/journal dlog/metadata dlog/segment"},
	{"dlog", "dlog/codec dlog/disk dlog/identity dlog/journal dlog/metadata dlog/pace dlog/segment internal/invariants internal/spin pool"},
	{"dlog/serve", "dlog dlog/codec pool"},
	{"dataplane", "dlog internal/invariants plan pool router wire wire/wirepb"},
	{"dlog/pipe", "dlog dlog/codec dlog/serve topology wire"},
	{"local/endpoint", ""},
	{"local/capture", "internal/atomicfile local/endpoint"},
	{"local", "local/capture local/endpoint dataplane dlog dlog/serve instance internal/invariants plan pool topology wire"},
	{".", "local plan topology dataplane"},
	{"examples", ". dlog dlog/pipe dlog/serve local topology"},
	{"profiles", ""},
	{"bench", "*"},
	{"bench/logbench/bare", "dlog/disk"},
	{"bench/logbench", "bench bench/logbench/bare dlog dlog/disk dlog/journal dlog/pace"},
	{"bench/logbench/torture", "bench dlog"},
	{"bench/matrices", ""},
	{"bench/rivals/contract", ""},
	{"bench/rivals/words", "bench"},
	{"bench/rivals/adapter", "bench bench/rivals/contract bench/rivals/words"},
	{"bench/rivals/own", "bench/rivals/adapter bench/rivals/contract bench/rivals/words dlog/pipe local topology"},
	{"bench/rivals", "bench bench/rivals/contract bench/rivals/words"},
	{"bench/matrix", "internal/atomicfile bench dataplane profiles topology"},
	{"bench/page", "bench bench/rivals bench/rivals/contract profiles"},
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
