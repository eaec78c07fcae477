package tracker

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// Pauses before a tuple that was failed is emitted again: the first, by how much
// they grow, and the last. Half of each is random, so that tuples that failed
// together do not come back together.
const (
	firstPause = 10 * time.Millisecond
	pauseShift = 2 // four times as long
	lastPause  = 5 * time.Second
)

// Retry is a tuple that waits to be emitted again.
type Retry struct {
	Entry

	Due int64 // nanoseconds, of the clock that the owner uses
}

// Retries holds tuples that wait to be emitted again, in the order in which they
// are due. The zero Retries is empty.
type Retries struct{ h retryHeap }

// Len returns how many wait.
func (r *Retries) Len() int { return len(r.h) }

// Push adds a tuple that is due now.
func (r *Retries) Push(e Entry, now int64) { heap.Push(&r.h, Retry{Entry: e, Due: now}) }

// PushLater adds a tuple that is due after a pause that grows with its tries, 1 or more.
func (r *Retries) PushLater(e Entry, now int64) {
	pause := min(firstPause<<min(pauseShift*(int(e.Tries)-1), 20), lastPause)
	heap.Push(&r.h, Retry{Entry: e, Due: now + int64(pause/2+rand.N(pause/2))})
}

// Next returns the tuple that is due first. ok is false if none waits.
func (r *Retries) Next() (next Retry, ok bool) {
	if len(r.h) == 0 {
		return Retry{}, false
	}
	return r.h[0], true
}

// Pop removes the tuple that is due first. There must be one.
func (r *Retries) Pop() Retry { return heap.Pop(&r.h).(Retry) }

// Low returns the least id that waits. ok is false if none does.
func (r *Retries) Low() (id uint64, ok bool) {
	for i := range r.h {
		if !ok || r.h[i].ID < id {
			id, ok = r.h[i].ID, true
		}
	}
	return id, ok
}

// retryHeap is a heap by Due and, among equals, by id.
type retryHeap []Retry

func (h retryHeap) Len() int { return len(h) }
func (h retryHeap) Less(i, j int) bool {
	return h[i].Due < h[j].Due || h[i].Due == h[j].Due && h[i].ID < h[j].ID
}
func (h retryHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *retryHeap) Push(x any)   { *h = append(*h, x.(Retry)) }

func (h *retryHeap) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	*h = (*h)[:last]
	return r
}
