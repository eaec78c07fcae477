package dataplane

import (
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
)

// outlet is the way out to one local task or to one other stream manager: a
// link, while there is one, the window of bytes that may be sent on it, and
// what waits for the window. It belongs to the event loop.
//
// Invariant: what waits is whole frames, and nothing waits while the window is
// open and a link is attached.
type outlet struct {
	link   *link
	newest uint64 // incarnation of the newest link that there has been; who has an older one was replaced
	window int
	queue  pool.Ring
	dests  []*dest  // the one task, or the tasks of the other container
	level  level    // of the queue, against the marks
	lost   bool     // there was a link and it broke
	again  bool     // something may have been lost before there was a link
	ended  bool     // the task has said that it is done; what still comes for it is dropped
	owed   []uint32 // tasks of which the other side must be told that something may be lost
	first  firstAcks
	vecs   [][]byte
}

// attach makes l the way out and sends what waits.
func (o *outlet) attach(lp *loop, l *link, window int) {
	if l.closing {
		return // it broke while it was greeted
	}
	again := o.again || o.lost || o.ended || o.link != nil
	o.link, o.window, o.lost, o.ended, o.again = l, window, false, false, false
	l.out = o
	if l.role == roleInstance {
		o.owed = nil // a task that connects takes everything for lost by itself
	}
	o.drain(lp)
	o.sendFirst(lp)
	if again {
		lp.repeatEnds(o)
	}
	if again && o.link == l {
		lp.restored(o)
	}
	lp.payOwed(o)
}

// granted opens the window of a link's outlet by what the other side has
// handled. It cannot have handled more than was sent.
func (lp *loop) granted(l *link, h wire.Header) {
	if l.out.window+int(h.Count) > lp.windowOf(l) {
		lp.refuse(l, wire.CodeCredit, &wire.FrameError{Header: h, Err: ErrGrant})
		return
	}
	l.out.window += int(h.Count)
	l.out.drain(lp)
}

// windowOf returns the largest window of a link.
func (lp *loop) windowOf(l *link) int {
	if l.role == rolePeer {
		return peerCredit
	}
	return lp.m.cfg.Window
}

// drain sends what waits, as far as the window allows. It overdraws the window
// by less than one chunk.
func (o *outlet) drain(lp *loop) {
	had := o.queue.Len()
	for o.link != nil && o.window > 0 && o.queue.Len() > 0 {
		o.vecs = o.queue.Vectors(o.vecs[:0], o.window)
		n := 0
		for _, v := range o.vecs {
			n += len(v)
		}
		o.window -= n
		l := o.link
		lp.writev(l, o.vecs)
		if o.link != l {
			o.drop(lp, n) // the write failed: how much of it arrived is not known
			return
		}
		o.queue.Discard(n)
	}
	if o.queue.Len() != had {
		lp.measure(o)
	}
}

// open reports whether frames may be written right now.
func (o *outlet) open() bool { return o.link != nil && o.window > 0 && o.queue.Len() == 0 }

// send passes on whole frames, which it borrows: written at once, or copied to the queue.
func (o *outlet) send(lp *loop, frames []byte, tuples int) {
	if o.open() {
		o.window -= len(frames)
		lp.writeFrames(o.link, frames)
		return
	}
	if o.refuses() {
		lp.c.dropped += uint64(tuples)
		return
	}
	o.queue.Write(frames)
	lp.measure(o)
}

// sendBuf is send for a buffer that it owns, and does not copy.
func (o *outlet) sendBuf(lp *loop, b *pool.Buf, tuples int) {
	if o.open() {
		o.window -= len(b.B)
		lp.writeFrames(o.link, b.B)
		b.Release()
		return
	}
	if o.refuses() {
		lp.c.dropped += uint64(tuples)
		b.Release()
		return
	}
	o.queue.Push(b)
	lp.measure(o)
}

// refuses reports whether frames are dropped: the task is done, or its link
// broke. Another container's frames wait for the link to come back.
func (o *outlet) refuses() bool {
	return o.ended || o.lost && len(o.dests) == 1 && o.dests[0].local
}

// drop drops at least n bytes of what waits, or all of it, and counts the tuples.
func (o *outlet) drop(lp *loop, n int) {
	for n > 0 && o.queue.Len() > 0 {
		o.vecs = o.queue.Vectors(o.vecs[:0], 1)
		for _, v := range o.vecs {
			lp.c.dropped += countTuples(v)
			o.queue.Discard(len(v))
			n -= len(v)
		}
	}
	lp.measure(o)
}

// countTuples adds up the tuples of whole frames.
func countTuples(frames []byte) uint64 {
	var n uint64
	for len(frames) >= wire.HeaderSize {
		h, err := wire.ParseHeader(frames)
		if err != nil {
			return n
		}
		if h.Kind == wire.KindData {
			n += uint64(h.Count)
		}
		frames = frames[min(wire.HeaderSize+int(h.Length), len(frames)):]
	}
	return n
}
