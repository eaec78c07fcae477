package page

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// ackedFixture makes a suite whose modes were measured with acks and without. All runs of a mode are alike.
func ackedFixture(share float64) *bench.Suite {
	rates := map[string]float64{"naive": 500e3, "optimized": 8e6}
	s := bench.Section{
		Name: "acks", Title: "With acks", Kind: bench.KindThroughput, Containers: 1,
		Spec: bench.Spec{Workload: bench.RandomWords, Spouts: 1, Bolts: 1, Words: 1000},
	}
	for _, mode := range []string{"naive", "optimized"} {
		for _, g := range bench.Guarantees() {
			rate := rates[mode]
			m := bench.Summary{Name: bench.Variant(mode, g), Mode: mode, Guarantee: g, Runs: 4, EngineAllocsPerTuple: 0.25, SocketBytesPerTuple: 91}
			if g.Tracked() {
				rate *= share
				m.OfAtMostOnce = &bench.Stat{Median: share, Low: share - 0.01, High: share + 0.01, N: 4}
				m.CPUOfAtMostOnce, m.AckedPerCPUSecond = m.OfAtMostOnce, &bench.Stat{Median: rate / 2, N: 4}
			}
			m.TuplesPerSecond = bench.Stat{Median: rate, Low: rate, High: rate, N: 4}
			m.TuplesPerCPUSecond = bench.Stat{Median: rate / 2, Low: rate / 2, High: rate / 2, N: 4}
			base := rates["naive"]
			if g.Tracked() {
				base *= share
			}
			m.RatioToNaive, m.VersusNaive = rate/base, bench.Unclear
			if mode == "optimized" {
				m.VersusNaive = bench.Greater
			}
			s.Summaries = append(s.Summaries, m)
			for repeat := range 4 {
				s.Runs = append(s.Runs, bench.Run{
					Workload: bench.RandomWords, Mode: mode, Acks: g.Tracked(), Guarantee: g, Containers: 1, Repeat: repeat + 1,
					Cost: cost(rate, rate/2, false),
				})
			}
		}
	}
	for _, variant := range []string{"naive", "optimized", "optimized acks"} {
		s.Profiles = append(s.Profiles, profiles.Summary{
			Variant: variant, Role: roleAll, CPUSeconds: 5, NanosPerTuple: 100, Shares: []profiles.Share{{Category: profiles.Copy, Share: 1}},
		})
	}
	q := bench.Quantiles{P50: 100, P90: 200, P99: 300, P999: 400, Max: 500, Count: 1000}
	c := bench.Quantiles{P50: 150, P90: 250, P99: 450, P999: 650, Max: 750, Count: 1000}
	spectrum := []bench.SpectrumPoint{{Percentile: 50, Micros: 100}, {Percentile: 99, Micros: 300}}
	latency := bench.Section{Name: "acks-latency", Kind: bench.KindLatency, Containers: 1, Spec: bench.Spec{
		Workload: bench.Latency, Spouts: 1, Bolts: 1, Guarantee: bench.AtLeastOnce, Pending: 5000,
	}}
	for repeat := range 4 {
		latency.Latency = append(latency.Latency,
			bench.LatencyRun{Mode: "optimized", Repeat: repeat + 1, Rate: 1e5, Counted: 1000, Achieved: 1e5, Latency: q, Spectrum: spectrum},
			bench.LatencyRun{
				Mode: "optimized", Guarantee: bench.AtLeastOnce, Repeat: repeat + 1, Rate: 1e5, Counted: 1000, Acked: 1000, Achieved: 1e5,
				Latency: q, Complete: &c, Spectrum: spectrum, CompleteSpectrum: spectrum,
			})
	}
	return &bench.Suite{Schema: bench.SuiteSchema, Name: "acked", Sections: []bench.Section{s, latency}}
}

func TestPageHasAcks(t *testing.T) {
	var out bytes.Buffer
	if err := WriteMarkdown(&out, ackedFixture(0.6)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| optimized acks | 0.6× | 0.59× to 0.61× | 0.6× | 2.40 M | 0.25 | 91.0 |", "| naive acks | 300 k |", "16.0× faster",
		"**0.6×** of the throughput is left with acks", "**450 µs** complete p99", "optimized with acks does 0.6× of its throughput without them",
		"| complete p50 | complete p99 |", "optimized acks, run 1, complete", "at-least-once, with up to 5 k pending tuples of a spout",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "optimized is slower than") {
		t.Errorf("a mode without acks is compared with one with acks:\n%s", out.String())
	}
	if text := visible(t, render(t, ackedFixture(0.6))); !strings.Contains(text, "What acks take") {
		t.Error("the page has no table of acks")
	}
	var plain bytes.Buffer
	if err := WriteMarkdown(&plain, fixture()); err != nil || strings.Contains(plain.String(), "What acks take") || strings.Contains(plain.String(), "complete p50") {
		t.Errorf("%v: there are acks where none were measured", err)
	}
}

func TestBenchmarkTextHasGuarantees(t *testing.T) {
	var out bytes.Buffer
	if err := WriteBenchmark(&out, ackedFixture(0.6)); err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	r := benchfmt.NewReader(&out, "report")
	for r.Scan() {
		if line, is := r.Result().(*benchfmt.Result); is {
			names[line.Name.String()]++
			if _, complete := line.Value("complete-p99-us"); complete != strings.Contains(line.Name.String(), "AcksLatency/mode=optimized/guarantee=at_least_once/") {
				t.Errorf("%s: complete latency %v", line.Name, complete)
			}
		}
	}
	for _, name := range []string{"Acks/mode=naive/guarantee=at_most_once", "Acks/mode=optimized/guarantee=at_least_once", "AcksLatency/mode=optimized/guarantee=at_most_once/rate=100000"} {
		if names[name] != 4 {
			t.Errorf("%d runs of %s in %v", names[name], name, names)
		}
	}
	out.Reset()
	if err := WriteBenchmark(&out, fixture()); err != nil || strings.Contains(out.String(), "guarantee") {
		t.Errorf("%v: a guarantee where there is only one", err)
	}
}

func TestCompareKeepsGuaranteesApart(t *testing.T) {
	c := Compare(ackedFixture(0.5), ackedFixture(0.7))
	verdicts := map[string]Verdict{}
	for i := range c.Changes {
		verdicts[c.Changes[i].Name+", "+c.Changes[i].Metric] = c.Changes[i].Verdict
	}
	for name, want := range map[string]Verdict{
		"optimized, tuples/s": NoVerdict, "optimized acks, tuples/s": Faster, "naive acks, tuples/CPU-s": Faster,
		"optimized at 100 k/s, p99 µs": NoVerdict, "optimized acks at 100 k/s, complete p99 µs": NoVerdict,
	} {
		if got, ok := verdicts[strings.ReplaceAll(name, "100 k", "100\u00a0k")]; !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, is := verdicts["optimized at 100\u00a0k/s, complete p99 µs"]; is {
		t.Error("complete latency of tuples that nobody tracked")
	}
	other := ackedFixture(0.5)
	other.Sections[1].Spec.Guarantee = ""
	if w := Compare(ackedFixture(0.5), other).Warnings; len(w) != 1 || !strings.Contains(w[0], "at-least-once") {
		t.Errorf("%q", w)
	}
}

func TestExplainTakesTheBestModesOfAllGuarantees(t *testing.T) {
	list, err := Explain(ackedFixture(0.6), Scope{})
	if err != nil || len(list) != 2 || list[0].Mode != "optimized" || list[1].Mode != "optimized acks" {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err = Explain(ackedFixture(0.6), Scope{Mode: "optimized acks"}); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}
