package dlog

import (
	"slices"
	"sort"
)

// item is a batch in the window.
type item struct {
	c           *chunk
	body        []byte // as stored, part of the chunk
	first, next uint64
	epoch       uint64
	txid, time  int64
	sum         uint32 // checksum of body
	codec       uint8
}

// ring is the tail of a log: its batches in the window, by offset.
type ring struct {
	items []item // a power of two
	head  int
	n     int
	share []share // of the chunks that have any of them, about in the order of the batches
}

// share is how many batches of a ring stand in a chunk.
type share struct {
	c *chunk
	n int
}

// shareOf returns the index of a chunk's share, -1 if it has none. It is mostly the last one, or the first.
func (r *ring) shareOf(c *chunk) int {
	if len(r.share) > 0 && r.share[0].c == c {
		return 0
	}
	for i := len(r.share) - 1; i > 0; i-- {
		if r.share[i].c == c {
			return i
		}
	}
	return -1
}

func (r *ring) at(i int) *item { return &r.items[(r.head+i)&(len(r.items)-1)] }

func (r *ring) last() *item { return r.at(r.n - 1) }

// push adds a batch that stands in a chunk behind the others, and returns where it is to be noted.
func (r *ring) push(c *chunk) *item {
	if r.n == len(r.items) {
		grown := make([]item, max(4, 2*r.n))
		for i := range r.n {
			grown[i] = *r.at(i)
		}
		r.items, r.head = grown, 0
	}
	r.n++
	if n := len(r.share); n > 0 && r.share[n-1].c == c {
		r.share[n-1].n++
	} else if i := r.shareOf(c); i >= 0 {
		r.share[i].n++
	} else {
		r.share = append(r.share, share{c, 1})
	}
	return r.last()
}

// unshare counts a batch that is taken away.
func (r *ring) unshare(c *chunk) {
	i := r.shareOf(c)
	if r.share[i].n--; r.share[i].n == 0 {
		r.share = slices.Delete(r.share, i, i+1)
	}
}

// dropChunk takes the batches away that stand in a chunk, and those before them. It looks at no others: there may be
// hundreds of thousands behind. A large ring that becomes empty gives its memory back.
func (r *ring) dropChunk(c *chunk) {
	i := r.shareOf(c)
	if i < 0 {
		return
	}
	for left := r.share[i].n; left > 0; {
		first := r.at(0)
		if first.c == c {
			left--
		}
		r.unshare(first.c)
		*first = item{}
		r.head = (r.head + 1) & (len(r.items) - 1)
		r.n--
	}
	if r.n == 0 && len(r.items) > 8 {
		*r = ring{}
	}
}

// dropBack takes the last batch away.
func (r *ring) dropBack() {
	last := r.last()
	r.unshare(last.c)
	*last = item{}
	r.n--
}

// find returns the index of the first batch that ends behind an offset, n if there is none.
func (r *ring) find(offset uint64) int {
	return sort.Search(r.n, func(i int) bool { return r.at(i).next > offset })
}
