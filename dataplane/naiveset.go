package dataplane

import (
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// set is tuples of one stream and source that wait for one task and leave in
// one frame: as objects, or as the opaque bytes of an envelope.
type set struct {
	header wire.Header // of the frame; Dest, Length and Count are set when it is sent
	key    uint64      // frameKey of the header
	batch  wirepb.TupleBatch
	slots  []*wire.TupleSlot // that hold the tuples of batch, where Mode.Pool
	opaque *wirepb.Envelope  // whose batch goes on as it is; nil for a set of objects
	count  int               // tuples in opaque
	body   int               // length of the frame's body, known when it is sealed
}

// pile is the sets that wait for one task, oldest first, like a list of Heron's
// tuple cache. How many bytes they are stands in dest.gathered.
type pile struct {
	sets   []*set
	tuples int
}

// add puts tuple i of the batch at hand into the set that is open for d: the
// object itself if it may be kept there, else a copy.
func (f *naive) add(h wire.Header, key uint64, d *dest, i int, keep bool) {
	p := &f.piles[d.task]
	s := f.open(p, d, h, key)
	if f.mode.Pool {
		slot := f.in.slots[i]
		if keep {
			f.in.slots[i] = nil
		} else {
			slot = f.pool.cloneSlot(slot)
		}
		s.slots = append(s.slots, slot)
		s.batch.Tuples = append(s.batch.Tuples, &slot.Tuple)
	} else {
		t := f.in.tuples[i]
		if !keep {
			t = wire.CloneTuple(t)
		}
		s.batch.Tuples = append(s.batch.Tuples, t)
	}
	p.tuples++
	d.gathered += f.sizes[i]
	if d.gathered >= batchBytes {
		f.send(d)
	}
}

// addOpaque puts a batch that was not decoded behind what waits for d, which
// owns the envelope from now on.
func (f *naive) addOpaque(h wire.Header, d *dest, e *wirepb.Envelope) {
	p := &f.piles[d.task]
	s := f.begin(p, d, h, frameKey(h))
	s.opaque, s.count = e, int(h.Count)
	p.tuples += s.count
	d.gathered += len(e.Batch)
	if d.gathered >= batchBytes {
		f.send(d)
	}
}

// open returns the set that takes a tuple. A set is closed by a tuple of
// another stream or source, and without batching by any other tuple.
func (f *naive) open(p *pile, d *dest, h wire.Header, key uint64) *set {
	if n := len(p.sets); n > 0 && !f.mode.Unbatched {
		if s := p.sets[n-1]; s.key == key && s.opaque == nil {
			return s
		}
	}
	return f.begin(p, d, h, key)
}

// begin opens a new set for d and sees to it that it will be sent.
func (f *naive) begin(p *pile, d *dest, h wire.Header, key uint64) *set {
	s := f.newSet()
	s.header, s.key = h, key
	p.sets = append(p.sets, s)
	d.gathered += wire.HeaderSize
	if !d.dirty {
		d.dirty = true
		f.lp.dirty = append(f.lp.dirty, d)
		f.lp.schedule()
	}
	return s
}

// send serializes the sets that wait for d, each as a frame, and hands the
// frames to d's outlet together.
func (f *naive) send(d *dest) {
	p := &f.piles[d.task]
	if len(p.sets) == 0 {
		return
	}
	total, tuples := 0, p.tuples
	for _, s := range p.sets {
		total += wire.HeaderSize + f.seal(s, d)
	}
	f.lp.c.framesOut++
	if f.mode.Pool {
		buf := pool.Get(total)
		buf.B = f.encode(buf.B, p, d)
		f.clear(p, d)
		d.out.sendBuf(f.lp, buf, tuples)
		return
	}
	frames := f.encode(make([]byte, 0, total), p, d)
	f.clear(p, d)
	d.out.send(f.lp, frames, tuples)
}

// seal determines the length of the body of a set's frame. For another
// container it serializes the set, into the envelope that will be the body.
func (f *naive) seal(s *set, d *dest) int {
	if s.opaque != nil {
		s.body = len(s.opaque.Batch)
		return s.body
	}
	s.count = len(s.batch.Tuples)
	s.body = wire.BatchSize(&s.batch)
	if d.local {
		return s.body
	}
	e := f.newEnvelope(s.body)
	e.DestTask = d.task
	e.Batch = wire.AppendBatch(e.Batch, &s.batch)
	s.opaque, s.body = e, wire.EnvelopeSize(e)
	return s.body
}

// encode appends the frames of all sets of a pile.
func (f *naive) encode(dst []byte, p *pile, d *dest) []byte {
	for _, s := range p.sets {
		h := s.header
		h.Dest, h.Length, h.Count = d.task, uint32(s.body), uint32(s.count)
		dst = wire.AppendHeader(dst, h)
		switch {
		case s.opaque == nil:
			dst = wire.AppendBatch(dst, &s.batch)
		case d.local:
			dst = append(dst, s.opaque.Batch...)
		default:
			dst = wire.AppendEnvelope(dst, s.opaque)
		}
	}
	return dst
}

// clear empties d's pile and drops the sets in it.
func (f *naive) clear(p *pile, d *dest) {
	for i, s := range p.sets {
		f.dropSet(s)
		p.sets[i] = nil
	}
	p.sets, p.tuples, d.gathered = p.sets[:0], 0, 0
}

// The functions below make and drop objects: new ones, or those of the pool.

func (f *naive) newSet() *set {
	if f.mode.Pool {
		return f.pool.set()
	}
	return &set{}
}

func (f *naive) dropSet(s *set) {
	if f.mode.Pool {
		f.pool.putSet(s)
	}
}

// newEnvelope returns an envelope whose empty batch has room for n bytes.
func (f *naive) newEnvelope(n int) *wirepb.Envelope {
	if f.mode.Pool {
		return f.pool.envelope(n)
	}
	return &wirepb.Envelope{Batch: make([]byte, 0, n)}
}

// openEnvelope decodes an envelope, which owns a copy of the batch in it.
func (f *naive) openEnvelope(body []byte) (*wirepb.Envelope, error) {
	if f.mode.Pool {
		return f.pool.openEnvelope(body)
	}
	e := &wirepb.Envelope{}
	if err := wire.ParseEnvelope(body, e); err != nil {
		return nil, err
	}
	return e, nil
}

func (f *naive) dropEnvelope(e *wirepb.Envelope) {
	if f.mode.Pool {
		f.pool.putEnvelope(e)
	}
}
