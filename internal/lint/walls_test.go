package lint

import (
	"go/parser"
	"slices"
	"strings"
	"testing"
)

// walls lists every module of others that we import, where it may be imported, and why only there. A module without a
// line may not be imported at all. Tests of a package count as part of it; "_test" allows every test.
var walls = []struct{ module, where, reason string }{
	{"github.com/panjf2000/gnet/v2", "dataplane", "one package knows the event loop; everyone else knows frames"},
	{"google.golang.org/protobuf", "wire wire/wirepb plan", "the path of a tuple reads bytes in place and never builds protobuf objects; dataplane's naive mode goes through wire/wirepb"},
	{"github.com/spf13/cobra", "cmd/ardea", "libraries take a Config; only the program has flags"},
	{"github.com/spf13/pflag", "cmd/ardea", "the flags of cobra"},
	{"github.com/zeebo/xxh3", "router", "the key hash is part of the wire format: one function computes it"},
	{"github.com/HdrHistogram/hdrhistogram-go", "bench bench/rivals/adapter", "latency is recorded by the harness, the engine counts"},
	{"github.com/google/pprof", "profiles local/capture _test", "who records and who reads know the form of profiles, everyone else knows files"},
	{"github.com/santhosh-tekuri/jsonschema/v6", "_test", "results are held against their schema, no product code"},
	{"go.yaml.in/yaml/v3", "bench/matrix", "one package knows the text of a matrix"},
	{"golang.org/x/sys", "*", "an extension of the standard library's syscall"},
	{"github.com/cockroachdb/pebble/v2", "dlog/metadata", "one package knows how the log's facts are stored, everyone else knows rows"},
	{"pgregory.net/rapid", "_test", "random tests, no product code"},
	{"github.com/chromedp", "_test", "tests look at the report's page in a browser"},
	{"golang.org/x/perf/benchfmt", "_test", "tests read what benchstat reads"},
	{"github.com/prometheus", "local", "one package knows the form in which metrics are served"},
	{"golang.org/x/term", "cmd/ardea", "the program alone has a terminal"},
	{"golang.org/x/text/width", "cmd/ardea", "how many columns a letter takes on it"},
	{"github.com/creack/pty", "_test", "tests look at the program on a terminal"},
	{"golang.org/x/net/netutil", "local/endpoint", "bounds the connections of a server"},
	{"github.com/klauspost/compress", "dlog/codec", "one package knows how batches are compressed"},
	{"golang.org/x/net/html", "_test", "tests parse the report's page"},
}

func TestWalls(t *testing.T) {
	used := map[string]bool{}
	for _, f := range goFiles(t, parser.ImportsOnly) {
		for _, imported := range f.imports(t) {
			first, _, _ := strings.Cut(imported, "/")
			if _, isOurs := ours(imported); isOurs || !strings.Contains(first, ".") {
				continue
			}
			i := slices.IndexFunc(walls, func(wall struct{ module, where, reason string }) bool {
				return imported == wall.module || strings.HasPrefix(imported, wall.module+"/")
			})
			if i < 0 {
				t.Errorf("%s: say in walls where %s may be imported, and why", f.path, imported)
				continue
			}
			wall, where := walls[i], strings.Fields(walls[i].where)
			used[wall.module] = true
			if !slices.Contains(where, "*") && !slices.Contains(where, f.pkg) && (!f.test || !slices.Contains(where, "_test")) {
				t.Errorf("%s: %s belongs in %s: %s", f.path, imported, wall.where, wall.reason)
			}
		}
	}
	for _, wall := range walls {
		if !used[wall.module] {
			t.Errorf("walls lists %s, which nobody imports", wall.module)
		}
	}
}
