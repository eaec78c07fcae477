package dataplane

import (
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/wire"
)

// peerCredit is what one stream manager may have on its way to another, in bytes.
const peerCredit = 4 << 20

// data checks a data frame and forwards it.
func (lp *loop) data(l *link, h wire.Header, frame []byte) {
	if l.credit <= 0 {
		lp.refuse(l, wire.CodeCredit, &wire.FrameError{Header: h, Err: ErrCredit})
		return
	}
	if code, err := lp.checkFrame(l, h); err != nil {
		lp.refuse(l, code, &wire.FrameError{Header: h, Err: err})
		return
	}
	lp.c.framesIn++
	lp.c.tuples += uint64(h.Count)
	l.credit -= len(frame)
	if l.role == roleInstance && lp.dests[l.task].endsOut[h.Stream] {
		lp.c.dropped += uint64(h.Count) // the task has ended it: this process does not know what the one before it had done
		l.pending += len(frame)
		return
	}
	if lp.logs != nil && lp.logs.keep(l, h, frame) {
		return
	}
	l.pending += len(frame)
	lp.forward(l, h, frame)
}

// forward forwards a data frame that l has sent.
func (lp *loop) forward(l *link, h wire.Header, frame []byte) {
	var err error
	switch {
	case l.role == rolePeer:
		err = lp.fwd.deliver(h, frame, lp.dests[h.Dest], true)
	case h.Dest != 0:
		err = lp.fwd.deliver(h, frame, lp.dests[h.Dest], false)
	default:
		err = lp.fwd.route(h, frame)
	}
	if err != nil {
		lp.refuse(l, wire.CodeMalformed, &wire.FrameError{Header: h, Err: err})
	}
}

// checkFrame checks what the header of a data or end frame names.
func (lp *loop) checkFrame(l *link, h wire.Header) (wire.Code, error) {
	if h.Flags&wire.CodecMask != wire.CodecNone {
		return wire.CodeUnexpected, ErrCodec
	}
	if l.role == roleInstance && h.Source != l.task || int(h.Source) >= len(lp.sources) || h.Source == 0 {
		return wire.CodeRoute, ErrSource
	}
	if !lp.sources[h.Source][h.Stream] {
		return wire.CodeRoute, ErrStream
	}
	if h.Dest == 0 {
		if l.role == rolePeer {
			return wire.CodeRoute, ErrDest
		}
		return 0, nil
	}
	d := lp.dest(h.Dest)
	if d == nil || l.role == rolePeer && (!d.local || lp.dests[h.Source].local) || !lp.consumes(h.Stream, h.Dest, l.role == rolePeer) {
		return wire.CodeRoute, ErrDest
	}
	return 0, nil
}

// consumes reports whether a task takes frames of a stream that name it. From
// a task such frames are for direct and custom grouping only.
func (lp *loop) consumes(stream uint16, task uint32, anyGrouping bool) bool {
	for _, c := range lp.table[stream] {
		first := c.Tasks[0]
		if task >= first && task < first+uint32(len(c.Tasks)) && (anyGrouping || c.Grouping.Addressed()) {
			return true
		}
	}
	return false
}

// grant gives a sender credit for what was taken of it, unless it feeds a
// destination that is past its hard mark. It comes after what was read has
// reached the queues, so that the marks speak of it too.
func (lp *loop) grant(l *link) {
	window := lp.m.cfg.Credit
	if l.role == rolePeer {
		window = peerCredit
	}
	if l.blocked > 0 || l.pending < window/4 {
		return
	}
	lp.sendControl(l, wire.Header{Kind: wire.KindCredit, Dest: l.task, Count: uint32(l.pending)})
	l.credit += l.pending
	l.pending = 0
}

// end passes on that a task sends no more on a stream, behind its data.
func (lp *loop) end(l *link, h wire.Header, frame []byte) {
	if code, err := lp.checkFrame(l, h); err != nil {
		lp.refuse(l, code, &wire.FrameError{Header: h, Err: err})
		return
	}
	if h.Length != 0 || l.role == roleInstance && h.Dest != 0 {
		lp.refuse(l, wire.CodeMalformed, &wire.FrameError{Header: h, Err: ErrUnexpected})
		return
	}
	if l.role == rolePeer {
		l.credit -= len(frame) // it waited in the same queue as data
		l.pending += len(frame)
	}
	if h.Dest != 0 {
		lp.passEnd(h, frame, lp.dests[h.Dest])
		return
	}
	lp.dests[l.task].endsOut[h.Stream] = true
	if lp.logs != nil && lp.logs.keepEnd(h) {
		return
	}
	lp.passEnds(h, frame)
}

// passEnds sends an end frame to all tasks that consume its stream.
func (lp *loop) passEnds(h wire.Header, frame []byte) {
	for _, c := range lp.table[h.Stream] {
		for _, t := range c.Tasks {
			lp.passEnd(h, frame, lp.dests[t])
		}
	}
}

// passEnd sends an end frame to one task, behind what was routed there before.
func (lp *loop) passEnd(h wire.Header, frame []byte, d *dest) {
	d.ends[frameKey(h)] = true
	lp.flushRun()
	lp.fwd.settle(d)
	wire.PutDest(frame, d.task)
	d.out.send(lp, frame, 0)
}

// repeatEnds sends again the ends that may have been lost with a link. Who gets
// one twice counts it once; who never got one would wait for ever.
func (lp *loop) repeatEnds(o *outlet) {
	for _, d := range o.dests {
		for key := range d.ends {
			h := wire.Header{Kind: wire.KindEnd, Source: uint32(key >> 32), Stream: uint16(key), Dest: d.task, Epoch: lp.plan.Epoch}
			h.Put(lp.scratch[:])
			o.send(lp, lp.scratch[:], 0)
		}
	}
}

// loadOf is what shuffle groupings compare: the bytes on the way to a task.
func (lp *loop) loadOf(task uint32) int {
	d := lp.dests[task]
	n := d.out.queue.Len() + d.gathered
	if d.local && d.out.window < lp.m.cfg.Window {
		n += lp.m.cfg.Window - d.out.window
	}
	if d.batch != nil {
		n += len(d.batch.B)
	}
	if d.level > levelFree {
		n += lp.m.cfg.HighMark
	}
	return n
}

// pick chooses the task of a consumer that takes a whole batch.
func (lp *loop) pick(c *router.Consumer) *dest {
	if c.Grouping == router.Global || len(c.Tasks) == 1 {
		return lp.dests[c.Tasks[0]]
	}
	return lp.dests[c.Tasks[lp.balance[c].Pick(c, lp.loadOf, lp.m.cfg.LowMark)]]
}
