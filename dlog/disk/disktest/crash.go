package disktest

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// How much of what was not synced a power failure leaves.
const (
	loseAll = iota
	keepAll
	keepSome
	fates
)

// Crash returns a file system as a power failure at this moment could leave it. The seed chooses among the
// possibilities. f goes on as if nothing had happened; its faults, limit and locks are not passed on.
func (f *FS) Crash(seed uint64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	rng := rand.New(rand.NewPCG(seed, 3))
	names, contents := rng.IntN(fates), rng.IntN(fates)
	after, copies := New(), map[*node]*node{}
	for _, path := range slices.Sorted(maps.Keys(f.mu.dirs)) {
		d := f.mu.dirs[path]
		left := maps.Clone(d.safe)
		for _, c := range d.pending {
			if names == keepAll || names == keepSome && rng.IntN(2) == 0 {
				c.apply(left)
			}
		}
		clone := &dir{now: map[string]*node{}, safe: map[string]*node{}}
		for _, base := range slices.Sorted(maps.Keys(left)) {
			n := left[base]
			if copies[n] == nil {
				b := n.crash(contents, rng)
				copies[n] = &node{data: b, safe: slices.Clone(b)}
				after.mu.used += int64(len(b))
			}
			clone.now[base], clone.safe[base] = copies[n], copies[n]
		}
		after.mu.dirs[path] = clone
	}
	return after
}

// crash returns what is left of a file.
func (n *node) crash(fate int, rng *rand.Rand) []byte {
	b := slices.Clone(n.safe)
	for _, w := range n.pending {
		switch fate {
		case keepAll:
			b = w.apply(b)
		case keepSome:
			switch rng.IntN(3) {
			case 0: // lost
			case 1:
				b = w.apply(b)
			default:
				b = w.tear(b, rng)
			}
		}
	}
	return b
}
