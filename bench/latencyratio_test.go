package bench

import (
	"math"
	"testing"
)

func TestLatencyRatios(t *testing.T) {
	run := func(mode string, repeat int, rate, p50, p99 float64, rejected string) LatencyRun {
		return LatencyRun{Mode: mode, Repeat: repeat, Rate: rate, Rejected: rejected, Latency: Quantiles{P50: p50, P99: p99, Count: 10}}
	}
	got := LatencyRatios([]LatencyRun{
		run("naive", 1, 1000, 7, 7, ""), run("naive", 2, 1000, 9, 9, ""), run("naive", merged, 1000, 8, 80, ""),
		run("optimized", 1, 1000, 1, 1, ""), run("optimized", 2, 1000, 1, 1, ""), run("optimized", merged, 1000, 2, 40, ""),
		run("naive", merged, 2000, 8, 80, "the rate was not reached"), run("optimized", merged, 2000, 2, 40, ""),
		run("naive", 1, 3000, 10, 20, ""), run("heron2017", 1, 3000, 5, 5, ""), run("optimized", 1, 3000, 5, 5, "late"),
		run("optimized", 1, 4000, 5, 5, ""), run("naive", 1, 5000, 0, 0, ""), run("optimized", 1, 5000, 5, 5, ""),
	})
	want := []LatencyRatio{{Mode: "optimized", Rate: 1000, P50: 0.25, P99: 0.5}, {Mode: "heron2017", Rate: 3000, P50: 0.5, P99: 0.25}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, want %+v", got, want)
	}
	if text := want[0].String(); text != "optimized over naive at 1.0 k tuples/s: p50 0.25x, p99 0.50x." {
		t.Error(text)
	}
}

// TestCPURatios holds the ratio of tuples for each CPU second, which is not that of the throughput.
func TestCPURatios(t *testing.T) {
	all := madeUp().Summaries
	if s := summaryOf(all, "optimized"); math.Abs(s.CPURatioToNaive-25) > 1e-9 || s.CPUVersusNaive != Greater {
		t.Errorf("%v, %v", s.CPURatioToNaive, s.CPUVersusNaive)
	}
	if s := summaryOf(all, "naive+lazy"); s.CPUVersusNaive != Unclear {
		t.Errorf("%v, %v", s.CPURatioToNaive, s.CPUVersusNaive)
	}
}
