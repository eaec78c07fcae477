package dlog

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestRing compares a ring with a slice: batches come from chunks that take turns a little out of order.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var chunks []*chunk
		for range 6 {
			chunks = append(chunks, &chunk{})
		}
		var r ring
		var model []item
		var next uint64
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				c := chunks[rapid.IntRange(0, len(chunks)-1).Draw(t, "dropped")]
				r.dropChunk(c)
				last := -1
				for i := range model {
					if model[i].c == c {
						last = i
					}
				}
				model = model[last+1:]
			case 1:
				if len(model) > 0 {
					r.dropBack()
					model = model[:len(model)-1]
				}
			default:
				it := item{c: chunks[rapid.IntRange(0, len(chunks)-1).Draw(t, "chunk")], first: next, next: next + 1}
				next++
				*r.push(it.c) = it
				model = append(model, it)
			}
			var have []uint64
			for i := range r.n {
				have = append(have, r.at(i).first)
			}
			var want []uint64
			shares := map[*chunk]int{}
			for _, it := range model {
				want = append(want, it.first)
				shares[it.c]++
			}
			if !slices.Equal(have, want) {
				t.Fatalf("%v, want %v", have, want)
			}
			for _, s := range r.share {
				if shares[s.c] != s.n {
					t.Fatalf("a chunk has %d, want %d", s.n, shares[s.c])
				}
			}
			if len(r.share) != len(shares) {
				t.Fatalf("%d chunks, want %d", len(r.share), len(shares))
			}
		}
	})
}
