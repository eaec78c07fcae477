package bench

import (
	"io"
	"strings"
	"testing"
	"time"
)

// brief measures for so long that the figures mean something, and no longer.
func brief() Config {
	return Config{
		Duration: 200 * time.Millisecond, WarmUp: 300 * time.Millisecond, Seed: 1, Limits: []string{},
		ChildArgs: childArgs, Stderr: io.Discard,
	}
}

// BenchmarkRandomWords counts random words on three processes: an iteration is
// a run with a short window. Use ardea bench wordcount for figures to keep.
func BenchmarkRandomWords(b *testing.B) {
	for _, mode := range []string{"naive", "heron2017", "optimized"} {
		b.Run("mode="+mode, func(b *testing.B) {
			var wall, cpu, allocs []float64
			for b.Loop() {
				c := brief()
				c.Modes = []string{mode}
				r, err := Compare(b.Context(), c)
				if err != nil {
					b.Fatal(err)
				}
				wall = append(wall, r.Runs[0].TuplesPerSecond)
				cpu = append(cpu, r.Runs[0].TuplesPerCPUSecond)
				allocs = append(allocs, r.Runs[0].ManagerAllocsPerTuple)
			}
			b.ReportMetric(median(wall), "tuples/s")
			b.ReportMetric(median(cpu), "tuples/CPU-s")
			b.ReportMetric(median(allocs), "manager-allocs/tuple")
			b.ReportMetric(0, "ns/op") // the length of a run says nothing
		})
	}
}

// BenchmarkLimits runs the programs without an engine. See BenchmarkRandomWords.
func BenchmarkLimits(b *testing.B) {
	for _, name := range []string{FusedLoop, BatchedChannel, SocketRelay} {
		b.Run("program="+strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			var wall, cpu []float64
			for b.Loop() {
				c := brief()
				c.Limits = []string{name}
				r, err := MeasureLimits(b.Context(), c)
				if err != nil {
					b.Fatal(err)
				}
				wall = append(wall, r.Limits.Runs[0].TuplesPerSecond)
				cpu = append(cpu, r.Limits.Runs[0].TuplesPerCPUSecond)
			}
			b.ReportMetric(median(wall), "tuples/s")
			b.ReportMetric(median(cpu), "tuples/CPU-s")
			b.ReportMetric(0, "ns/op") // the length of a run says nothing
		})
	}
}

// BenchmarkLatency sends at 100,000 tuples a second. See BenchmarkRandomWords.
func BenchmarkLatency(b *testing.B) {
	var p50, p99 []float64
	for b.Loop() {
		r, err := MeasureLatency(b.Context(), brief())
		if err != nil {
			b.Fatal(err)
		}
		p50 = append(p50, r.Latency[0].Latency.P50)
		p99 = append(p99, r.Latency[0].Latency.P99)
	}
	b.ReportMetric(median(p50), "p50-us")
	b.ReportMetric(median(p99), "p99-us")
	b.ReportMetric(0, "ns/op") // the length of a run says nothing
}

// BenchmarkPickAndCount is what the fused loop does to a word.
func BenchmarkPickAndCount(b *testing.B) {
	p, c := NewPicker(NewDictionary(DefaultWords, 1), 1), NewCounter()
	for range 20 * DefaultWords {
		c.Add(p.Next())
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Add(p.Next())
	}
}

// BenchmarkPick is what a spout does to a word before it emits it.
func BenchmarkPick(b *testing.B) {
	p := NewPicker(NewDictionary(DefaultWords, 1), 1)
	b.ReportAllocs()
	for b.Loop() {
		p.Next()
	}
}
