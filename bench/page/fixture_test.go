package page

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// fixture makes a suite with a section of every kind. Its figures are made up,
// of the size that real ones have, and the same at every call.
func fixture() *bench.Suite {
	return scaledFixture(1)
}

// scaledFixture is the same with an optimized mode that is so many times as fast.
func scaledFixture(speed float64) *bench.Suite {
	r := rand.New(rand.NewPCG(7, 11))
	return &bench.Suite{
		Schema: bench.SuiteSchema, Name: "full", Command: "ardea bench run bench/full.yaml --out result",
		Started: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC), Seconds: 1834,
		Machine: bench.Machine{
			CPU: "Example CPU 7xx3", Cores: 2, MemoryBytes: 24 << 30, OS: "linux", Arch: "amd64", Kernel: "6.1.0",
			Go: "go1.26.0", Commit: "0123456789ab", Mitigations: "retbleed: untrained return thunk; spectre_v2: retpolines",
		},
		Sections: []bench.Section{
			throughputFixture(r, speed), latencyFixture(r), curveFixture(r), ablationFixture(r),
			{
				Name: "fanout-16", Title: "Fan-out to sixteen", Kind: bench.KindThroughput, Containers: 1,
				Spec: bench.Spec{Workload: "fanout", Spouts: 1, Bolts: 16}, Error: "bench: fanout optimized, run 2: the spouts emitted 4000000 tuples, the bolts counted 3999999",
			},
		},
	}
}

func stats(r *rand.Rand, median, spread float64, n int) ([]float64, bench.Stat) {
	values := make([]float64, n)
	for i := range values {
		values[i] = median * (1 + spread*r.NormFloat64())
	}
	return values, bench.NewStat(values)
}

func throughputFixture(r *rand.Rand, speed float64) bench.Section {
	s := bench.Section{
		Name: "words-1", Title: "Random words, one container", Kind: bench.KindThroughput, Containers: 1,
		Spec: bench.Spec{Workload: bench.RandomWords, Spouts: 1, Bolts: 2, Words: 175_000, Seed: 1},
	}
	const runs = 6
	for i, l := range []struct {
		name      string
		wall, cpu float64
	}{{bench.FusedLoop, 14.8e6, 14.9e6}, {bench.BatchedChannel, 9.6e6, 8.1e6}, {bench.SocketRelay, 7.4e6, 5.6e6}} {
		wall, stat := stats(r, l.wall, 0.02, runs)
		cpu, cpuStat := stats(r, l.cpu, 0.02, runs)
		sum := bench.Summary{Name: l.name, Limit: true, Runs: runs, TuplesPerSecond: stat, TuplesPerCPUSecond: cpuStat, SyscallSource: bench.AllSyscalls}
		sum.Nanos.Total, sum.Syscalls, sum.Cost = 1e9/cpuStat.Median, []float64{0.02, 1.4, 1.9}[i], stat.Median/14.8e6
		for k := range runs {
			s.Limits.Runs = append(s.Limits.Runs, bench.LimitRun{Name: l.name, Repeat: k + 1, Cost: cost(wall[k], cpu[k], k == 5)})
		}
		s.Summaries = append(s.Summaries, sum)
	}
	s.Limits.FusedLoop, s.Limits.BatchedChannel, s.Limits.SocketRelay = 14.8e6, 9.6e6, 7.4e6
	var naive bench.Stat
	for _, m := range []struct {
		name                          string
		wall, cpu, allocs, calls, gc  float64
		spouts, managers, bolts, rest float64
	}{
		{"naive", 0.79e6, 0.47e6, 10.1, 12.4, 0.05, 150, 1790, 170, 20},
		{"naive-unbatched", 0.21e6, 0.16e6, 14.2, 2040, 0.04, 890, 4100, 1200, 60},
		{"heron2017", 2.6e6, 1.7e6, 0.01, 7.2, 0.004, 122, 330, 130, 6},
		{"optimized", 6.9e6 * speed, 5.3e6 * speed, 0, 3.1, 0.001, 84 / speed, 37 / speed, 62 / speed, 4},
	} {
		wall, stat := stats(r, m.wall, 0.035, runs)
		cpu, cpuStat := stats(r, m.cpu, 0.03, runs)
		if m.name == "naive" {
			naive = stat
		}
		s.Summaries = append(s.Summaries, bench.Summary{
			Name: m.name, Runs: runs, NoisyRuns: 1, TuplesPerSecond: stat, TuplesPerCPUSecond: cpuStat, RatioToNaive: stat.Median / naive.Median,
			VersusNaive: stat.Compare(naive), Cost: stat.Median / 14.8e6,
			Nanos:          bench.NanosPerTuple{Spouts: m.spouts, StreamManagers: m.managers, Bolts: m.bolts, Total: m.spouts + m.managers + m.bolts + m.rest},
			AllocsPerTuple: m.allocs, Syscalls: m.calls, ManagerSyscalls: m.calls / 2, SyscallSource: bench.AllSyscalls, ContextSwitches: m.calls / 3,
			GCShare: m.gc, PeakRSSBytes: 48 << 20,
		})
		for k := range runs {
			c := cost(wall[k], cpu[k], k == 5)
			busy := c.Seconds * wall[k] / cpu[k]
			s.Runs = append(s.Runs, bench.Run{
				Workload: bench.RandomWords, Mode: m.name, Containers: 1, Spouts: 1, Bolts: 2, Repeat: k + 1, Emitted: c.Tuples, Counted: c.Tuples, Cost: c,
				CPU:                   bench.CPUSeconds{Spouts: busy * 0.1, StreamManagers: busy * 0.8, Bolts: busy * 0.1, User: busy * 0.8, System: busy * 0.2},
				ManagerAllocsPerTuple: m.allocs, GCShare: m.gc, ManagerSyscalls: m.calls / 2,
			})
		}
	}
	s.Tests = []bench.PairTest{
		{A: "optimized", B: "naive", Ratio: 8.7 * speed, P: 0.0022, Order: bench.Greater},
		{A: "heron2017", B: "naive", Ratio: 3.3, P: 0.0022, Order: bench.Greater},
		{A: "optimized", B: bench.SocketRelay, Ratio: 0.93, P: 0.12, Order: bench.Unclear},
	}
	s.Profiles = profilesFixture(r, speed)
	return s
}

