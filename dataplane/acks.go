package dataplane

import (
	"slices"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
)

// Acks and failures take the way that data takes, in the other direction: from a
// bolt's task to the manager of the spout's container and from there to the
// spout's task. They are written at once, cost no credit and are never queued,
// but for those of the time before two managers are linked for the first time: a
// tuple may have come by way of a third one, and its ack must not be lost where
// nothing has failed.
// What is in them is checked by the first manager, since whoever finds fault
// with them later would blame the wrong link.

// maxAcksWaiting bounds what waits for a spout or a peer that does not read, in
// bytes beyond its window, or for the first link to a peer. Further acks are
// dropped until it reads again.
const maxAcksWaiting = 4 << 20

// minAck is the least that an entry of an ack frame takes, in bytes.
const minAck = 1

// ack checks an ack or fail frame and passes it on.
func (lp *loop) ack(l *link, h wire.Header, frame []byte) {
	code, err := lp.checkAck(l, h)
	if err == nil {
		d, remote := lp.dests[h.Dest], l.role == rolePeer
		code = wire.CodeMalformed
		if h.Kind == wire.KindAck {
			err = lp.fwd.acks(h, frame, d, remote)
		} else {
			err = lp.fwd.fail(h, frame, d, remote)
		}
	}
	if err != nil {
		lp.refuse(l, code, &wire.FrameError{Header: h, Err: err})
	}
}

// checkAck checks what the header of an ack or fail frame names.
func (lp *loop) checkAck(l *link, h wire.Header) (wire.Code, error) {
	if !lp.plan.Tracked || h.Flags != 0 {
		return wire.CodeUnexpected, ErrUnexpected
	}
	remote := l.role == rolePeer
	s, d := lp.dest(h.Source), lp.dest(h.Dest)
	if s == nil || remote == s.local || !remote && h.Source != l.task {
		return wire.CodeRoute, ErrSource
	}
	if d == nil || !d.spout || remote && !d.local {
		return wire.CodeRoute, ErrDest
	}
	if h.Length == 0 || h.Kind == wire.KindFail && h.Count != 1 {
		return wire.CodeMalformed, wire.ErrAcks
	}
	return 0, nil
}

// acks implements forwarder. The body goes on as it is, together with that of
// the frame before it if both have the same source and destination.
func (f *optimized) acks(h wire.Header, frame []byte, d *dest, remote bool) error {
	if err := checkAcks(h, frame, remote); err != nil {
		return err
	}
	f.lp.extendRun(d, h.Source, frame, int(h.Count))
	return nil
}

// checkAcks checks the body of an ack frame, that of a peer only by its length.
func checkAcks(h wire.Header, frame []byte, remote bool) error {
	if remote {
		if n := uint64(h.Count); uint64(h.Length) < n*minAck || uint64(h.Length) > n*wire.MaxAck {
			return wire.ErrAcks
		}
		return nil
	}
	n, err := wire.CountAcks(frame[wire.HeaderSize:])
	if err == nil && n != int(h.Count) {
		err = wire.ErrAcks
	}
	return err
}

// fail implements forwarder.
func (f *optimized) fail(h wire.Header, frame []byte, d *dest, remote bool) error {
	if !remote {
		if _, err := wire.ParseFailure(frame[wire.HeaderSize:]); err != nil {
			return err
		}
	}
	f.lp.flushRun() // acks of the same task that came before it
	f.lp.sendAcks(d, h.Source, frame, 1)
	return nil
}

// tick implements forwarder.
func (f *optimized) tick() {}

// tracked implements forwarder.
func (f *optimized) tracked() int { return 0 }

// sendAcks writes whole frames with n acks of task source for a spout's task d.
// They wait for the first link to another container, see firstAcks. Else they are
// dropped when there is no link, or nobody reads it. The spout learns
// that: when its link is back it takes everything for lost, and else it is told
// as soon as the way is open.
func (lp *loop) sendAcks(d *dest, source uint32, frames []byte, n int) {
	o := d.out
	if l := o.link; l != nil && l.conn.OutboundBuffered() <= lp.windowOf(l)+maxAcksWaiting {
		lp.writeFrames(l, frames)
		if o.link == l {
			lp.c.acksForwarded += uint64(n)
			return
		}
	} else if !d.local && o.untried() && o.first.frames.Len() < maxAcksWaiting {
		o.first.frames.Write(frames)
		o.first.acks += n
		return
	}
	lp.c.acksDropped += uint64(n)
	o.owe(source)
}

// firstAcks are acks for the spouts of a container that has not been linked yet.
type firstAcks struct {
	frames pool.Ring // whole ones, each in one slice
	acks   int
}

// untried reports whether there has been no link, so that nothing can have been lost with one.
func (o *outlet) untried() bool { return o.link == nil && !o.lost && !o.again }

// sendFirst writes the acks that have waited for the first link, which is there.
func (o *outlet) sendFirst(lp *loop) {
	f, l := &o.first, o.link
	if l == nil || f.frames.Len() == 0 {
		return
	}
	for o.link == l && f.frames.Len() > 0 {
		o.vecs = f.frames.Vectors(o.vecs[:0], 1)
		lp.writeFrames(l, o.vecs[0])
		f.frames.Discard(len(o.vecs[0]))
	}
	if o.link == l {
		lp.c.acksForwarded += uint64(f.acks)
	} else {
		lp.c.acksDropped += uint64(f.acks) // with the link, which is told when the next one is there
		f.frames.Reset()
	}
	f.acks = 0
}

// owe notes that whoever reads an outlet must be told that what went through a task may be lost.
func (o *outlet) owe(task uint32) {
	if !slices.Contains(o.owed, task) {
		o.owed = append(o.owed, task)
	}
}

// payOwed tells what is owed, once most of what waited for the outlet's link has been read.
func (lp *loop) payOwed(o *outlet) {
	l := o.link
	if len(o.owed) == 0 || l == nil || l.conn.OutboundBuffered() > lp.windowOf(l) {
		return
	}
	owed := o.owed
	o.owed = nil
	for _, t := range owed {
		lp.sendLost(l, t)
	}
}
