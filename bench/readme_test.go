package bench

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// madeUpSuite has a headline, another workload, one without the naive mode, latencies, and both with acks.
func madeUpSuite() *Suite {
	r := madeUp()
	q := Quantiles{P50: 120, P90: 250, P99: 900, P999: 2100, Max: 15_000}
	first := Section{Name: "random-words", Kind: KindThroughput, Runs: r.Runs, Summaries: r.Summaries, Limits: r.Limits}
	other, odd := first, first
	other.Name, other.Title = "chain", "A chain | of three\nhops <!--"
	odd.Name, odd.Summaries = "odd", r.Summaries[:1]
	a := madeUpAcked()
	acks := Section{Name: "acks", Title: "With acks", Kind: KindThroughput, Runs: a.Runs, Summaries: a.Summaries}
	late := madeUpComplete().Latency[1]
	late.Rate, late.Rejected = 2e5, "the pacer was late in all runs"
	return &Suite{
		Schema: SuiteSchema, Name: "made-up", Command: "ardea bench run made-up", Started: time.Unix(0, 0).UTC(), Machine: r.Machine,
		Sections: []Section{
			{Name: "empty", Kind: KindThroughput, Error: "it failed"},
			first, acks, other, odd,
			{Name: "acks-latency", Kind: KindLatency, Latency: append(madeUpComplete().Latency[1:], late)},
			{Name: "latency", Kind: KindLatency, Latency: []LatencyRun{
				{Mode: "optimized", Repeat: 1, Rate: 1e4, Latency: q},
				{Mode: "optimized", Repeat: 2, Rate: 1e4, Latency: q},
				{Mode: "optimized", Repeat: merged, Rate: 1e4, Latency: q},
				{Mode: "naive", Repeat: merged, Rate: 1e6, Rejected: "only 400 k tuples/s were sent"},
			}},
		},
	}
}

func TestRefreshReadme(t *testing.T) {
	const before, after = "# Title\n\n" + ReadmeBegin + "\n", ReadmeEnd + "\nThe end, without a newline"
	got, err := RefreshReadme([]byte(before+"old\n"+after), madeUpSuite())
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "readme.md", got)
	again, err := RefreshReadme(got, madeUpSuite())
	if err != nil || string(again) != string(got) {
		t.Errorf("a second time it differs: %v\n%s", err, again)
	}
	if !strings.HasPrefix(string(got), before) || !strings.HasSuffix(string(got), after) {
		t.Errorf("what stands around the table has changed:\n%s", got)
	}
}

// TestRatiosToAtMostOnceAreWithinRepeats has runs with acks that are slower in every other repeat.
func TestRatiosToAtMostOnceAreWithinRepeats(t *testing.T) {
	all := madeUpAcked().Summaries
	m := summaryOf(all, "optimized acks")
	if of := m.OfAtMostOnce; of == nil || of.N != 5 || math.Abs(of.Median-2.0/3) > 1e-9 || math.Abs(of.Low-0.6) > 1e-9 || *of != *m.CPUOfAtMostOnce {
		t.Errorf("%+v", m.OfAtMostOnce)
	}
	if base := summaryOf(all, "naive acks"); m.RatioToNaive != m.TuplesPerSecond.Median/base.TuplesPerSecond.Median || base.RatioToNaive != 1 {
		t.Errorf("%v, %v", m.RatioToNaive, base.RatioToNaive)
	}
	if m := summaryOf(all, "optimized"); m.OfAtMostOnce != nil || m.AckedPerCPUSecond != nil {
		t.Errorf("%+v", m)
	}
}

func TestRefreshReadmeRefuses(t *testing.T) {
	whole := ReadmeBegin + "\n" + ReadmeEnd + "\n"
	partial, speechless := madeUpSuite(), madeUpSuite()
	partial.Partial = "interrupted"
	speechless.Sections = speechless.Sections[5:]
	for name, tc := range map[string]struct {
		text string
		s    *Suite
		want error
	}{
		"no marks":     {"text\n", madeUpSuite(), ErrNoMarks},
		"no end":       {ReadmeBegin + "\n", madeUpSuite(), ErrNoMarks},
		"no beginning": {ReadmeEnd + "\n", madeUpSuite(), ErrNoMarks},
		"turned round": {ReadmeEnd + "\n" + ReadmeBegin + "\n", madeUpSuite(), ErrNoMarks},
		"twice":        {whole + whole, madeUpSuite(), ErrNoMarks},
		"in a line":    {"see `" + ReadmeBegin + "`\n" + ReadmeEnd + "\n", madeUpSuite(), ErrNoMarks},
		"partial":      {whole, partial, ErrPartial},
		"no headline":  {whole, speechless, ErrNoThroughput},
	} {
		if got, err := RefreshReadme([]byte(tc.text), tc.s); got != nil || !errors.Is(err, tc.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
