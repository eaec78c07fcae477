package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/bench"
)

func TestCompareCallsOnlyWhatIsSupported(t *testing.T) {
	a, b := fixture(), scaledFixture(1.3)
	b.Machine.Commit, b.Machine.Kernel = "fedcba987654", "6.2.0"
	b.Sections = b.Sections[:4]
	c := Compare(a, b)
	verdicts := map[string]Verdict{}
	for i := range c.Changes {
		k := &c.Changes[i]
		verdicts[k.Section+" "+k.Name+" "+k.Metric] = k.Verdict
	}
	for name, want := range map[string]Verdict{
		"words-1 optimized tuples/s": Faster, "words-1 optimized tuples/CPU-s": Faster, "words-1 naive tuples/s": NoVerdict,
		"ablation everything on (best) tuples/s": NoVerdict,
	} {
		if got, ok := verdicts[name]; !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	warnings := strings.Join(c.Warnings, "\n")
	for _, want := range []string{"the commit differs", "the kernel differs: 6.1.0 and 6.2.0", `only A has the section "fanout-16"`, "noisy"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no %q in %s", want, warnings)
		}
	}
	if len(c.Profiles) != 6 {
		t.Errorf("%d differences of profiles, want 6", len(c.Profiles))
	}
	back := Compare(b, a)
	for i := range back.Changes {
		if k := &back.Changes[i]; k.Section == "words-1" && k.Name == "optimized" && k.Verdict != Slower {
			t.Errorf("the other way round: %+v", k)
		}
	}
}

func TestCompareNeedsFourRuns(t *testing.T) {
	few := func(median float64, lower bool) sample {
		return newSample("x", "m", lower, bench.Stat{}, []float64{median, median * 1.01, median * 1.02})
	}
	enough := func(median float64, lower bool) sample {
		return newSample("x", "m", lower, bench.Stat{}, []float64{median, median * 1.01, median * 1.02, median * 1.03, median * 1.04})
	}
	if c := changeOf("s", few(1, false), few(2, false)); c.Verdict != NoVerdict {
		t.Errorf("three runs: %+v", c)
	}
	if c := changeOf("s", enough(1, false), enough(2, false)); c.Verdict != Faster || c.P >= significance {
		t.Errorf("more tuples: %+v", c)
	}
	if c := changeOf("s", enough(1, true), enough(2, true)); c.Verdict != Slower {
		t.Errorf("more latency: %+v", c)
	}
	if c := changeOf("s", enough(1, false), enough(1.01, false)); c.Verdict != NoVerdict {
		t.Errorf("overlapping intervals: %+v", c)
	}
}

func TestCompareMatchesRatesByLoad(t *testing.T) {
	suite := func(capacity float64) *bench.Suite {
		section := bench.Section{Name: "latency", Kind: bench.KindLatency}
		for repeat := range 4 {
			section.Latency = append(section.Latency, bench.LatencyRun{
				Mode: "optimized", Repeat: repeat + 1, Rate: capacity / 2, Load: 0.5, Counted: 100, Latency: bench.Quantiles{P50: 10, P99: 20},
			})
		}
		merged := section.Latency[0]
		merged.Repeat = 0
		section.Latency = append(section.Latency, merged)
		return &bench.Suite{Sections: []bench.Section{section}}
	}
	c := Compare(suite(1e6), suite(1.1e6))
	if len(c.Changes) != 2 || c.Changes[0].Name != "optimized at 50 % of capacity" || c.Changes[0].A.N != 4 {
		t.Errorf("%+v", c.Changes)
	}
	var out bytes.Buffer
	if err := WriteBenchmark(&out, suite(1e6)); err != nil || strings.Count(out.String(), "/rate=") != 4 {
		t.Errorf("%v: merged runs are written beside the single ones:\n%s", err, out.String())
	}
}

