package dataplane

import (
	"slices"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// Bounds of what an objectPool keeps. Heron keeps 512 objects of each type,
// after versions without a bound and with one in bytes; its objects are whole
// sets with the tuples in them. Here tuples are kept one by one, so that they
// are bounded in bytes: enough for everything that one turn of the event loop
// decodes, and a fraction of what is kept by 512 sets that were once large.
const (
	poolObjects   = 512
	poolSlots     = 32 << 20 // of tuples, in bytes
	poolEnvelopes = 16 << 20 // of envelopes, in bytes
	poolEntries   = 8 << 10  // largest list of tuples that is kept, in tuples
)

// objectPool is the pool of the mode heron2017: free lists of sets, envelopes
// and tuples, last in, first out, for one goroutine, so that there is no lock
// (Heron's later versions took one for each object). What C++ protobuf does
// when a message is cleared is done here as far as Go allows:
//
//   - a tuple keeps its nested values and roots, the object of each value's
//     type, its slices, and one piece of memory for all its strings
//     (wire.TupleSlot, with a decoder of its own, since proto.Unmarshal makes
//     everything anew); tuples with fields that Ardea does not write are left
//     to the library and cost new objects
//   - a set keeps its list of tuples, an envelope the memory of its batch
//   - frames are serialized, by the protobuf library, into buffers of package pool
//
// So nothing is allocated once the lists have filled, unless streams that
// differ in the types of their fields take turns: a value's object is reused
// for its own type only.
type objectPool struct {
	slots         []*wire.TupleSlot
	slotBytes     int
	sets          []*set
	envelopes     []*wirepb.Envelope
	envelopeBytes int
}

func (o *objectPool) slot() *wire.TupleSlot {
	n := len(o.slots)
	if n == 0 {
		return new(wire.TupleSlot)
	}
	s := o.slots[n-1]
	o.slots = o.slots[:n-1]
	o.slotBytes -= s.Memory()
	return s
}

// cloneSlot returns a slot that holds a copy.
func (o *objectPool) cloneSlot(from *wire.TupleSlot) *wire.TupleSlot {
	s := o.slot()
	s.Copy(from)
	return s
}

func (o *objectPool) putSlot(s *wire.TupleSlot) {
	if invariants.Enabled {
		s.Clear() // whoever still reads it shall see it
	}
	n := s.Memory()
	if o.slotBytes+n > poolSlots {
		return
	}
	o.slotBytes += n
	o.slots = append(o.slots, s)
}

// decode fills in with the tuples of a body whose records are known to be a
// batch. When that fails in holds nothing.
func (o *objectPool) decode(in *decoded, body []byte) error {
	for off := 0; off < len(body); {
		tuple, end, _ := wire.NextRecord(body, off)
		s := o.slot()
		in.slots = append(in.slots, s)
		if err := s.Parse(body[tuple:end]); err != nil {
			o.forget(in)
			return err
		}
		in.tuples = append(in.tuples, &s.Tuple)
		off = end
	}
	return nil
}

// forget takes back the tuples of a batch that were not kept elsewhere.
func (o *objectPool) forget(in *decoded) { o.takeBack(&in.slots, &in.tuples) }

// takeBack takes back slots and empties both lists, which keep their memory unless they are large.
func (o *objectPool) takeBack(list *[]*wire.TupleSlot, tuples *[]*wirepb.Tuple) {
	for i, s := range *list {
		if s != nil {
			o.putSlot(s)
			(*list)[i] = nil
		}
	}
	clear(*tuples)
	*list, *tuples = (*list)[:0], (*tuples)[:0]
	if cap(*tuples) > poolEntries {
		*list, *tuples = nil, nil
	}
}

func (o *objectPool) set() *set {
	n := len(o.sets)
	if n == 0 {
		return &set{}
	}
	s := o.sets[n-1]
	o.sets = o.sets[:n-1]
	return s
}

func (o *objectPool) putSet(s *set) {
	o.takeBack(&s.slots, &s.batch.Tuples)
	if s.opaque != nil {
		o.putEnvelope(s.opaque)
		s.opaque = nil
	}
	if len(o.sets) < poolObjects {
		o.sets = append(o.sets, s)
	}
}

// envelope returns an envelope whose empty batch has room for n bytes.
func (o *objectPool) envelope(n int) *wirepb.Envelope {
	last := len(o.envelopes) - 1
	if last < 0 {
		return &wirepb.Envelope{Batch: make([]byte, 0, n)}
	}
	e := o.envelopes[last]
	o.envelopes = o.envelopes[:last]
	o.envelopeBytes -= cap(e.Batch)
	e.Batch = slices.Grow(e.Batch[:0], n)
	return e
}

func (o *objectPool) openEnvelope(body []byte) (*wirepb.Envelope, error) {
	e := o.envelope(len(body))
	if err := wire.ReuseEnvelope(body, e); err != nil {
		o.putEnvelope(e)
		return nil, err
	}
	return e, nil
}

func (o *objectPool) putEnvelope(e *wirepb.Envelope) {
	if invariants.Enabled {
		invariants.Mangle(e.Batch[:cap(e.Batch)])
	}
	if len(o.envelopes) < poolObjects && o.envelopeBytes+cap(e.Batch) <= poolEnvelopes {
		o.envelopeBytes += cap(e.Batch)
		o.envelopes = append(o.envelopes, e)
	}
}
