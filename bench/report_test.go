package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// checkGolden compares with a file in testdata.
func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", file, got)
	}
}

// madeUp is a report whose figures are easy to follow.
func madeUp() *Report {
	r := &Report{Machine: Machine{
		CPU: "Abacus 3000", Cores: 2, MemoryBytes: 8 << 30, OS: "linux", Arch: "amd64", Kernel: "6.1", Go: "go1.26", Commit: "0123456789ab+",
	}}
	for repeat := 1; repeat <= 5; repeat++ {
		factor := 1 + 0.05*float64(repeat-3)
		cost := func(rate, perCPU, calls float64) Cost {
			return Cost{
				Tuples: uint64(2 * rate * factor), Seconds: 2, TuplesPerSecond: rate * factor, TuplesPerCPUSecond: perCPU * factor,
				Syscalls: calls, SyscallSource: AllSyscalls, ContextSwitches: calls / 2, Steady: true,
			}
		}
		r.Limits.Runs = append(r.Limits.Runs, LimitRun{Name: FusedLoop, Repeat: repeat, Cost: cost(20e6, 20e6, 0.01)})
		for _, m := range []struct {
			name                        string
			rate, perCPU, allocs, calls float64
		}{
			{"naive", 500_000, 300_000, 9, 20},
			{"naive+lazy", 510_000, 310_000, 8.5, 19},
			{"naive-unbatched", 100_000, 50_000, 12, 2000},
			{"heron2017", 2_500_000, 1_400_000, 0.5, 8},
			{"optimized", 15_000_000, 7_500_000, 0.0001, 1.5},
		} {
			c := cost(m.rate, m.perCPU, m.calls)
			nanos := float64(c.Tuples) / c.TuplesPerCPUSecond
			r.Runs = append(r.Runs, Run{
				Workload: RandomWords, Mode: m.name, Containers: 1, Spouts: 1, Bolts: 1, Repeat: repeat,
				Emitted: 3 * c.Tuples, Counted: 3 * c.Tuples, Cost: c,
				CPU:                   CPUSeconds{Spouts: nanos / 4, StreamManagers: nanos / 2, Bolts: nanos / 4, User: nanos},
				ManagerAllocsPerTuple: m.allocs, GCShare: m.allocs / 100, ManagerSyscalls: m.calls / 3,
				Processes: []ProcessUsage{{Name: "count-2", Container: 1, PeakRSSBytes: 40 << 20}},
			})
		}
	}
	r.Runs[0].Noise = Noise{StealShare: 0.1, Noisy: true}
	return summed(r)
}

// madeUpAcked adds runs with acks, which reach a half and two thirds in the odd repeats and less in the others.
func madeUpAcked() *Report {
	r := madeUp()
	for _, run := range madeUp().Runs {
		if run.Mode != naive && run.Mode != "heron2017" && run.Mode != optimized {
			continue
		}
		share := 2.0 / 3
		if run.Mode == naive {
			share = 0.5
		}
		if run.Repeat%2 == 0 {
			share *= 0.9
		}
		run.Guarantee, run.Acks, run.Acked, run.SocketBytesPerTuple = AtLeastOnce, true, run.Counted, 90.5
		run.EngineAllocsPerTuple = run.ManagerAllocsPerTuple * 1.1
		run.TuplesPerSecond *= share
		run.TuplesPerCPUSecond *= share
		run.AckedPerSecond, run.AckedPerCPUSecond = run.TuplesPerSecond, run.TuplesPerCPUSecond
		r.Runs = append(r.Runs, run)
	}
	return summed(r)
}

// madeUpComplete has complete latencies beside others.
func madeUpComplete() *Report {
	r := madeUpLatency()
	acked := r.Latency[0]
	acked.Guarantee, acked.Load, acked.Acked = AtLeastOnce, 0.5, acked.Counted
	acked.Complete = &Quantiles{P50: 180, P90: 300, P99: 1400, P999: 3000, Max: 16_000, Count: acked.Latency.Count}
	r.Latency = append(r.Latency[:1], acked)
	return r
}

// summed fills in what follows from the runs.
func summed(r *Report) *Report {
	s := &Section{Runs: r.Runs, Limits: r.Limits}
	s.sum()
	r.Summaries, r.Tests, r.Limits = s.Summaries, s.Tests, s.Limits
	return r
}

