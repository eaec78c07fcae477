package adapter

import (
	"context"
	"testing"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// BenchmarkCount draws and counts in one goroutine.
func BenchmarkCount(b *testing.B) {
	run, err := Spec{Workload: words.Words175k, Seed: 1, Parallelism: 1}.Part(context.Background(), 0)
	if err != nil {
		b.Fatal(err)
	}
	source, err := run.Source()
	if err != nil {
		b.Fatal(err)
	}
	count := run.Counter()
	for range 2 * bench.DefaultWords { // the map has grown
		d, _ := source.Next()
		count.Add(d.Text, d.Due)
	}
	for b.Loop() {
		d, _ := source.Next()
		count.Add(d.Text, d.Due)
	}
}

// TestReadBack plants wrong counts in what was read from a system, in one process and in several.
func TestReadBack(t *testing.T) {
	for _, plant := range append(contract.Plants(), "") {
		run, err := Spec{Workload: words.Pipeline, Seed: 1, Parallelism: 1, Plant: plant}.Part(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		source, err := run.Source()
		if err != nil {
			t.Fatal(err)
		}
		run.Counter().Add("only what was read back counts", 0)
		const draws = 1000
		counts := map[string]uint64{}
		for range draws {
			d, _ := source.Next()
			counts[d.Text]++
		}
		run.ReadBack(counts)
		want := run.List.Expect(1, []uint64{draws})
		if got := run.result(); (uint64(got.Table) == want.Table) != (plant == "") {
			t.Errorf("%q planted: the table is %x, drawn was %x", plant, uint64(got.Table), want.Table)
		}
		run.ReadBack(counts)
		merged, err := run.Merge(nil)
		if err != nil || (uint64(merged.Table) == want.Table) != (plant == "") {
			t.Errorf("%q planted, merged: the table is %x, drawn was %x (%v)", plant, uint64(merged.Table), want.Table, err)
		}
	}
}