func cost(wall, cpu float64, noisy bool) bench.Cost {
	c := bench.Cost{
		Tuples: uint64(wall * 5), Seconds: 5, TuplesPerSecond: wall, TuplesPerCPUSecond: cpu, Syscalls: 3, SyscallSource: bench.AllSyscalls,
		ContextSwitches: 1, WarmUpSeconds: 1.6, Steady: true, Noise: bench.Noise{StealShare: 0.001, OthersShare: 0.012},
	}
	if noisy {
		c.Noisy, c.OthersShare = true, 0.09
	}
	return c
}

// profilesFixture has profiles of three modes and three roles.
func profilesFixture(r *rand.Rand, speed float64) []profiles.Summary {
	shares := map[string]map[profiles.Category]float64{
		"naive": {
			profiles.UserCode: 0.01, profiles.Encode: 0.19, profiles.Decode: 0.21, profiles.Allocate: 0.19, profiles.GC: 0.1, profiles.Copy: 0.13,
			profiles.Route: 0.05, profiles.SocketRead: 0.04, profiles.SocketWrite: 0.05, profiles.Scheduler: 0.018, profiles.Timers: 0.002, profiles.Other: 0.01,
		},
		"heron2017": {
			profiles.Encode: 0.28, profiles.Decode: 0.3, profiles.Allocate: 0.02, profiles.GC: 0.005, profiles.Copy: 0.1, profiles.Route: 0.1,
			profiles.SocketRead: 0.08, profiles.SocketWrite: 0.08, profiles.Scheduler: 0.025, profiles.Other: 0.01,
		},
		"optimized": {
			profiles.Copy: 0.16, profiles.Route: 0.31, profiles.SocketRead: 0.21, profiles.SocketWrite: 0.23, profiles.Scheduler: 0.06, profiles.Metrics: 0.01,
			profiles.Timers: 0.008, profiles.Other: 0.012,
		},
	}
	cost := map[string]float64{"naive": 1790, "heron2017": 330, "optimized": 37 / speed}
	var list []profiles.Summary
	for _, mode := range []string{"naive", "heron2017", "optimized"} {
		for _, role := range []string{"stream managers", "bolts"} {
			p := profiles.Summary{Variant: mode, Role: role, CPUSeconds: 9.5, NanosPerTuple: cost[mode]}
			of := shares[mode]
			if role == "bolts" {
				of = map[profiles.Category]float64{
					profiles.UserCode: 0.62, profiles.Decode: 0.14, profiles.SocketRead: 0.18, profiles.Scheduler: 0.05, profiles.Other: 0.01,
				}
				p.NanosPerTuple = 120
			}
			for _, c := range profiles.Categories() {
				p.Shares = append(p.Shares, profiles.Share{Category: c, Seconds: 9.5 * of[c], Share: of[c]})
				if of[c] > 0 {
					p.Top = append(p.Top,
						profiles.Function{Name: "example.com/engine/" + slug(string(c)) + ".(*loop).work", Category: c, Share: of[c] * 0.6},
						profiles.Function{Name: "runtime." + slug(string(c)), Category: c, Share: of[c] * 0.4})
				}
			}
			p.Flame = flameFixture(r, of)
			list = append(list, p)
		}
	}
	return list
}

