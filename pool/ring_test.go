package pool

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/internal/invariants"
)

// checkLeak fails the test if it ends with more buffers held than it began with.
func checkLeak(t *testing.T) {
	t.Helper()
	before := Outstanding()
	t.Cleanup(func() {
		t.Helper()
		if n := Outstanding() - before; n != 0 && !t.Failed() {
			t.Errorf("%d buffers are held and not released", n)
		}
	})
}

func contents(r *Ring) []byte {
	var b []byte
	for _, v := range r.Vectors(nil, r.Len()) {
		b = append(b, v...)
	}
	return b
}

func filled(n, size int) *Buf {
	b := Get(size)
	for i := range n {
		b.B = append(b.B, byte(i*7+n))
	}
	return b
}

func TestRingMatchesSlice(t *testing.T) {
	checkLeak(t)
	rapid.Check(t, func(t *rapid.T) {
		before := Outstanding()
		var r Ring
		var model []byte
		seq := byte(0)
		fill := func(n int) []byte {
			p := make([]byte, n)
			for i := range p {
				seq++
				p[i] = seq
			}
			return p
		}
		length := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(0, 9000), rapid.IntRange(0, 200<<10))
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				p := fill(length.Draw(t, "n"))
				r.Write(p)
				model = append(model, p...)
				clear(p) // the ring must have copied
			},
			"push": func(t *rapid.T) {
				p := fill(length.Draw(t, "n"))
				b := Get(len(p) + rapid.IntRange(0, 100<<10).Draw(t, "spare"))
				b.B = append(b.B, p...)
				r.Push(b)
				model = append(model, p...)
			},
			"pushShared": func(t *rapid.T) {
				p := fill(length.Draw(t, "n"))
				b := Get(len(p) + 10)
				b.B = append(b.B, p...)
				b.Retain()
				defer b.Release()
				r.Push(b)
				r.Write([]byte("behind"))
				if !bytes.Equal(b.B, p) {
					t.Fatal("a shared buffer was changed")
				}
				model = append(append(model, p...), "behind"...)
			},
			"discard": func(t *rapid.T) {
				n := rapid.IntRange(0, len(model)).Draw(t, "n")
				r.Discard(n)
				model = model[n:]
			},
			"vectors": func(t *rapid.T) {
				limit := rapid.IntRange(-1, 300<<10).Draw(t, "limit")
				vs := r.Vectors(nil, limit)
				got, butLast := 0, 0
				for _, v := range vs {
					if len(v) == 0 {
						t.Fatal("an empty vector")
					}
					if !bytes.Equal(v, model[got:got+len(v)]) {
						t.Fatalf("vectors differ from the model at %d", got)
					}
					butLast = got
					got += len(v)
				}
				if got < min(limit, len(model)) && len(vs) < maxVectors {
					t.Fatalf("%d bytes of %d, limit %d", got, len(model), limit)
				}
				if len(vs) > 0 && butLast >= limit {
					t.Fatalf("a vector more than needed: %d bytes before the last, limit %d", butLast, limit)
				}
			},
			"reset": func(*rapid.T) {
				r.Reset()
				model = model[:0]
			},
			"": func(t *rapid.T) {
				if r.Len() != len(model) {
					t.Fatalf("Len is %d, want %d", r.Len(), len(model))
				}
				if len(r.chunks) <= maxVectors && !bytes.Equal(contents(&r), model) {
					t.Fatal("content differs from the model")
				}
				held := 0
				for _, b := range r.chunks[r.head:] {
					held += cap(b.B)
				}
				if limit := 4*(r.Len()+r.off) + 2*maxChunk; held > limit {
					t.Fatalf("%d bytes of memory for %d bytes, want at most %d", held, r.Len(), limit)
				}
				if r.Len() == 0 && Outstanding() != before {
					t.Fatal("an empty ring holds buffers")
				}
			},
		})
		r.Reset()
	})
}

func TestRingPushDoesNotCopy(t *testing.T) {
	checkLeak(t)
	var r Ring
	b := filled(5000, 8<<10)
	want := &b.B[0]
	r.Write([]byte("front"))
	r.Push(b)
	vs := r.Vectors(nil, r.Len())
	if len(vs) != 2 || &vs[1][0] != want {
		t.Errorf("got %d vectors; the pushed buffer is not the second", len(vs))
	}
	r.Reset()
}

func TestRingPushCopiesShortContent(t *testing.T) {
	checkLeak(t)
	var r Ring
	for range 100 {
		r.Push(filled(100, 4<<10))
	}
	if n := len(r.chunks); n > 3 {
		t.Errorf("100 contents of 100 bytes hold %d buffers", n)
	}
	r.Reset()
}

func TestRingPushOfNothing(t *testing.T) {
	checkLeak(t)
	var r Ring
	r.Push(Get(100))
	r.Push(Get(0))
	r.Write(nil)
	if r.Len() != 0 || len(r.Vectors(nil, 1)) != 0 {
		t.Errorf("Len is %d, %d vectors", r.Len(), len(r.Vectors(nil, 1)))
	}
}

func TestRingVectorsFitOneCall(t *testing.T) {
	checkLeak(t)
	var r Ring
	for range 3000 {
		r.Push(filled(300, 1<<10))
	}
	seen := 0
	for r.Len() > 0 {
		vs := r.Vectors(nil, r.Len())
		if len(vs) > 1024 {
			t.Fatalf("%d vectors", len(vs))
		}
		for _, v := range vs {
			seen += len(v)
			r.Discard(len(v))
		}
	}
	if seen != 3000*300 {
		t.Errorf("%d bytes came out", seen)
	}
}

func TestRingDiscardsOnlyWhatItHas(t *testing.T) {
	checkLeak(t)
	var r Ring
	r.Write([]byte("abc"))
	defer r.Reset()
	mustPanic(t, "Discard(4) of 3 bytes", func() { r.Discard(4) })
	mustPanic(t, "Discard(-1)", func() { r.Discard(-1) })
}

func TestRingDoesNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("a checked build's pool allocates")
	}
	checkLeak(t)
	var r Ring
	rng := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, 100<<10)
	vs := make([][]byte, 0, maxVectors)
	turn := func() {
		for range 20 {
			r.Write(p[:rng.IntN(len(p))])
			b := Get(20 << 10)
			b.B = b.B[:20<<10]
			r.Push(b)
			vs = r.Vectors(vs[:0], r.Len()/2)
			if r.Len() > 1<<20 {
				r.Discard(r.Len() * 3 / 4)
			}
		}
	}
	for range 100 {
		turn()
	}
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Errorf("%v allocations in 20 writes, pushes and discards", n)
	}
	r.Reset()
}

func BenchmarkRing(b *testing.B) {
	p := make([]byte, 16<<10)
	vs := make([][]byte, 0, 64)
	b.Run("op=write", func(b *testing.B) {
		var r Ring
		b.SetBytes(int64(len(p)))
		b.ReportAllocs()
		for b.Loop() {
			r.Write(p)
			if r.Len() >= 256<<10 {
				vs = r.Vectors(vs[:0], r.Len())
				r.Discard(r.Len())
			}
		}
	})
	b.Run("op=push", func(b *testing.B) {
		var r Ring
		b.ReportAllocs()
		for b.Loop() {
			buf := Get(len(p))
			buf.B = buf.B[:len(p)]
			r.Push(buf)
			if r.Len() >= 256<<10 {
				vs = r.Vectors(vs[:0], r.Len())
				r.Discard(r.Len())
			}
		}
	})
}
