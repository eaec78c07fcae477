package pool

import (
	"fmt"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestGetGivesRoom(t *testing.T) {
	checkLeak(t)
	for _, tc := range []struct{ n, capacity int }{
		{-1, 1 << 10},
		{0, 1 << 10},
		{1, 1 << 10},
		{1 << 10, 1 << 10},
		{1<<10 + 1, 2 << 10},
		{64 << 10, 64 << 10},
		{64<<10 + 1, 128 << 10},
		{16<<20 + 24, 32 << 20},
		{32 << 20, 32 << 20},
		{32<<20 + 1, 32<<20 + 1}, // not pooled
	} {
		b := Get(tc.n)
		if len(b.B) != 0 || cap(b.B) != tc.capacity {
			t.Errorf("Get(%d) has length %d, capacity %d, want 0 and %d", tc.n, len(b.B), cap(b.B), tc.capacity)
		}
		b.Release()
	}
}

func TestReuseStartsEmpty(t *testing.T) {
	checkLeak(t)
	for range 100 {
		b := Get(1 << 10)
		if len(b.B) != 0 || cap(b.B) != 1<<10 {
			t.Fatalf("a buffer comes with length %d, capacity %d", len(b.B), cap(b.B))
		}
		b.B = append(b.B, make([]byte, 5000)...) // beyond its capacity
		b.Release()
	}
}

func TestWithoutReuse(t *testing.T) {
	checkLeak(t)
	allocs := func() float64 {
		return testing.AllocsPerRun(100, func() { Get(100 << 10).Release() })
	}
	undo := WithoutReuse()
	b := Get(100 << 10)
	if cap(b.B) != 128<<10 {
		t.Errorf("capacity is %d, want that of the class", cap(b.B))
	}
	again := WithoutReuse()
	undo()
	if n := allocs(); n < 2 {
		t.Errorf("%v allocations for a buffer while somebody wants them new", n)
	}
	again()
	b.Release()
	if n := allocs(); n != 0 && !invariants.Enabled {
		t.Errorf("%v allocations for a buffer afterwards", n)
	}
}

func TestSharedBufferLivesUntilTheLastRelease(t *testing.T) {
	checkLeak(t)
	b := Get(10)
	b.B = append(b.B, "content"...)
	b.Retain()
	b.Retain()
	b.Release()
	b.Release()
	if string(b.B) != "content" {
		t.Errorf("content is %q after two of three releases", b.B)
	}
	b.Release()
	if b.B != nil {
		t.Error("the content can still be reached")
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", what)
		}
	}()
	f()
}

func TestMisusePanics(t *testing.T) {
	b := &Buf{cls: -1} // not from the pool, so that nobody else gets it meanwhile
	mustPanic(t, "a second release", b.Release)
	b.refs.Store(0)
	mustPanic(t, "retaining what was released", b.Retain)
}

func TestOutstandingCounts(t *testing.T) {
	if !invariants.Enabled {
		b := Get(1)
		if n := Outstanding(); n != 0 {
			t.Errorf("%d buffers are counted in a plain build", n)
		}
		b.Release()
		return
	}
	before := Outstanding()
	a, b := Get(1), Get(100<<20)
	a.Retain()
	if n := Outstanding() - before; n != 2 {
		t.Errorf("two buffers count as %d", n)
	}
	a.Release()
	a.Release()
	b.Release()
	if n := Outstanding() - before; n != 0 {
		t.Errorf("after their release %d are counted", n)
	}
}

func TestReleasedBufferIsPoisoned(t *testing.T) {
	if !invariants.Enabled {
		t.Skip("plain builds do not write over released buffers")
	}
	b := Get(100)
	b.B = append(b.B, "content"...)
	stale := b.B
	b.Release()
	if string(stale) == "content" {
		t.Error("a released buffer keeps its content")
	}
}

func TestManyGoroutines(t *testing.T) {
	leaktest.Check(t)
	checkLeak(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				b := Get(i * 7 % 9000)
				b.B = append(b.B, byte(g), byte(i))
				b.Retain()
				done := make(chan struct{})
				go func() {
					defer close(done)
					if b.B[0] != byte(g) || b.B[1] != byte(i) {
						t.Errorf("goroutine %d finds the bytes % x", g, b.B)
					}
					b.Release()
				}()
				if b.B[0] != byte(g) {
					t.Errorf("goroutine %d has the buffer of %d", g, b.B[0])
				}
				b.Release()
				<-done
			}
		})
	}
	wg.Wait()
}

func TestGetAndReleaseDoNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("a checked build's pool allocates")
	}
	for _, n := range []int{100, 4 << 10, 128 << 10} {
		if allocs := testing.AllocsPerRun(1000, func() {
			b := Get(n)
			b.Retain()
			b.Release()
			b.Release()
		}); allocs != 0 {
			t.Errorf("%d bytes: %v allocations", n, allocs)
		}
	}
}

func BenchmarkGetRelease(b *testing.B) {
	for _, n := range []int{1 << 10, 128 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Get(n).Release()
			}
		})
	}
}
