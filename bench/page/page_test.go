package page

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"github.com/ardea-stream/ardea/bench"
)

func TestBenchmarkTextIsReadByBenchstat(t *testing.T) {
	s := fixture()
	var out bytes.Buffer
	if err := WriteBenchmark(&out, s); err != nil {
		t.Fatal(err)
	}
	lines, modes := 0, map[string]int{}
	r := benchfmt.NewReader(&out, "report")
	for r.Scan() {
		switch line := r.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(line)
		case *benchfmt.Result:
			lines++
			if line.GetConfig("commit") != s.Machine.Commit {
				t.Errorf("%s has the commit %q", line.Name, line.GetConfig("commit"))
			}
			_, parts := line.Name.Parts()
			for _, p := range parts {
				modes[string(p)]++
			}
			if _, ok := line.Value("tuples/s"); !ok && !strings.Contains(line.Name.String(), "rate=") {
				t.Errorf("%s has no tuples/s", line.Name)
			}
		}
	}
	runs := len(s.Sections[0].Runs)
	if r.Err() != nil || lines < runs || modes["/mode=optimized"] < 6 || modes["/limit=fused_loop"] != 6 {
		t.Errorf("%v: %d lines, %v", r.Err(), lines, modes)
	}
}

func TestMarkdownHasTheSameFacts(t *testing.T) {
	s := fixture()
	s.Partial = "interrupted"
	var out bytes.Buffer
	if err := WriteMarkdown(&out, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Ardea, measured: full", "**Partial result.**", "## Random words, one container", "| optimized |", "## Where we lose",
		"**This experiment failed.**", "`ardea bench run bench/full.yaml --out result`",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestNothingIsShownOfWhatWasNotMeasured(t *testing.T) {
	s := fixture()
	s.Sections = s.Sections[:1]
	s.Sections[0].Profiles, s.Sections[0].Tests, s.Sections[0].Runs, s.Sections[0].Limits.Runs = nil, nil, nil, nil
	text := visible(t, render(t, s))
	for _, absent := range []string{"Flame graphs", "What the runs allow to say", "Every single run", "Percentile spectrum", "Partial result"} {
		if strings.Contains(text, absent) {
			t.Errorf("the page has %q", absent)
		}
	}
}

func TestLossesAreFound(t *testing.T) {
	better := losses(fixture())
	worse := losses(scaledFixture(0.1))
	if a, b := linesOf(better), linesOf(worse); !strings.Contains(b, "optimized is slower than naive") || strings.Contains(a, "optimized is slower") {
		t.Errorf("of the fast one:\n%s\nof the slow one:\n%s", a, b)
	}
	for _, want := range []string{
		"the fused loop does 2.", "writev lowers the throughput", "was rejected: it sent 790 k", "7 of 42 runs were noisy", "failed: bench: fanout",
		"without writev cannot be told", "a closed loop would have told",
	} {
		if !strings.Contains(linesOf(better), want) {
			t.Errorf("no %q in\n%s", want, linesOf(better))
		}
	}
	if empty := losses(&bench.Suite{}); len(empty.Blocks) != 0 || len(empty.Lead) != 2 {
		t.Errorf("an empty suite loses: %+v", empty)
	}
}

func linesOf(s section) string {
	var b strings.Builder
	for _, block := range s.Blocks {
		for _, row := range block.Table.Rows {
			b.WriteString(strings.Join(row, " ") + "\n")
		}
	}
	return b.String()
}

func TestNumbers(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{amount(6_871_234), "6.87 M"},
		{amount(999.6), "1.00 k"},
		{amount(12), "12.0"},
		{amount(1e15), "1000 T"},
		{rounded(175_000), "175 k"},
		{rounded(10_000), "10 k"},
		{rounded(1e6), "1 M"},
		{micros(0.25), "0.25 µs"},
		{micros(1234), "1.23 ms"},
		{micros(2_500_000), "2.50 s"},
		{nanos(83.12), "83.1 ns"},
		{nanos(250_000), "250 µs"},
		{percent(0.172), "17.2 %"},
		{times(8.7), "8.70×"},
		{change(1.125), "+12 %"},
		{change(0.966), "−3.4 %"},
		{change(1), "±0 %"},
		{pValue(0.0001), "< 0.001"},
		{pValue(0.0216), "0.022"},
	} {
		if tc.got != tc.want {
			t.Errorf("%q, want %q", tc.got, tc.want)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("disk full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestErrorsOfTheWriterAreReturned(t *testing.T) {
	for name, err := range map[string]error{
		"html": WriteHTML(fullDisk{}, fixture()), "markdown": WriteMarkdown(fullDisk{}, fixture()), "benchmark": WriteBenchmark(fullDisk{}, fixture()),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaultsQuoteLittle(t *testing.T) {
	long := strings.Repeat("1", 10_000)
	for name, text := range map[string]string{
		"schema": `{"schema": "` + long + `"}`,
		"number": `{"schema": "` + bench.SuiteSchema + `", "seconds": 1` + long + `}`,
		"time":   `{"schema": "` + bench.SuiteSchema + `", "started": "` + long + `"}`,
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || len(err.Error()) > 400 {
			t.Errorf("%s: %d bytes, %v", name, len(err.Error()), err)
		}
	}
}

func TestFindingsTellOfStalls(t *testing.T) {
	run := bench.LatencyRun{Mode: bestMode, Rate: 1000, Latency: bench.Quantiles{Count: 1, P50: 1, P99: 2}, Stalled: "1 % took over 20ms"}
	s := &bench.Suite{Sections: []bench.Section{{Kind: bench.KindLatency, Latency: []bench.LatencyRun{run}}}}
	if list := findings(s); len(list) != 1 || !strings.Contains(list[0].Text, "this run stalled: 1 % took over 20ms") {
		t.Errorf("%+v", list)
	}
}
