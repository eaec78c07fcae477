package adapter

import (
	"testing"

	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// TestLatenessInWindow has a source be late with every draw: only draws of the window may tell of it.
func TestLatenessInWindow(t *testing.T) {
	const rate, draws, begin, end = 1000.0, 100, 20, 50
	const between = int64(1e9 / rate)
	run, err := Spec{Workload: words.Words175k, Seed: 1, Parallelism: 1, Rate: rate, Draws: draws}.Part(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	source, err := run.Source()
	if err != nil {
		t.Fatal(err)
	}
	run.begin.Store(source.start + begin*between)
	run.end.Store(source.start + end*between)
	run.now = func() int64 { return source.start + draws*between }
	for range draws {
		if _, more := source.Next(); !more {
			t.Fatal("the source has ended early")
		}
	}
	if got := source.lateness.TotalCount(); got != end-begin {
		t.Errorf("lateness of %d draws is told, want that of %d", got, end-begin)
	}
}