// flameFixture makes a call tree whose leaves follow the shares.
func flameFixture(r *rand.Rand, shares map[profiles.Category]float64) *profiles.Frame {
	const whole = 9.5e9
	loop := &profiles.Frame{Name: "dataplane.(*loop).turn", Category: profiles.Route}
	root := &profiles.Frame{Name: "all", Category: profiles.Other, Children: []*profiles.Frame{loop}}
	for _, c := range profiles.Categories() {
		if shares[c] == 0 {
			continue
		}
		handler := &profiles.Frame{Name: "dataplane.(*loop)." + slug(string(c)), Category: c, Nanos: int64(shares[c] * whole)}
		left := handler.Nanos
		for k := range 5 {
			part := int64(float64(left) * (0.3 + 0.3*r.Float64()))
			left -= part
			child := &profiles.Frame{Name: fmt.Sprintf("%s.step%d", slug(string(c)), k+1), Category: c, Nanos: part}
			child.Children = []*profiles.Frame{{Name: "runtime.memmove", Category: c, Nanos: part / 3}, {Name: "runtime.mallocgc", Category: c, Nanos: part / 4}}
			handler.Children = append(handler.Children, child)
		}
		if c == profiles.Scheduler || c == profiles.GC {
			root.Children = append(root.Children, handler)
		} else {
			loop.Children = append(loop.Children, handler)
			loop.Nanos += handler.Nanos
		}
		root.Nanos += handler.Nanos
	}
	return root
}

func latencyFixture(r *rand.Rand) bench.Section {
	s := bench.Section{
		Name: "latency", Title: "Latency, two hops", Kind: bench.KindLatency, Containers: 2, Spec: bench.Spec{Workload: bench.Latency, Spouts: 1, Bolts: 1},
	}
	for _, rate := range []float64{10_000, 100_000, 1_000_000} {
		for i, mode := range []string{"naive", "optimized"} {
			base := []float64{95, 48}[i] * (1 + rate/4e5)
			l := latencyRun(r, mode, rate, base)
			if rate == 1_000_000 && mode == "naive" {
				l.Rejected, l.Achieved = "it sent 790 k tuples a second instead of 1 M", 0.79e6
			}
			if rate == 100_000 && mode == "optimized" {
				stall(&l)
			}
			s.Latency = append(s.Latency, l)
		}
	}
	return s
}

func latencyRun(r *rand.Rand, mode string, rate, base float64) bench.LatencyRun {
	at := func(p float64) float64 { return base * (0.6 + 0.5*math.Pow(-math.Log10(1-p/100)+0.05, 1.7)) }
	l := bench.LatencyRun{
		Mode: mode, Containers: 2, Rate: rate, Emitted: uint64(rate * 10), Counted: uint64(rate * 10), Achieved: rate,
		Latency:    bench.Quantiles{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: at(99.9999), Count: int64(rate * 10)},
		Lateness:   bench.Quantiles{P50: 6, P90: 11, P99: 60, P999: 95, Max: 210},
		ClosedLoop: &bench.Quantiles{P50: at(50) * 0.9, P99: at(99) * 0.8, Max: at(99.99)},
		Relay:      &bench.Quantiles{P50: 28, P90: 41, P99: 83, P999: 190, Max: 900},
	}
	l.CPUSecondsPerSecond = 0.4
	for _, p := range []float64{0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.995, 99.999, 99.9999, 100} {
		l.Spectrum = append(l.Spectrum, bench.SpectrumPoint{Percentile: p, Micros: at(min(p, 99.9999))})
	}
	center := 2 * math.Log2(base)
	for second := range 40 {
		h := bench.HeatColumn{Second: float64(second) / 4, Counts: make([]uint64, 34)}
		for range 400 {
			k := int(center + math.Abs(r.NormFloat64())*2.2 - 1)
			h.Counts[min(max(k, 0), 33)] += uint64(rate / 1600)
		}
		l.Heat = append(l.Heat, h)
	}
	return l
}

// stall makes a run in which everything stood still for a while.
func stall(l *bench.LatencyRun) {
	for i := range 4 {
		column := &l.Heat[20+i]
		clear(column.Counts)
		column.Counts[33-i*2] = uint64(l.Rate / 4)
	}
	l.Latency.P99, l.Latency.P999, l.Latency.Max = 260_000, 900_000, 1_020_000
	for i := range l.Spectrum {
		if l.Spectrum[i].Percentile >= 97.5 {
			l.Spectrum[i].Micros = 90_000 * (1 + l.Spectrum[i].Percentile - 97.5)
		}
	}
}

