package dataplane

import (
	"slices"

	"github.com/ardea-stream/ardea/wire"
)

// logAcks acknowledges tuples for a log that is the only one to consume their stream: as a bolt would that emits nothing.
type logAcks struct {
	to    map[uint32]*spoutAcks // by spout task
	order []uint32              // the tasks that there are acks for
}

// spoutAcks is an ack frame for a spout that is being made.
type spoutAcks struct {
	b    []byte // header and body; empty if there are no acks
	n    uint32
	prev uint64 // sequence number of the last one
}

// mostAcks is when an ack frame is sent, in bytes: well below wire.MaxControlBody.
const mostAcks = 32 << 10

func newLogAcks() *logAcks { return &logAcks{to: map[uint32]*spoutAcks{}} }

// frame acknowledges the tuples of a data frame, whose body is a chain of records.
func (a *logAcks) frame(lp *loop, h wire.Header, body []byte) {
	for off := 0; off < len(body); {
		if end, _, seq, ok := wire.OwnRecord(body, off); ok {
			a.add(lp, h, h.Source, seq, wire.OwnEdge(seq))
			off = end
			continue
		}
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			break // cannot be: it was checked
		}
		a.tuple(lp, h, body[tuple:end])
		off = end
	}
	slices.Sort(a.order)
	for _, task := range a.order {
		a.send(lp, h, task)
	}
	a.order = a.order[:0]
}

// tuple acknowledges one that may have several roots. What has anchors that are none is left to time out.
func (a *logAcks) tuple(lp *loop, h wire.Header, tuple []byte) {
	edge, roots, _, err := wire.Anchors(tuple)
	for err == nil && len(roots) > 0 {
		var task uint32
		var seq uint64
		if task, seq, roots, err = wire.NextRoot(roots); err != nil {
			return
		}
		if task == 0 {
			task = h.Source
		}
		word := edge
		if word == 0 {
			word = wire.OwnEdge(seq)
		}
		if d := lp.dest(task); d != nil && d.spout && seq <= wire.MaxSeq {
			a.add(lp, h, task, seq, word)
		}
	}
}

func (a *logAcks) add(lp *loop, h wire.Header, task uint32, seq, word uint64) {
	f := a.to[task]
	if f == nil {
		f = &spoutAcks{}
		a.to[task] = f
	}
	if f.n == 0 {
		a.order = append(a.order, task)
	}
	if len(f.b) == 0 {
		f.b = wire.AppendHeader(f.b[:0], wire.Header{})
	}
	f.b = wire.AppendAck(f.b, f.prev, seq, word)
	f.prev = seq
	if f.n++; len(f.b) > mostAcks {
		a.send(lp, h, task)
		a.order = slices.DeleteFunc(a.order, func(t uint32) bool { return t == task })
	}
}

// send sends the acks for a task, in the name of the task that has emitted the tuples.
func (a *logAcks) send(lp *loop, h wire.Header, task uint32) {
	f := a.to[task]
	wire.Header{
		Kind: wire.KindAck, Source: h.Source, Dest: task, Count: f.n, Length: uint32(len(f.b) - wire.HeaderSize), Epoch: lp.plan.Epoch,
	}.Put(f.b)
	lp.sendAcks(lp.dests[task], h.Source, f.b, int(f.n))
	*f = spoutAcks{b: f.b[:0]}
}
