package dataplane

import (
	"slices"
	"time"

	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// ackerBuckets is how many generations of roots an acker holds, as Heron does.
const ackerBuckets = 3

// maxRoots bounds the roots of an acker. Beyond it the oldest are forgotten, and
// time out at their spout. It is a variable for tests.
var maxRoots = 1 << 22

// acker tracks tuples as Heron's stream manager does, for the spouts of its
// container: a map from root to the exclusive or of the edges that were sent and
// not yet acked. A spout's tuple may pass in several frames, those that the
// stream manager routes and those to tasks that the emitter has chosen; each
// adds its edges. Where all that has passed so far is acked, the spout is told
// of it, and what comes later begins anew: the spout's own tracker, which waits
// for all of them together, adds it up.
//
// The map is a rotating one: what has been there for too long is in the oldest
// bucket, which is dropped as a whole.
type acker struct {
	buckets [ackerBuckets]map[root]pending // newest first
	period  int                            // ticks between two rotations
	ticks   int                            // since the last one
}

// root names a spout's tuple.
type root struct {
	task uint32
	seq  uint64
}

// pending is what is not acked of a root.
type pending struct {
	word uint64 // exclusive or of the edges that are not acked
	sent uint64 // exclusive or of the edges that the spout has sent, for which its tracker waits
}

// newAcker returns an acker that holds a root for timeout at least. Heron's
// forgot some after two thirds of it, before their spouts did.
func newAcker(timeout time.Duration) *acker {
	a := &acker{period: int((timeout/(ackerBuckets-1) + tickPeriod - 1) / tickPeriod)}
	for i := range a.buckets {
		a.buckets[i] = map[root]pending{}
	}
	return a
}

// len returns how many roots are tracked.
func (a *acker) len() (n int) {
	for _, b := range a.buckets {
		n += len(b)
	}
	return n
}

// find returns the bucket of a root, nil if there is none.
func (a *acker) find(r root) map[root]pending {
	for _, b := range a.buckets {
		if _, ok := b[r]; ok {
			return b
		}
	}
	return nil
}

// send notes that copies of a spout's tuple pass, with an edge each: sum is
// their exclusive or.
func (a *acker) send(r root, sum uint64) {
	b := a.find(r)
	if b == nil {
		for a.len() >= maxRoots {
			a.rotate()
		}
		b = a.buckets[0]
	}
	p := b[r]
	b[r] = pending{word: p.word ^ sum, sent: p.sent ^ sum}
}

// ack takes a word from a root. When nothing is left it forgets the root and
// returns the word that the spout waits for. Roots that are not tracked, or no
// longer, are ignored: no ack overtakes the tuple, whose frame passes here first.
func (a *acker) ack(r root, word uint64) (sent uint64, done bool) {
	b := a.find(r)
	if b == nil {
		return 0, false
	}
	p := b[r]
	if p.word ^= word; p.word != 0 {
		b[r] = p
		return 0, false
	}
	delete(b, r)
	return p.sent, true
}

// forget drops a root that has failed.
func (a *acker) forget(r root) {
	if b := a.find(r); b != nil {
		delete(b, r)
	}
}

// tick ages the roots, unless held: a spout that is clamped does not age its own.
func (a *acker) tick(held bool) {
	if held {
		return
	}
	if a.ticks++; a.ticks >= a.period {
		a.rotate()
	}
}

func (a *acker) rotate() {
	oldest := a.buckets[ackerBuckets-1]
	copy(a.buckets[1:], a.buckets[:])
	clear(oldest)
	a.buckets[0], a.ticks = oldest, 0
}

// track notes the spout's tuples of the batch at hand, of which there will be so many copies each.
func (f *naive) track(h wire.Header, copies int) {
	if f.acker == nil || copies == 0 || h.Flags&wire.FlagAnchored == 0 || !f.lp.dests[h.Source].spout {
		return
	}
	for _, t := range f.in.tuples {
		for _, r := range t.Roots {
			if r.Task == 0 || r.Task == h.Source {
				f.acker.send(root{h.Source, r.Seq}, sumOf(t, r.Seq, copies))
			}
		}
	}
}

// sumOf returns the exclusive or of the edges of so many copies of tuple seq of a spout.
func sumOf(t *wirepb.Tuple, seq uint64, copies int) uint64 {
	if t.Edge == 0 {
		return wire.OwnEdge(seq)
	}
	return wire.EdgeSum(t.Edge, copies)
}

// nextCopy gives the objects at hand the edges of their next copy.
func (f *naive) nextCopy(h wire.Header) {
	if h.Flags&wire.FlagAnchored == 0 {
		return
	}
	for _, t := range f.in.tuples {
		if t.Edge != 0 {
			t.Edge = wire.NextEdge(t.Edge)
		}
	}
}

// holding reports whether a spout of this container is clamped.
func (lp *loop) holding() bool {
	return slices.ContainsFunc(lp.dests[1:], func(d *dest) bool {
		return d.level > levelFree && slices.ContainsFunc(d.upstream, func(t uint32) bool { return lp.dests[t].local })
	})
}