func curveFixture(r *rand.Rand) bench.Section {
	s := bench.Section{
		Name: "curve", Title: "How latency grows", Kind: bench.KindCurve, Containers: 1, Spec: bench.Spec{Workload: bench.Latency, Spouts: 1, Bolts: 1},
	}
	for i, mode := range []string{"naive", "heron2017", "optimized"} {
		capacity := []float64{0.79e6, 2.6e6, 6.4e6}[i]
		c := bench.Curve{Mode: mode, Capacity: capacity, Knee: capacity * 0.8}
		for _, load := range []float64{0.02, 0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95} {
			l := latencyRun(r, mode, load*capacity, []float64{90, 60, 45}[i]/(1-load))
			l.Load, l.Spectrum, l.Heat, l.ClosedLoop, l.Relay = load, nil, nil, nil, nil
			c.Points = append(c.Points, l)
		}
		c.Points = append(c.Points, bench.LatencyRun{Mode: mode, Rate: capacity, Load: 1, Achieved: capacity * 0.93, Rejected: "the rate was not reached"})
		for k, bound := range []float64{1000, 5000, 10_000, 50_000} {
			rate := capacity * []float64{0.5, 0.8, 0.9, 0.95}[k]
			if mode == "naive" && k == 0 {
				rate = 0
			}
			c.Sustained = append(c.Sustained, bench.Sustained{P99Micros: bound, Rate: rate})
		}
		s.Curves = append(s.Curves, c)
	}
	return s
}

func ablationFixture(r *rand.Rand) bench.Section {
	factors := []bench.Factor{
		{Name: "pool", Text: "Reuses parsed objects instead of allocating them."},
		{Name: "inplace", Text: "Changes the parsed tuple instead of a clone."},
		{Name: "lazy", Text: "Passes batches of other stream managers on without decoding them."},
		{Name: "prehash", Text: "Reads the hash that the emitter took instead of decoding the key."},
		{Name: "writev", Text: "Sends what is queued in one system call."},
	}
	cell := func(name string, kind bench.CellKind, on []string, median float64) bench.Cell {
		_, wall := stats(r, median, 0.03, 5)
		_, cpu := stats(r, median*0.8, 0.03, 5)
		return bench.Cell{
			Name: name, Kind: kind, On: on, TuplesPerSecond: wall, TuplesPerCPUSecond: cpu, Nanos: bench.NanosPerTuple{Total: 1e9 / cpu.Median}, Syscalls: 4,
		}
	}
	var names []string
	for _, f := range factors {
		names = append(names, f.Name)
	}
	a := &bench.Ablation{Factors: factors, Published: []bench.PublishedShare{
		{Name: "allocating and freeing", Published: 0.17, Ours: 0.19}, {Name: "copying", Published: 0.15, Ours: 0.13}, {Name: "eager decoding", Published: 0.18, Ours: 0.21},
	}}
	a.Cells = append(a.Cells, cell("everything on", bench.CellBest, names, 6.9e6), cell("naive", bench.CellNaive, nil, 0.79e6))
	for i, f := range factors {
		a.Cells = append(a.Cells, cell("without "+f.Name, bench.CellOff, nil, 6.9e6*[]float64{0.7, 0.86, 0.55, 0.61, 1.005}[i]))
		a.Cells = append(a.Cells, cell("naive with "+f.Name, bench.CellOn, []string{f.Name}, 0.79e6*[]float64{1.8, 1.25, 1.4, 1.02, 1.01}[i]))
	}
	a.Effects = []bench.Effect{
		{Factors: []string{"pool"}, Factor: 1.82, Low: 1.7, High: 1.95},
		{Factors: []string{"inplace"}, Factor: 1.28, Low: 1.2, High: 1.36},
		{Factors: []string{"lazy"}, Factor: 1.61, Low: 1.5, High: 1.72},
		{Factors: []string{"writev"}, Factor: 0.94, Low: 0.9, High: 0.98},
		{Factors: []string{"pool", "inplace"}, Factor: 1.06, Low: 0.99, High: 1.13},
		{Factors: []string{"pool", "lazy"}, Factor: 0.87, Low: 0.82, High: 0.93},
	}
	return bench.Section{
		Name: "ablation", Title: "What each optimization is worth", Kind: bench.KindAblation, Containers: 2,
		Spec: bench.Spec{Workload: bench.RandomWords, Spouts: 2, Bolts: 2, Words: 175_000}, Ablation: a,
	}
}
