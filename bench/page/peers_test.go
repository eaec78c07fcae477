package page

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

func TestWritePeersHTML(t *testing.T) {
	row := func(peer, title, guarantee string) rivals.Row {
		return rivals.Row{Row: contract.Row{Peer: peer, Variant: "v", Title: title, Guarantee: guarantee}, CodeLines: 7}
	}
	cell := func(peer string, rate float64) rivals.Cell {
		return rivals.Cell{
			Peer: peer, Variant: "v", Workload: "words20", Runs: []rivals.Run{{TuplesPerSecond: rate}},
			TuplesPerSecond: bench.NewStat([]float64{rate}), TuplesPerCPUSecond: bench.NewStat([]float64{rate}),
		}
	}
	slow, fast := cell("heron", 1e5), cell("ardea", 2e6)
	slow.Latencies = []rivals.Latency{{Rate: 1e5, Rejected: "its maximum is 99 k a second"}}
	var b bytes.Buffer
	if err := WritePeersHTML(&b, &rivals.Report{
		Rows:    []rivals.Row{row("heron", "Heron <script>", contract.None), row("ardea", "Ardea, processes", contract.None)},
		Cells:   []rivals.Cell{slow, fast},
		Skipped: []rivals.Skipped{{Row: "storm/local", Why: "no JVM: install one"}},
	}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"Ardea, processes", "2.00 M", "its maximum is 99 k a second", "no JVM: install one", `data-kind="bars"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "Heron <script>") {
		t.Error("a title is not escaped")
	}
	if ours, theirs := strings.Index(page, "Ardea, processes"), strings.Index(page, "Heron"); ours > theirs {
		t.Error("the longest bar is not the first")
	}
}
