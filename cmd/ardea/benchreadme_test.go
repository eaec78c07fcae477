package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/page"
)

func TestBenchReadme(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	stat := bench.Stat{Median: 5e6, Low: 4e6, High: 6e6, N: 3}
	suite := &bench.Suite{
		Schema: bench.SuiteSchema, Command: "ardea bench run full",
		Sections: []bench.Section{{Kind: bench.KindThroughput, Summaries: []bench.Summary{{Name: "optimized", Runs: 3, TuplesPerSecond: stat}}}},
	}
	text, err := json.Marshal(suite)
	if err != nil {
		t.Fatal(err)
	}
	suite.Partial = "interrupted"
	partial, err := json.Marshal(suite)
	if err != nil {
		t.Fatal(err)
	}
	const marked = "# T\n" + bench.ReadmeBegin + "\nold\n" + bench.ReadmeEnd + "\nrest\n"
	whole, readme := write("suite.json", string(text)), write("README.md", marked)
	if stdout, stderr, status := ardea(t.Context(), "bench", "readme", "--suite", whole, readme); status != statusOK || stdout != "" {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	fresh, err := os.ReadFile(readme)
	if err != nil || strings.Contains(string(fresh), "old") || !strings.Contains(string(fresh), "| optimized | 5.00 M | 4.00 M - 6.00 M |") {
		t.Errorf("%s, %v", fresh, err)
	}
	for _, tc := range []struct {
		suite, readme, want string
		status              int
	}{
		{filepath.Join(dir, "none"), readme, "name the suite.json", statusUsage},
		{write("bad.json", "{"), readme, "name the suite.json", statusUsage},
		{write("other.json", `{"runs":[]}`), readme, "it has no schema", statusUsage},
		{write("foreign.json", `{"schema":"x"}`), readme, `its schema is "x"`, statusUsage},
		{whole, filepath.Join(dir, "none"), "name a Markdown file", statusUsage},
		{whole, write("unmarked.md", "# T\n"), "put them where the tables shall stand", statusError},
		{write("partial.json", string(partial)), readme, "the suite is partial", statusError},
	} {
		before, _ := os.ReadFile(tc.readme)
		_, stderr, status := ardea(t.Context(), "bench", "readme", "--suite", tc.suite, tc.readme)
		if status != tc.status || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s, %s: status %d, want %q, have %s", tc.suite, tc.readme, status, tc.want, stderr)
		}
		if after, _ := os.ReadFile(tc.readme); string(after) != string(before) {
			t.Errorf("%s, %s: the file has changed", tc.suite, tc.readme)
		}
	}
}

func TestFilesThatAreTooLarge(t *testing.T) {
	huge, small := filepath.Join(t.TempDir(), "huge"), savedSuite(t, "small", 1e6)
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, page.MaxFile+1); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"readme", "--suite", huge, small}, {"readme", "--suite", small, huge}, {"compare", small, huge}, {"explain", huge}} {
		_, stderr, status := ardea(t.Context(), append([]string{"bench"}, args...)...)
		if status != statusUsage || !strings.Contains(stderr, "larger than 512 MiB") {
			t.Errorf("%v: status %d, %s", args, status, stderr)
		}
	}
}

// TestTablesAreWhatWasMeasured holds README.md and docs/profiling.md against the newest suite that is kept.
func TestTablesAreWhatWasMeasured(t *testing.T) {
	kept, err := filepath.Glob("../../profiles/evidence/*/suite.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) == 0 {
		t.Skip("no suite is kept in profiles/evidence")
	}
	newest := kept[len(kept)-1] // their folders begin with the date
	for _, name := range []string{"README.md", "docs/profiling.md"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		fresh := filepath.Join(t.TempDir(), "fresh.md")
		if err := os.WriteFile(fresh, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := refreshReadme(newest, fresh); err != nil {
			t.Fatal(err)
		}
		if want, err := os.ReadFile(fresh); err != nil || string(want) != string(text) {
			t.Errorf("%s does not say what %s says (%v): ardea bench readme --suite FILE %s writes it anew", name, newest, err, name)
		}
	}
}
