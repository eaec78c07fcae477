package dataplane

import "github.com/ardea-stream/ardea/wire"

// Where tuples are tracked, every loss of bytes is followed by lost frames to
// the spouts that the bytes can have come from, once the way is open again.
// Who is told too much emits some tuples twice; who is told too little waits
// for the message timeout. This is why nobody is told too little:
//
// Bytes vanish with a link only. What a manager drops, it drops because the link
// to a task is gone (outlet.refuses, outlet.drop), because a write to it failed,
// which closes it, or because it closes a link itself: refused, replaced, or
// silent. Then all is lost that was unread, in pieces, half written or queued
// for the task. The exceptions are acks for a spout or a container that is not
// connected any more or does not read, and notices for a container that is not
// connected: those are kept as owed (outlet.owed). Acks for a container that was
// never connected are kept as they are (outlet.first).
//
//   - The link of a task: what is lost was on its way to the task or came from
//     it, acks included, so its roots are at spouts upstream of it, or at
//     itself. The former are told when the link is back; a spout whose own link
//     broke takes everything for lost by itself. Until then those spouts are
//     clamped, so that they emit nothing again into the void; they are released
//     behind the notice.
//   - The link between two managers: what is lost was on its way from a task of
//     one container to a task of the other. A spout that has roots of it is
//     upstream of the receiving task, and of the sending one unless it is that
//     itself; acks go from a task to a spout upstream of it. So the spout is
//     upstream of each of the two tasks that is not itself. Each manager tells
//     its own spouts, and all third containers, about the tasks of the other one.
//     A link that broke between hello and welcome counts, since the other side
//     may have used it.
//   - A manager: its links break on all other sides, which do the above. The next
//     one knows from Config.Restarted that it must do so too, for all its tasks
//     and peers, and clamps until each task has connected.
//   - A frame of a durable stream that the log has refused: it came from a task of
//     this container. If that is a spout, it is told; else the spouts upstream of it.
//   - A notice: it is lost with the link between two managers. Then the receiver
//     tells its spouts about all tasks of the sender, of which the task of the
//     notice is one, or that which the lost bytes came from or were for.
//
// A spout sends its tuples after it has begun to track them, so a notice that is
// sent after the loss finds them in its tracker.

// owned acts on a change of how far behind a task of this container is: by its
// queue, or because it has no link.
func (lp *loop) owned(d *dest) {
	now := d.out.level
	if d.away {
		now = max(now, levelHigh)
	}
	if now == d.owner {
		return
	}
	lp.announce(d, now)
	d.owner = now
	lp.apply(d)
}

// leave clamps the spouts upstream of a task of this container until it is back.
func (lp *loop) leave(d *dest) {
	d.away = lp.plan.Tracked && len(d.upstream) > 0
	lp.owned(d)
}

// restored tells of what may have been lost with an outlet's former link, and
// ends what leave began.
func (lp *loop) restored(o *outlet) {
	if !lp.plan.Tracked {
		return
	}
	lp.tell(o)
	for _, d := range o.dests {
		if d.local {
			d.away = false
			lp.owned(d)
		}
	}
}

// tell tells the spouts that can reach a task of an outlet, each of them once:
// those of this container, and through their managers those of others, but for
// the one behind the outlet, which does the same from its side.
func (lp *loop) tell(o *outlet) {
	told := make([]bool, len(lp.dests))
	for _, d := range o.dests {
		via := map[*outlet]bool{o: true}
		for _, t := range d.upstream {
			if told[t] {
				continue
			}
			told[t] = true
			s := lp.dests[t]
			switch {
			case s.local && s.out.link != nil:
				lp.sendLost(s.out.link, d.task)
			case s.local || via[s.out]:
			default:
				via[s.out] = true
				lp.tellPeer(s.out, d.task)
			}
		}
	}
}

// tellFrom tells the spouts that tuples which a task of this container has sent can have come from: itself, if it is one,
// or those upstream of it.
func (lp *loop) tellFrom(task uint32) {
	d := lp.dests[task]
	if !d.spout {
		lp.tell(d.out)
		return
	}
	if l := d.out.link; l != nil {
		lp.sendLost(l, task)
	}
}

// tellPeer tells another manager now, or when it is connected.
func (lp *loop) tellPeer(p *outlet, task uint32) {
	if p.link == nil {
		p.owe(task)
		return
	}
	lp.sendLost(p.link, task)
}

// peerTells passes another manager's notice to the spouts of this container.
func (lp *loop) peerTells(l *link, h wire.Header) {
	d := lp.dest(h.Dest)
	if !lp.plan.Tracked || l.role != rolePeer || d == nil || h.Length != 0 {
		lp.refuse(l, wire.CodeUnexpected, &wire.FrameError{Header: h, Err: ErrUnexpected})
		return
	}
	for _, t := range d.upstream {
		if to := lp.linkOf(t); to != nil {
			lp.sendLost(to, d.task)
		}
	}
}

// sendLost tells one link that what was on its way through a task may be lost.
func (lp *loop) sendLost(l *link, task uint32) {
	lp.c.losses++
	lp.sendControl(l, wire.Header{Kind: wire.KindLost, Dest: task})
}

// comeAfter makes a manager that is not the first of its container what the one
// before it was: nobody is connected any more, and some streams have ended.
func (lp *loop) comeAfter(ended []uint32) {
	for _, t := range ended {
		lp.endedBefore(t)
	}
	for _, d := range lp.dests[1:] {
		d.out.again = true
		if d.local && !d.out.ended {
			lp.leave(d)
		}
	}
}

// endedBefore notes the ends of a task's streams for the tasks that consume them,
// unless neither of the two is here.
func (lp *loop) endedBefore(task uint32) {
	d := lp.dests[task]
	if d.local {
		d.out.ended = true
	}
	for stream := range lp.sources[task] {
		d.endsOut[stream] = true
		key := frameKey(wire.Header{Source: task, Stream: stream})
		for _, c := range lp.table[stream] {
			for _, t := range c.Tasks {
				if to := lp.dests[t]; d.local || to.local {
					to.ends[key] = true
				}
			}
		}
	}
}
