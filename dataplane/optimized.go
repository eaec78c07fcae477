package dataplane

import (
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/wire"
)

// optimized forwards serialized records. It decodes nothing and allocates nothing.
type optimized struct {
	lp     *loop
	single []bool // by stream: exactly one task or batch-wise consumer gets each frame
	dests  map[*router.Consumer][]*dest
	keyer  *keyer // takes key hashes where the tuples carry none; else nil
}

func newOptimized(lp *loop) *optimized {
	f := &optimized{lp: lp, single: make([]bool, len(lp.table)), dests: map[*router.Consumer][]*dest{}}
	for i, consumers := range lp.table {
		routed, copies := 0, 0
		for _, c := range consumers {
			if c.Grouping.Addressed() {
				continue
			}
			routed++
			for _, t := range c.Tasks {
				f.dests[c] = append(f.dests[c], lp.dests[t])
			}
			if c.Grouping == router.All {
				copies += len(c.Tasks) - 1
			}
		}
		f.single[i] = routed == 1 && copies == 0
	}
	if lp.m.cfg.Mode.NoHash {
		f.keyer = newKeyer(lp.plan)
	}
	return f
}

// route implements forwarder. Where every tuple of the frame goes to one task
// the frame goes on whole; for fields grouping its records are dealt out.
func (f *optimized) route(h wire.Header, frame []byte) error {
	checked, later := false, false
	for _, c := range f.lp.table[h.Stream] {
		if c.Grouping.Addressed() {
			continue
		}
		if later {
			if err := nextCopy(h, frame); err != nil {
				return err
			}
		}
		later = true
		if c.Grouping == router.Fields && len(c.Tasks) > 1 {
			if err := f.dealOut(h, frame[wire.HeaderSize:], c); err != nil {
				return err
			}
			checked = true
			continue
		}
		if !checked {
			if err := checkCount(h, frame); err != nil {
				return err
			}
			checked = true
		}
		if c.Grouping == router.All {
			if err := f.forwardAll(h, frame, c); err != nil {
				return err
			}
			continue
		}
		f.forward(h, frame, f.lp.pick(c), f.single[h.Stream])
	}
	return nil
}

// forwardAll sends a whole frame to all tasks of a consumer.
func (f *optimized) forwardAll(h wire.Header, frame []byte, c *router.Consumer) error {
	for i, t := range c.Tasks {
		if i > 0 {
			if err := nextCopy(h, frame); err != nil {
				return err
			}
		}
		f.forward(h, frame, f.lp.dests[t], false)
	}
	return nil
}

// nextCopy gives tuples that have an edge the one of their next copy, in place:
// each copy has its own, and the emitter has written that of the first. Nothing
// of the copy before may be waiting in the frame.
func nextCopy(h wire.Header, frame []byte) error {
	if h.Flags&wire.FlagAnchored == 0 {
		return nil
	}
	return wire.NextEdges(frame[wire.HeaderSize:])
}

// deliver implements forwarder.
func (f *optimized) deliver(h wire.Header, frame []byte, d *dest, _ bool) error {
	if err := checkCount(h, frame); err != nil {
		return err
	}
	f.forward(h, frame, d, true)
	return nil
}

func checkCount(h wire.Header, frame []byte) error {
	n, ok := wire.CountRecords(frame[wire.HeaderSize:])
	if !ok {
		return wire.ErrRecord
	}
	if n != int(h.Count) {
		return wire.ErrCount
	}
	return nil
}

// forward sends a whole frame to d. With alone set it is the frame's only
// destination, so that neighbours in the receive buffer may be written together.
func (f *optimized) forward(h wire.Header, frame []byte, d *dest, alone bool) {
	if d.batch != nil {
		f.lp.flushDest(d)
	}
	f.lp.c.framesOut++
	if alone {
		wire.PutDest(frame, d.task)
		f.lp.extendRun(d, 0, frame, int(h.Count))
		return
	}
	f.lp.flushRun()
	wire.PutDest(frame, d.task)
	f.lp.pass(d, frame, int(h.Count))
}

// dealOut gives each record to the task that owns its key.
func (f *optimized) dealOut(h wire.Header, body []byte, c *router.Consumer) error {
	if f.keyer != nil {
		return f.splitUnhashed(h, body, c)
	}
	return f.split(h, body, c)
}

// split appends each record's bytes to the batch of the task that owns its key.
func (f *optimized) split(h wire.Header, body []byte, c *router.Consumer) error {
	lp, key := f.lp, frameKey(h)
	if lp.run.d != nil {
		lp.flushRun()
	}
	dests := f.dests[c]
	n := 0
	for off := 0; off < len(body); n++ {
		if end, hash, ok := wire.SmallKeyed(body, off); ok && c.KeyIndex == 0 {
			d := dests[c.Owners.Of(hash)]
			if d.key == key && d.addSmall(body, off, end) {
				off = end
				continue
			}
		}
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			return wire.ErrRecord
		}
		hash, ok := wire.KeyHash(body[tuple:end], c.KeyIndex)
		if !ok {
			return wire.ErrNoKeyHash
		}
		lp.add(dests[c.Owners.Of(hash)], h, key, body[off:end])
		off = end
	}
	if n != int(h.Count) {
		return wire.ErrCount
	}
	return nil
}

// settle implements forwarder.
func (f *optimized) settle(d *dest) { f.lp.flushDest(d) }

// flush implements forwarder.
func (f *optimized) flush() {
	for i, d := range f.lp.dirty {
		d.dirty = false
		f.lp.flushDest(d)
		f.lp.dirty[i] = nil
	}
	f.lp.dirty = f.lp.dirty[:0]
}

// run is a stretch of the receive buffer that holds whole frames for one task
// and has not been written yet: data, or acks of one task.
type run struct {
	d      *dest
	acksOf uint32 // 0 for data
	frames []byte
	tuples int // or acks
}

// extendRun adds a frame to the run, or ends that run and begins another.
func (lp *loop) extendRun(d *dest, acksOf uint32, frame []byte, tuples int) {
	r := &lp.run
	if r.d == d && r.acksOf == acksOf {
		n := len(r.frames)
		if n+len(frame) <= cap(r.frames) && &r.frames[:n+1][n] == &frame[0] {
			r.frames = r.frames[:n+len(frame)]
			r.tuples += tuples
			return
		}
	}
	lp.flushRun()
	lp.run = run{d: d, acksOf: acksOf, frames: frame, tuples: tuples}
}

// flushRun sends the run. It must be called before the receive buffer is left
// and before anything else is sent to the run's task.
func (lp *loop) flushRun() {
	if lp.run.d == nil {
		return
	}
	r := lp.run
	lp.run = run{}
	if r.acksOf != 0 {
		lp.sendAcks(r.d, r.acksOf, r.frames, r.tuples)
		return
	}
	lp.pass(r.d, r.frames, r.tuples)
}

// pass sends whole frames that stand in the receive buffer: from there or, in
// the mode for that, from a copy.
func (lp *loop) pass(d *dest, frames []byte, tuples int) {
	if !lp.m.cfg.Mode.NoPassThrough {
		d.out.send(lp, frames, tuples)
		return
	}
	b := pool.Get(len(frames))
	b.B = append(b.B, frames...)
	d.out.sendBuf(lp, b, tuples)
}
