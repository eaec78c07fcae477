package dataplane

import (
	"log/slog"
	"slices"

	"github.com/ardea-stream/ardea/wire"
)

// level says which mark the queue of a destination has passed.
type level uint8

const (
	levelFree level = iota
	levelHigh       // the spouts upstream are clamped
	levelHard       // the tasks that feed it get no credit
)

// levelOf returns the level of a queue of n bytes that was at level was. It
// falls from hard at the high mark and from high at the low mark, so that a
// queue near a mark does not flap.
func (lp *loop) levelOf(was level, n int) level {
	cfg := &lp.m.cfg
	switch {
	case n >= cfg.HardMark || was == levelHard && n > cfg.HighMark:
		return levelHard
	case n >= cfg.HighMark || was >= levelHigh && n > cfg.LowMark:
		return levelHigh
	default:
		return levelFree
	}
}

// measure compares an outlet's queue with the marks after it has changed.
func (lp *loop) measure(o *outlet) {
	n := o.queue.Len()
	lp.c.queuePeak = max(lp.c.queuePeak, n)
	now := lp.levelOf(o.level, n)
	if now == o.level {
		return
	}
	o.level = now
	for _, d := range o.dests {
		if d.local {
			lp.owned(d)
			continue
		}
		d.link = now
		lp.apply(d)
	}
}

// announce tells the other stream managers the level of a task of this container.
func (lp *loop) announce(d *dest, now level) {
	kind := wire.KindClamp
	if now == levelFree {
		kind = wire.KindRelease
	}
	for _, p := range lp.peers {
		if p.link != nil {
			lp.sendControl(p.link, wire.Header{Kind: kind, Dest: d.task, Count: uint32(now)})
		}
	}
}

// peerLevel takes another stream manager's announcement about one of its tasks.
func (lp *loop) peerLevel(l *link, h wire.Header) {
	d := lp.dest(h.Dest)
	if l.role != rolePeer || d == nil || d.out != l.out || h.Count > uint32(levelHard) {
		lp.refuse(l, wire.CodeUnexpected, &wire.FrameError{Header: h, Err: ErrUnexpected})
		return
	}
	d.owner = level(h.Count)
	if h.Kind == wire.KindRelease {
		d.owner = levelFree
	}
	lp.apply(d)
}

// peerLost forgets what a container had announced; it repeats that when it is back.
func (lp *loop) peerLost(container uint32) {
	for _, d := range lp.peers[container].dests {
		d.owner = levelFree
		lp.apply(d)
	}
}

// apply acts on a change of d's level: clamps or releases the spouts of this
// container that can reach it, and stops or resumes the credit of the tasks of
// this container that feed it.
func (lp *loop) apply(d *dest) {
	now := max(d.owner, d.link)
	was := d.level
	if now == was {
		return
	}
	d.level = now
	lp.log.Debug("level changed", slog.Uint64("task", uint64(d.task)), slog.Int("level", int(now)))
	if was == levelFree || now == levelFree {
		kind := wire.KindClamp
		if now == levelFree {
			kind = wire.KindRelease
		}
		for _, t := range d.upstream {
			if l := lp.linkOf(t); l != nil {
				lp.c.clamps++
				lp.sendControl(l, wire.Header{Kind: kind, Dest: d.task, Count: uint32(now)})
			}
		}
	}
	if was == levelHard || now == levelHard {
		for _, t := range d.feeders {
			l := lp.linkOf(t)
			if l == nil {
				continue
			}
			if now == levelHard {
				l.blocked++
				continue
			}
			l.blocked--
			lp.grant(l)
		}
	}
}

// linkOf returns the link of a task of this container, nil if it has none.
func (lp *loop) linkOf(task uint32) *link {
	if d := lp.dests[task]; d.local {
		return d.out.link
	}
	return nil
}

// blockedFor counts the destinations that a task feeds and that are past the hard mark.
func (lp *loop) blockedFor(task uint32) int {
	n := 0
	for _, d := range lp.dests {
		if d != nil && d.level == levelHard && slices.Contains(d.feeders, task) {
			n++
		}
	}
	return n
}

// clampNew repeats to a spout that has just connected what it is clamped by.
func (lp *loop) clampNew(l *link) {
	for _, d := range lp.dests {
		if d != nil && d.level > levelFree && slices.Contains(d.upstream, l.task) {
			lp.sendControl(l, wire.Header{Kind: wire.KindClamp, Dest: d.task, Count: uint32(d.level)})
		}
	}
}
