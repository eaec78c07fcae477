package rivals

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// TestMissing leaves a peer out that cannot run here, if all are measured.
func TestMissing(t *testing.T) {
	d := &driver{c: Config{Progress: func(string) {}}, report: &Report{}}
	d.skip("test/missing", "", &AdapterError{"test/missing", contract.Missing, "no JVM"})
	if len(d.failed) != 0 || len(d.report.Skipped) != 1 {
		t.Errorf("failed %v, skipped %v", d.failed, d.report.Skipped)
	}
}

func TestFactor(t *testing.T) {
	cell := func(peer string, values ...float64) Cell {
		return Cell{Peer: peer, Variant: "v", Workload: words.Words20, Runs: make([]Run, len(values)), TuplesPerCPUSecond: bench.NewStat(values)}
	}
	row := func(peer string) Row { return Row{Row: contract.Row{Peer: peer, Variant: "v"}} }
	for _, c := range []struct {
		peer []float64
		want string
	}{{[]float64{2, 4}, "2 (1 - 4)"}, {[]float64{2}, "3 (2 - 4)"}, {[]float64{0}, ""}} {
		r := &Report{Rows: []Row{row(own), row("p")}, Cells: []Cell{cell(own, 4, 8), cell("p", c.peer...)}}
		if got := r.factor(&r.Rows[1], &r.Cells[1]); got != c.want {
			t.Errorf("%v: %q, want %q", c.peer, got, c.want)
		}
		if got := r.factor(&r.Rows[0], &r.Cells[0]); got != "" {
			t.Errorf("of itself: %q", got)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		draws, counted float64 // a second, at a rate of 100; a draw is of 3 words
		recorded       int64   // of 600 draws
		rejected       string
	}{
		{99, 297, 600, ""},
		{101, 303, 600, ""},
		{97, 300, 600, "sent"},
		{103, 309, 600, "late before"},
		{99, 280, 600, "queue"},
		{99, 297, 580, "recorded"},
		{99, 297, 0, "recorded"},
	} {
		r := &Run{
			Rate: 100, DrawsPerSecond: c.draws, Seconds: 5, window: 6, Draws: 1000, Counted: 3000,
			TuplesPerSecond: c.counted, Tuples: uint64(5 * c.counted), Latency: [][2]int64{{1000, c.recorded}},
		}
		r.judge()
		if (r.Rejected == "") != (c.rejected == "") || !strings.Contains(r.Rejected, c.rejected) {
			t.Errorf("%+v: %q", c, r.Rejected)
		}
	}
}

func TestPlan(t *testing.T) {
	d := &driver{c: Config{Repeat: 5}.withDefaults(), report: &Report{}, adapters: map[string]Adapter{}}
	for _, variant := range []string{"a", "b", "c", "d", "e", "f"} {
		for _, peer := range []string{"x", "y", "z"} {
			d.report.Rows = append(d.report.Rows, Row{Row: contract.Row{
				Peer: peer, Variant: variant, Language: "java", Guarantee: contract.None, Workloads: words.Workloads(), Latency: true, Processes: 1,
			}, Adapter: "jvm"})
		}
	}
	for _, budget := range []time.Duration{25 * time.Minute, time.Hour, 2 * time.Hour, 8 * time.Hour} {
		d.c.Budget = budget
		p := d.makePlan()
		if p.estimate > budget || p.variants < 1 || p.others < 1 || p.latencies < 1 || p.repeat < p.variants {
			t.Errorf("with %v: %s", budget, p.text(d))
		}
	}
	if p := d.makePlan(); p.narrow || p.repeat != 5 || p.variants != 5 || p.latencies != 5 {
		t.Errorf("with much time: %s", p.text(d))
	}
	d.c.Budget = time.Minute
	if p := d.makePlan(); p.estimate <= d.c.Budget || !strings.Contains(p.text(d), "too much") {
		t.Errorf("with a minute: %s", p.text(d))
	}
}

// travelled returns what becomes of a report that is written and read.
func travelled(t *testing.T, r *Report) (back *Report) {
	t.Helper()
	var b strings.Builder
	if err := errors.Join(r.WriteJSON(&b), json.Unmarshal([]byte(b.String()), &back)); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestReportTravels(t *testing.T) {
	r := &Report{
		Rows:  []Row{{Row: contract.Row{Peer: "p", Variant: "v", Title: "P", Guarantee: contract.None}, CodeLines: 12}},
		Cells: []Cell{{Peer: "p", Variant: "v", Workload: "words20", Runs: []Run{{TuplesPerSecond: 5}}, TuplesPerSecond: bench.NewStat([]float64{5})}},
	}
	back := travelled(t, r)
	if got := back.Cell("p/v", "words20"); got == nil || got.TuplesPerSecond.Median != 5 || back.Rows[0].CodeLines != 12 {
		t.Errorf("%+v", back)
	}
}

// TestReportIsSmall writes histograms with few bars, and keeps its own.
func TestReportIsSmall(t *testing.T) {
	var bars [][2]int64
	for v := range int64(9_000) {
		bars = append(bars, [2]int64{1_000 + v, 2})
	}
	r := &Report{Cells: []Cell{{Latencies: []Latency{{Runs: []Run{{Latency: bars}}}}}}}
	got := travelled(t, r).Cells[0].Latencies[0].Runs[0].Latency
	var n int64
	for _, bar := range got {
		n += bar[1]
	}
	if len(got) != 50 || n != 18_000 || got[49][0] != 9_999 || len(r.Cells[0].Latencies[0].Runs[0].Latency) != len(bars) {
		t.Errorf("%d bars with %d values: %v", len(got), n, got)
	}
}

func TestCountCode(t *testing.T) {
	dir := t.TempDir()
	text := "package x\n\n// user code: job\n\n// a comment\nfunc f() {\n\tg() // of two\n}\n/* more\n   words */\n// end of user code\nfunc g() {}\n"
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := countCode(dir, contract.Code{File: "x.go", Region: "job"}); err != nil || n != 3 {
		t.Errorf("%d lines, %v; want 3", n, err)
	}
	for _, code := range []contract.Code{{File: "x.go", Region: "other"}, {File: "../y.go", Region: "job"}} {
		if _, err := countCode(dir, code); err == nil {
			t.Errorf("%+v: there is no such code", code)
		}
	}
}
