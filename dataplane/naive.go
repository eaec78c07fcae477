package dataplane

import (
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// naive forwards objects, as Heron's stream manager does: it decodes every
// batch with the protobuf library, gives each destination a copy of each tuple,
// gathers the copies in sets, and serializes the sets when the loop has handled
// all that was ready or when 64 KiB are gathered for a task. It is batched
// throughout and neither sleeps nor does anything that the design can do
// without. Between stream managers a serialized set travels in a
// wirepb.Envelope, and the one that receives it decodes both and starts over.
//
// What the modes change:
//
//	naive            objects and buffers are new each time; every destination
//	                 of a routed tuple gets a clone, the first one too
//	naive-unbatched  a set is closed behind every tuple, so that each has a
//	                 frame of its own; frames that wait together still leave in
//	                 one write
//	+pool            objects and buffers are reused, see heronpool.go
//	+inplace         the parsed tuple goes to its last destination (mostly the
//	                 only one) itself; a copy is made for the others alone
//	+lazy            a batch from another stream manager goes on as the opaque
//	                 bytes that its envelope holds
//	heron2017        all three
//
// Fields grouping looks at the key_hash of the parsed tuple. Shuffle is decided
// once per batch, like in optimized: Heron went round per tuple, which is more
// work and gives more and smaller frames, and the comparison is about objects
// against bytes, not about groupings. A tuple that arrives for one task, from
// another stream manager or by direct grouping, is not copied in any mode.
type naive struct {
	lp   *loop
	mode Mode

	routes []naiveRoute // by stream
	piles  []pile       // by task id: what is gathered for it
	in     decoded      // the batch at hand
	sizes  []int        // length of each of its records, in bytes
	pool   objectPool   // where mode.Pool

	acker    *acker        // where tuples are tracked
	ackIn    wirepb.AckSet // where mode.Pool: what was last decoded,
	ackOut   wirepb.AckSet // what was last sent on,
	ackBytes []byte        // and the frame that it was encoded to
}

// keptSizes is the largest list of lengths that is kept from one batch to the next.
const keptSizes = 64 << 10

// naiveRoute is what there is to know of a stream beforehand.
type naiveRoute struct {
	consumers []*router.Consumer // that the stream manager routes to
	hashes    int                // key hashes that every tuple must have
	copies    int                // how many copies of a tuple they get together
}

// decoded is one batch as objects.
type decoded struct {
	tuples []*wirepb.Tuple
	slots  []*wire.TupleSlot // that hold the tuples, where mode.Pool; else empty
}

func newNaive(lp *loop, m Mode) *naive {
	f := &naive{lp: lp, mode: m, routes: make([]naiveRoute, len(lp.table)), piles: make([]pile, len(lp.dests))}
	if lp.plan.Tracked {
		f.acker = newAcker(lp.plan.MessageTimeout)
	}
	for i, consumers := range lp.table {
		r := &f.routes[i]
		for _, c := range consumers {
			if c.Grouping.Addressed() {
				continue
			}
			r.consumers = append(r.consumers, c)
			if r.copies++; c.Grouping == router.All {
				r.copies += len(c.Tasks) - 1
			}
			if byKey(c) {
				r.hashes = max(r.hashes, c.KeyIndex+1)
			}
		}
	}
	return f
}

// byKey reports whether a consumer's tuples are dealt out one by one.
func byKey(c *router.Consumer) bool { return c.Grouping == router.Fields && len(c.Tasks) > 1 }

// route implements forwarder. Nothing is gathered before the whole batch is
// known to be good.
func (f *naive) route(h wire.Header, frame []byte) error {
	if err := f.decode(h, frame[wire.HeaderSize:]); err != nil {
		return err
	}
	r := &f.routes[h.Stream]
	for _, t := range f.in.tuples {
		if len(t.KeyHash) < r.hashes {
			f.forget()
			return wire.ErrNoKeyHash
		}
	}
	f.track(h, r.copies)
	for i, c := range r.consumers {
		last := i == len(r.consumers)-1
		if i > 0 {
			f.nextCopy(h)
		}
		switch {
		case byKey(c):
			f.deal(h, c, last)
		case c.Grouping == router.All:
			for k, t := range c.Tasks {
				if k > 0 {
					f.nextCopy(h)
				}
				f.gather(h, f.lp.dests[t], f.keeps(last && k == len(c.Tasks)-1))
			}
		default:
			f.gather(h, f.lp.pick(c), f.keeps(last))
		}
	}
	f.forget()
	return nil
}

// keeps reports whether a routed tuple's object goes to a destination itself.
func (f *naive) keeps(last bool) bool { return last && f.mode.InPlace }

// deal gives every tuple of the batch to the task that owns its key.
func (f *naive) deal(h wire.Header, c *router.Consumer, last bool) {
	keep, key := f.keeps(last), frameKey(h)
	for i, t := range f.in.tuples {
		f.add(h, key, f.lp.dests[c.Tasks[c.Owners.Of(t.KeyHash[c.KeyIndex])]], i, keep)
	}
}

// gather gives every tuple of the batch to one task.
func (f *naive) gather(h wire.Header, d *dest, keep bool) {
	key := frameKey(h)
	for i := range f.in.tuples {
		f.add(h, key, d, i, keep)
	}
}

// deliver implements forwarder.
func (f *naive) deliver(h wire.Header, frame []byte, d *dest, remote bool) error {
	body := frame[wire.HeaderSize:]
	if remote {
		e, err := f.openEnvelope(body)
		if err != nil {
			return err
		}
		if e.DestTask != d.task {
			f.dropEnvelope(e)
			return ErrDest
		}
		if f.mode.Lazy {
			return f.pass(h, e, d)
		}
		defer f.dropEnvelope(e)
		body = e.Batch
	}
	if err := f.decode(h, body); err != nil {
		return err
	}
	if !remote {
		f.track(h, 1)
	}
	f.gather(h, d, true)
	f.forget()
	return nil
}

// pass gathers a batch as the bytes that they are. Like optimized it looks at
// the lengths of the records, not into them.
func (f *naive) pass(h wire.Header, e *wirepb.Envelope, d *dest) error {
	if err := f.measure(h, e.Batch); err != nil {
		f.dropEnvelope(e)
		return err
	}
	f.addOpaque(h, d, e)
	return nil
}

// decode makes objects of a data body.
func (f *naive) decode(h wire.Header, body []byte) error {
	if err := f.measure(h, body); err != nil {
		return err
	}
	if f.mode.Pool {
		return f.pool.decode(&f.in, body)
	}
	var m wirepb.TupleBatch
	if err := wire.ParseBatch(body, &m); err != nil {
		return err
	}
	if len(m.Tuples) != len(f.sizes) {
		return wire.ErrCount
	}
	f.in.tuples = m.Tuples
	return nil
}

// measure notes the length of every record, by which sets are bounded: Heron
// walked the objects for it, but the lengths are at hand. It finds bodies that
// are no batch or that do not hold as many tuples as the header says.
func (f *naive) measure(h wire.Header, body []byte) error {
	if f.sizes = f.sizes[:0]; cap(f.sizes) > keptSizes {
		f.sizes = nil
	}
	for off := 0; off < len(body); {
		_, end, ok := wire.NextRecord(body, off)
		if !ok {
			return wire.ErrRecord
		}
		f.sizes = append(f.sizes, end-off)
		off = end
	}
	if len(f.sizes) != int(h.Count) {
		return wire.ErrCount
	}
	return nil
}

// forget drops what is left of the batch at hand: the objects that were copied.
func (f *naive) forget() {
	if f.mode.Pool {
		f.pool.forget(&f.in)
		return
	}
	f.in = decoded{}
}

// settle implements forwarder.
func (f *naive) settle(d *dest) { f.send(d) }

// flush implements forwarder.
func (f *naive) flush() {
	for i, d := range f.lp.dirty {
		d.dirty = false
		f.send(d)
		f.lp.dirty[i] = nil
	}
	f.lp.dirty = f.lp.dirty[:0]
}
