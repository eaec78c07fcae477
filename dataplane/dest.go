package dataplane

import (
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
)

// batchBytes is the size of the buffers that routed records gather in.
const batchBytes = 64 << 10

// dest is a task as a destination, local or not.
//
// Invariant: batch holds whole frames up to frame, and from there one whose
// header is not written yet; key names that frame's stream and source.
type dest struct {
	task  uint32
	local bool
	spout bool
	out   *outlet // its own, or that of its container

	batch  *pool.Buf
	frame  int    // where the open frame starts in batch.B
	key    uint64 // source task and stream of the open frame
	count  uint32 // tuples in the open frame
	tuples int    // tuples in the whole batch
	dirty  bool   // stands in loop.dirty

	gathered int // bytes that wait as objects, in the modes that decode

	ends    map[uint64]bool // streams and sources that have ended for the task, by frameKey
	wantIn  int             // how many there will be
	endsOut map[uint16]bool // streams of the task that have ended
	wantOut int             // how many there will be

	level    level // of the whole cluster: the owner's announcement or our link to it
	owner    level // announced by the manager that owns the task, or measured here when local
	link     level // of our own queue to the owner's container
	away     bool  // local, tracked, and without a link since one broke: counts as past the high mark
	upstream []uint32
	feeders  []uint32
}

func newDest(p *plan.Plan, task uint32, peer *outlet) *dest {
	d := &dest{task: task, local: peer == nil, out: peer, ends: map[uint64]bool{}, endsOut: map[uint16]bool{}, upstream: p.Upstream(task), feeders: p.Feeders(task)}
	if d.local {
		d.out = &outlet{}
	}
	d.out.dests = append(d.out.dests, d)
	c := p.ComponentOf(task)
	d.spout, d.wantOut = c.Spout, len(c.Outputs)
	for _, in := range c.Inputs {
		d.wantIn += p.Components[p.Streams[in.Stream].Component].Tasks
	}
	return d
}

// finished reports whether the task has got and sent the end of all its streams, so that its link may close.
func (d *dest) finished() bool { return len(d.ends) >= d.wantIn && len(d.endsOut) >= d.wantOut }

// frameKey names the frames that may share a header: those of one stream and source, with the same flags.
func frameKey(h wire.Header) uint64 {
	return uint64(h.Source)<<32 | uint64(h.Flags)<<16 | uint64(h.Stream)
}

// add appends records to d's batch, where they follow others of the same
// stream and source under one header. It borrows the records.
func (lp *loop) add(d *dest, h wire.Header, key uint64, record []byte) {
	b := d.batch
	if b == nil || d.key != key || len(b.B)+len(record) > cap(b.B) {
		lp.openFrame(d, h, key, len(record))
		b = d.batch
	}
	b.B = append(b.B, record...)
	d.count++
}

// addSmall is add for a record of at most wire.SmallRecord bytes at body[off:end]
// that continues the open frame. It copies a fixed number of bytes, which two
// moves do, and keeps those that count. It reports false where either side has
// too few behind the record.
func (d *dest) addSmall(body []byte, off, end int) bool {
	b := d.batch
	if b == nil {
		return false
	}
	at := len(b.B)
	if at+wire.SmallRecord > cap(b.B) {
		return false
	}
	*(*[wire.SmallRecord]byte)(b.B[at : at+wire.SmallRecord]) = *(*[wire.SmallRecord]byte)(body[off : off+wire.SmallRecord])
	b.B = b.B[:at+end-off]
	d.count++
	return true
}

// openFrame makes room in d's batch for a record of n bytes under a header like h.
func (lp *loop) openFrame(d *dest, h wire.Header, key uint64, n int) {
	if d.batch != nil {
		d.closeFrame()
		if len(d.batch.B)+wire.HeaderSize+n > cap(d.batch.B) {
			lp.flushDest(d)
		}
	}
	if d.batch == nil {
		d.batch = pool.Get(max(lp.batchBytes, wire.HeaderSize+n))
		if !d.dirty {
			d.dirty = true
			lp.dirty = append(lp.dirty, d)
			lp.schedule()
		}
	}
	d.frame = len(d.batch.B)
	d.key = key
	h.Dest, h.Length, h.Count = d.task, 0, 0
	d.batch.B = wire.AppendHeader(d.batch.B, h)
}

// closeFrame writes length and count of the open frame.
func (d *dest) closeFrame() {
	if d.count == 0 {
		return
	}
	wire.PutLengthCount(d.batch.B[d.frame:], uint32(len(d.batch.B)-d.frame-wire.HeaderSize), d.count)
	d.tuples += int(d.count)
	d.count = 0
}

// flushDest hands d's batch to its outlet.
func (lp *loop) flushDest(d *dest) {
	if d.batch == nil {
		return
	}
	d.closeFrame()
	b, tuples := d.batch, d.tuples
	d.batch, d.tuples = nil, 0
	lp.c.framesOut++
	d.out.sendBuf(lp, b, tuples)
}
