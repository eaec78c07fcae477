package journal

import (
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestAppendDoesNotAllocate counts what an append, its sync and its acknowledgement allocate in all goroutines.
func TestAppendDoesNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checks may allocate")
	}
	leaktest.Check(t)
	j := mustOpen(t, Options{Dir: t.TempDir(), FileSize: 4 << 20})
	defer j.mustClose(t)
	e, w := made(1, 100), NewWaiter()
	for _, level := range []Level{Disk, OS, Memory} {
		n := testing.AllocsPerRun(500, func() {
			if _, err := w.Append(j.Journal, &e, level); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("level %d: %v allocations for each append", level, n)
		}
	}
	const many = 200
	left, told := 0, make(chan struct{}, 1)
	done := func(_ Position, err error) {
		if left--; left == 0 || err != nil {
			told <- struct{}{}
		}
	}
	n := testing.AllocsPerRun(50, func() {
		left = many
		for range many {
			if err := j.Append(&e, Disk, done); err != nil {
				t.Fatal(err)
			}
		}
		<-told
	})
	if n != 0 {
		t.Errorf("%v allocations for %d appends at once", n, many)
	}
}
