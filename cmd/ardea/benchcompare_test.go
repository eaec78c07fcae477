package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// savedSuite writes a suite of one section, in which optimized reaches a rate.
func savedSuite(t *testing.T, name string, rate float64) string {
	t.Helper()
	s := &bench.Suite{Schema: bench.SuiteSchema, Name: name, Machine: bench.Machine{CPU: "Example", Cores: 2, Commit: name}}
	section := bench.Section{Name: "words", Kind: bench.KindThroughput, Spec: bench.Spec{Workload: bench.RandomWords, Spouts: 1, Bolts: 1}}
	var values []float64
	for i := range 5 {
		values = append(values, rate*(1+float64(i)/100))
		section.Runs = append(section.Runs, bench.Run{Mode: "optimized", Repeat: i + 1, Cost: bench.Cost{TuplesPerSecond: values[i], TuplesPerCPUSecond: values[i]}})
	}
	stat := bench.NewStat(values)
	section.Summaries = []bench.Summary{{
		Name: "optimized", Runs: 5, TuplesPerSecond: stat, TuplesPerCPUSecond: stat, Nanos: bench.NanosPerTuple{Total: 1e9 / rate},
	}}
	section.Profiles = []profiles.Summary{{
		Variant: "optimized", Role: "stream managers", CPUSeconds: 1, NanosPerTuple: 0.5e9 / rate,
		Shares: []profiles.Share{{Category: profiles.Copy, Seconds: 0.6, Share: 0.6}, {Category: profiles.Route, Seconds: 0.4, Share: 0.4}},
		Flame: &profiles.Frame{Name: "all", Category: profiles.Copy, Nanos: 1e9, Children: []*profiles.Frame{
			{Name: "split", Category: profiles.Copy, Nanos: 6e8}, {Name: "owner", Category: profiles.Route, Nanos: 4e8},
		}},
	}}
	s.Sections = []bench.Section{section}
	path := filepath.Join(t.TempDir(), name+".json")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.WriteJSON(file), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBenchCompare(t *testing.T) {
	a, b := savedSuite(t, "before", 1e6), savedSuite(t, "after", 2e6)
	html, json := filepath.Join(t.TempDir(), "difference.html"), filepath.Join(t.TempDir(), "difference.json")
	stdout, stderr, status := ardea(t.Context(), "bench", "compare", a, b, "--html", html, "--json", json)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	for _, want := range []string{"Note: the commit differs: before and after.", "optimized", "faster", "+100 %", "copy", "150 ns"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	for path, want := range map[string]string{html: "<!doctype html>", json: `"verdict": "faster"`} {
		if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, no %q", path, err, want)
		}
	}
}

func TestBenchExplain(t *testing.T) {
	file := savedSuite(t, "suite", 1e6)
	stdout, stderr, status := ardea(t.Context(), "bench", "explain", file)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	for _, want := range []string{"words, optimized", "1. copy in stream managers", "+43 %", "+25 %", "Amdahl"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

func TestBenchCompareAndExplainRefuse(t *testing.T) {
	good, folder := savedSuite(t, "good", 1e6), t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign, other := write("foreign.json", `{"a": 1}`), write("other.json", `{"schema": "ardea-bench/99"}`)
	empty := write("empty.json", `{"schema": "ardea-bench/1"}`)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"one file":         {[]string{"compare", good}, "accepts 2 arg"},
		"no such file":     {[]string{"compare", good, filepath.Join(folder, "none.json")}, "name a file that ardea bench wrote"},
		"a folder":         {[]string{"compare", folder, good}, "directory"},
		"foreign":          {[]string{"compare", foreign, good}, "not a result of ardea bench"},
		"another schema":   {[]string{"compare", good, other}, "use the version of ardea that wrote it"},
		"bad output":       {[]string{"compare", good, good, "--html", filepath.Join(folder, "no", "x.html")}, "--html: "},
		"explain foreign":  {[]string{"explain", foreign}, "not a result of ardea bench"},
		"no profile":       {[]string{"explain", empty}, "the result has none"},
		"no such section":  {[]string{"explain", good, "--section", "x"}, "section words, mode optimized, role stream managers"},
		"a negative count": {[]string{"explain", good, "--top", "-1"}, "use 0 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, status := ardea(t.Context(), append([]string{"bench"}, tc.args...)...)
			if status != statusUsage || !strings.Contains(stderr, tc.want) {
				t.Errorf("status %d, want %d and %q in\n%s", status, statusUsage, tc.want, stderr)
			}
		})
	}
}