func madeUpLatency() *Report {
	q := Quantiles{P50: 120, P90: 250.5, P99: 900, P999: 2100, Max: 15_000, Count: 1_000_000}
	return &Report{
		Runs: []Run{}, Machine: Machine{Cores: 2, OS: "linux", Arch: "amd64", Go: "go1.26"},
		Latency: []LatencyRun{
			{Mode: "optimized", Containers: 1, Repeat: 1, Rate: 100_000, Latency: q, Lateness: Quantiles{P50: 30, P99: 80}, CPUSecondsPerSecond: 0.61},
			{
				Mode: "optimized", Containers: 1, Repeat: 1, Rate: 900_000, Load: 0.9, Achieved: 700_000, Latency: Quantiles{P50: 400, P90: 5000, P99: 9000, P999: 60_000, Max: 61_000}, Lateness: Quantiles{P50: 30, P99: 8000},
				ClosedLoop: &Quantiles{P50: 100, P99: 300}, Relay: &Quantiles{P50: 60, P99: 130},
				Rejected: "the rate was not reached: 700.0 k tuples/s of 900.0 k", Stalled: "1.00 % of the tuples took over 20ms, of which the pacer explains 0.00 % and a relay without an engine 0.00 %",
			},
			{Mode: "optimized", Containers: 1, Repeat: merged, Rate: 100_000, Latency: q, Lateness: Quantiles{P50: 30, P99: 80}, CPUSecondsPerSecond: 0.61, Noise: Noise{OthersShare: 0.5, Noisy: true}},
		},
	}
}

func madeUpCurve() *Report {
	r := madeUpLatency()
	r.Curves = []Curve{{
		Mode: "optimized", Capacity: 1e6, Points: r.Latency[:2], Knee: 100_000,
		Sustained: []Sustained{{P99Micros: 1000, Rate: 100_000}, {P99Micros: 50, Rate: 0}},
	}}
	r.Latency = nil
	return r
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	for _, write := range []func() error{
		func() error { return madeUp().WriteTable(&b) },
		func() error { return madeUp().WriteDetails(&b) },
		func() error { return madeUpLatency().WriteTable(&b) },
		func() error { return madeUpCurve().WriteTable(&b) },
		func() error { return madeUpAcked().WriteTable(&b) },
		func() error { return madeUpAcked().WriteDetails(&b) },
		func() error { return madeUpComplete().WriteTable(&b) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n")
	}
	checkGolden(t, "table.txt", b.Bytes())
}

func TestJSONIsPinned(t *testing.T) {
	r := madeUp()
	r.Runs, r.Limits.Runs, r.Summaries = r.Runs[:1], r.Limits.Runs[:1], r.Summaries[1:2]
	r.Tests = r.Tests[:1]
	acks := madeUpAcked()
	r.Runs = append(r.Runs, acks.Runs[len(acks.Runs)-1])
	r.Summaries = append(r.Summaries, acks.Summaries[len(acks.Summaries)-1])
	r.Latency = madeUpComplete().Latency
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "report.json", b.Bytes())
}

// TestJSONHasWhatScriptsRead checks the fields that are promised to scripts, and their types.
func TestJSONHasWhatScriptsRead(t *testing.T) {
	var b bytes.Buffer
	if err := madeUp().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var report map[string]any
	if err := json.Unmarshal(b.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	need := func(where string, object any, kind string, names ...string) {
		t.Helper()
		fields, _ := object.(map[string]any)
		for _, name := range names {
			have := "nothing"
			switch fields[name].(type) {
			case string:
				have = "string"
			case float64:
				have = "number"
			case bool:
				have = "bool"
			case map[string]any:
				have = "object"
			case []any:
				have = "array"
			}
			if have != kind {
				t.Errorf("%s.%s is %s, want %s", where, name, have, kind)
			}
		}
	}
	need("report", report, "array", "runs")
	need("report", report, "object", "limits", "machine")
	need("limits", report["limits"], "number", "fused_loop_tuples_per_second")
	need("machine", report["machine"], "string", "cpu", "kernel", "go")
	need("machine", report["machine"], "number", "cores", "memory_bytes")
	run := report["runs"].([]any)[0]
	need("run", run, "string", "workload", "mode")
	need("run", run, "bool", "acks", "steady", "noisy")
	need("run", run, "object", "cpu_seconds")
	need("run", run, "number", "containers", "spouts", "bolts", "repeat", "emitted", "counted", "tuples_per_second",
		"tuples_per_cpu_second", "stream_manager_allocs_per_tuple", "gc_cpu_share", "syscalls_per_1000_tuples",
		"context_switches_per_1000_tuples", "steal_share", "others_share")
	need("cpu_seconds", run.(map[string]any)["cpu_seconds"], "number", "spouts", "stream_managers", "bolts")
}

func TestEmptyReportHasRuns(t *testing.T) {
	var b bytes.Buffer
	if err := madeUpLatency().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `"runs": []`) {
		t.Errorf("scripts get no list of runs:\n%s", b.String())
	}
}

func TestOneRunClaimsNothing(t *testing.T) {
	r := madeUp()
	r.Runs = r.Runs[:5]
	for _, s := range summed(r).Summaries {
		if s.VersusNaive != Unclear || strings.Contains(s.versus(), "faster") {
			t.Errorf("%s: %s, %s", s.Name, s.VersusNaive, s.versus())
		}
	}
}

func TestAmount(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999: "999", 1000: "1.0 k", 318_340: "318.3 k", 1e6: "1.00 M", 15.678e6: "15.68 M"} {
		if got := amount(n); got != want {
			t.Errorf("%v is %q, want %q", n, got, want)
		}
	}
}