func TestComparisonIsWritten(t *testing.T) {
	c := Compare(fixture(), scaledFixture(1.3))
	var text, page bytes.Buffer
	if err := errors.Join(c.WriteText(&text), c.WriteHTML(&page)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"words-1", "faster", "CPU time by category", "total"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if !strings.Contains(visible(t, page.String()), "Where the CPU time has changed") {
		t.Error("the page has no profiles")
	}
	var nothing bytes.Buffer
	if err := Compare(nil, nil).WriteText(&nothing); err != nil || !strings.Contains(nothing.String(), "nothing in common") {
		t.Errorf("%v: %s", err, nothing.String())
	}
}

func TestHostileComparisons(t *testing.T) {
	want := tags(t, render(t, fixture()))
	for name, s := range hostileSuites() {
		t.Run(name, func(t *testing.T) {
			var page bytes.Buffer
			c := Compare(s, fixture())
			if err := errors.Join(c.WriteText(io.Discard), c.WriteHTML(&page)); err != nil {
				t.Fatal(err)
			}
			for tag := range tags(t, page.String()) {
				if _, ours := want[tag]; !ours {
					t.Errorf("the page has an element %s", tag)
				}
			}
			if list, err := Explain(s, Scope{}); err == nil {
				if err := WriteExplanations(io.Discard, list, 0); err != nil {
					t.Error(err)
				}
			} else if !errors.Is(err, ErrNoProfile) {
				t.Error(err)
			}
		})
	}
}

func TestComparisonInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	var out bytes.Buffer
	c := Compare(fixture(), scaledFixture(1.3))
	if err := c.WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	for _, width := range []int64{1280, 390} {
		b.open(t, save(t, out.Bytes()), width, "light")
		b.keepPicture(t, map[int64]string{1280: "compare-wide", 390: "compare-narrow"}[width])
		for what, script := range pageRules {
			var faults []string
			if b.eval(t, script, &faults); len(faults) > 0 {
				t.Errorf("%d px: %s: %q", width, what, faults)
			}
		}
	}
	b.checkQuiet(t)
}

func TestExplainRanksByCost(t *testing.T) {
	list, err := Explain(fixture(), Scope{})
	if err != nil || len(list) != 1 || list[0].Mode != bestMode {
		t.Fatalf("%v: %+v", err, list)
	}
	costs := list[0].Costs
	for i := 1; i < len(costs); i++ {
		if costs[i].OfAll > costs[i-1].OfAll {
			t.Errorf("%s stands behind %s", costs[i].Category, costs[i-1].Category)
		}
	}
	first := costs[0]
	if want := 1 / (1 - 0.62*120/187); first.Category != "user code" || first.Role != "bolts" || first.Gain < want-0.01 || first.Gain > want+0.01 {
		t.Errorf("the first is %s in %s with a gain of %v, want %v", first.Category, first.Role, first.Gain, want)
	}
	all, err := Explain(fixture(), Scope{Mode: "naive", Role: managers, Section: "words-1"})
	if err != nil || len(all) != 1 || all[0].Costs[0].Category != "decode" {
		t.Errorf("%v: %+v", err, all)
	}
	var out bytes.Buffer
	if err := WriteExplanations(&out, list, 2); err != nil || !strings.Contains(out.String(), "1. user code in bolts") || strings.Contains(out.String(), "3. ") {
		t.Errorf("%v:\n%s", err, out.String())
	}
	for _, scope := range []Scope{{Section: "none"}, {Mode: "none"}, {Role: "none"}} {
		if _, err := Explain(fixture(), scope); !errors.Is(err, ErrNoProfile) || !strings.Contains(err.Error(), "words-1") {
			t.Errorf("%+v: %v", scope, err)
		}
	}
}

func TestRead(t *testing.T) {
	suite, err := json.Marshal(fixture())
	if err != nil {
		t.Fatal(err)
	}
	s := fixture()
	report, err := json.Marshal(&bench.Report{
		Runs: s.Sections[0].Runs, Summaries: s.Sections[0].Summaries, Latency: s.Sections[1].Latency, Curves: s.Sections[2].Curves, Machine: s.Machine,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Read(bytes.NewReader(suite)); err != nil || len(got.Sections) != len(s.Sections) {
		t.Errorf("suite: %v", err)
	}
	if got, err := Read(bytes.NewReader(report)); err != nil || len(got.Sections) != 3 || got.Sections[0].Name != "randomwords" || got.Machine.CPU != s.Machine.CPU {
		t.Errorf("report: %v: %+v", err, got)
	}
	for text, want := range map[string]error{
		"": ErrForeign, "words": ErrForeign, "[]": ErrForeign, "{}": ErrForeign, "null": ErrForeign, `{"runs":[]}`: ErrForeign, `{"schema":"ardea-bench/2"}`: ErrSchema,
		`{"schema":"ardea-bench/1","sections":7}`: ErrForeign, `{"runs":7,"machine":{}}`: ErrForeign, `{"schema":"ardea-bench/1"} x`: ErrForeign,
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	suite, err := json.Marshal(fixture())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"schema":"ardea-bench/1","sections":[{"name":"x","kind":"curve","curves":[{"mode":"optimized","points":[{}]}]}]}`))
	f.Add([]byte(`{"runs":[{}],"machine":{}}`))
	f.Add(suite[:min(len(suite), 4000)])
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, ErrForeign) && !errors.Is(err, ErrSchema) {
				t.Errorf("not a typed error: %v", err)
			}
			return
		}
		if err := errors.Join(WriteHTML(io.Discard, s), WriteMarkdown(io.Discard, s), WriteBenchmark(io.Discard, s), Compare(s, s).WriteText(io.Discard)); err != nil {
			t.Error(err)
		}
	})
}
