package topology

import (
	"errors"
	"fmt"

	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/tracker"
	"github.com/ardea-stream/ardea/wire"
)

// TrackedSink is the Sink of a Collector that tracks tuples.
type TrackedSink interface {
	Sink
	// AwaitRoom waits until the tracker can take another tuple. It returns
	// ErrStopped when the task must end.
	AwaitRoom() error
	// Ack sends an acknowledgement to a spout's task, soon. A word of zero says nothing and is left out.
	Ack(task uint32, seq, word uint64)
	// Fail tells a spout's task that a tuple, which it borrows, failed because of cause.
	Fail(task uint32, seq uint64, tuple []byte, cause error)
}

// tracking is the part of a Collector in a topology that tracks tuples.
type tracking struct {
	sink    TrackedSink
	task    uint32
	roots   wire.RootWriter
	tracker *tracker.Tracker // of a spout; nil for a bolt
	edges   tracker.Edges
	again   *tracker.Entry // what is being emitted again; nil outside Again
	bolt    anchors
}

// anchor is what a record carries besides key hashes and values.
type anchor struct {
	edge  uint64
	seq   uint64 // of a spout's tuple
	roots []byte // of a bolt's
}

// Track makes the collector of a task track what it emits; the engine calls it
// before anything else. A spout has a tracker, a bolt has none. manual says that a bolt acks itself.
func (c *Collector) Track(sink TrackedSink, task uint32, t *tracker.Tracker, manual bool) {
	c.track = &tracking{sink: sink, task: task, roots: wire.NewRootWriter(task), tracker: t, edges: tracker.NewEdges(), bolt: anchors{manual: manual}}
	for _, o := range c.outputs {
		o.short = -1
	}
}

// EmitID sends a tuple on the default stream and has it tracked: its spout is
// told when everything that descends from it is done. id names the tuple to
// Acker and Replayer; it is used once, and the ids of a Replayer rise. It waits
// while MaxPending tuples are pending. In topologies that track nothing it is
// Emit, and in bolts the id is ignored. The errors are those of Emit.
func (c *Collector) EmitID(id uint64, values ...Value) error {
	if c.def == nil {
		return errNoDefault()
	}
	return c.def.EmitID(id, values...)
}

// EmitID is Collector.EmitID on this stream.
func (o *Out) EmitID(id uint64, values ...Value) error {
	k := o.c.track
	if k == nil || k.tracker == nil {
		return o.Emit(values...)
	}
	return o.emitID(k, nil, id, values)
}

// emitID sends a spout's tuple, to b or where the stream goes, and adds it to the tracker.
func (o *Out) emitID(k *tracking, b *batch, id uint64, values []Value) error {
	t := k.tracker
	again := k.again
	if again != nil && again.ID != id {
		again = nil
	}
	for again == nil && t.Full() || !t.Space() {
		if err := k.sink.AwaitRoom(); err != nil {
			return err
		}
	}
	a := anchor{edge: k.edges.Next(), seq: t.Next()}
	if sum := o.addTracked(b, values, &a); sum != 0 {
		k.add(again, id, sum)
		return nil
	}
	return o.emitTracked(b, values, &a, func(sum uint64) { k.add(again, id, sum) })
}

// add adds the tuple that was emitted. A sum of zero says that nobody gets it.
func (k *tracking) add(again *tracker.Entry, id, sum uint64) {
	if again != nil {
		k.again = nil
	}
	switch {
	case sum == 0:
		k.tracker.AddDone(id, again != nil && again.Dead)
	case again != nil:
		k.tracker.AddAgain(*again, sum)
	default:
		k.tracker.Add(id, sum)
	}
}

// Again lets f emit a tuple, or a dead letter, that was emitted before: EmitID
// with its id continues the count of its tries. The error is ErrNotEmitted if f
// does not, else that of f. The engine calls it.
func (c *Collector) Again(e tracker.Entry, f func() error) error {
	c.track.again = &e
	err := f()
	if missed := c.track.again != nil; err == nil && missed {
		err = ErrNotEmitted
	}
	c.track.again = nil
	return err
}

// ErrNotEmitted says that Replay returned without having emitted the tuple.
var ErrNotEmitted = errors.New("topology: Replay has not emitted a tuple of that id")

// emitAnchored sends a bolt's tuple, anchored to what bears its roots, and
// returns the sum of the edges of its copies.
func (o *Out) emitAnchored(k *tracking, b *batch, roots []byte, values []Value) (sum uint64, err error) {
	a := anchor{edge: k.edges.Next(), roots: roots}
	if sum := o.addTracked(b, values, &a); sum != 0 {
		return sum, nil
	}
	err = o.emitTracked(b, values, &a, func(s uint64) { sum = s })
	return sum, err
}

// addTracked is addShort with an anchor. It returns the sum of the edges of the
// copies, 0 when anything is out of the ordinary.
func (o *Out) addTracked(b *batch, values []Value, a *anchor) (sum uint64) {
	if b == nil {
		b = &o.routed
	}
	if b.buf == nil || len(values) != o.fields || len(o.keys) > wire.MaxShortHashes || len(o.custom) > 0 && b == &o.routed {
		return 0
	}
	have := b.buf.B
	n := len(have)
	if n+wire.ShortRecord > min(b.limit, cap(have)) {
		return 0
	}
	rec := (*[wire.ShortRecord]byte)(have[n : n+wire.ShortRecord])
	from := wire.ShortAnchor(len(o.keys))
	var w int
	if a.roots == nil {
		w = o.c.track.roots.Put(rec, from, a.edge, a.seq)
	} else if w = wire.PutRoots(rec, from, a.edge, a.roots); w == 0 {
		return 0
	}
	size := wire.PutShort(rec, len(o.keys), w-from, values, o.at)
	if size == 0 {
		return 0
	}
	if f := o.oneField; f >= 0 && values[f].Type() != TypeFloat {
		wire.PutKeyHash(rec[2:], 0, router.Hash(o.c.seed, rec[o.at[f]:o.at[f+1]]))
	} else if len(o.keys) > 0 {
		o.putHashes(rec[:size], 2, values)
	}
	b.buf.B = have[:n+size]
	b.count++
	o.c.emitted++
	return o.sumOf(b, a.edge)
}

// sumOf returns the sum of the edges of the copies that are made of a record in b.
func (o *Out) sumOf(b *batch, edge uint64) uint64 {
	if b == &o.routed && o.copies > 1 {
		return wire.EdgeSum(edge, o.copies)
	}
	return edge
}

// emitTracked is emit with an anchor. added is called with the sum of the edges
// once nothing can go wrong but the end of the task, before anything of the tuple is sent.
func (o *Out) emitTracked(b *batch, values []Value, a *anchor, added func(sum uint64)) error {
	size, err := o.measure(values)
	if err != nil {
		return err
	}
	o.prefix = wire.AppendEdge(o.prefix[:0], a.edge)
	if a.roots == nil {
		o.prefix = wire.AppendRoot(o.prefix, o.c.track.task, a.seq)
	} else {
		o.prefix = append(o.prefix, a.roots...)
	}
	if size += len(o.prefix); size > wire.MaxTuple {
		return &TupleTooLargeError{Size: size}
	}
	switch {
	case b != nil:
	case len(o.custom) > 0:
		return o.emitCustomTracked(values, size, a, added)
	case o.isRoute:
		b = &o.routed
	default: // nobody listens
		o.c.emitted++
		added(0)
		return nil
	}
	if err := o.reserve(b, wire.RecordSize(size)); err != nil {
		return err
	}
	b.buf.B = o.encode(b.buf.B, o.prefix, values, size)
	b.count++
	o.c.emitted++
	added(o.sumOf(b, a.edge))
	return nil
}

// emitCustomTracked is emitCustom with an anchor: copies for tasks that custom
// functions choose carry the edges behind those that the stream manager makes.
func (o *Out) emitCustomTracked(values []Value, size int, a *anchor, added func(sum uint64)) error {
	rec, err := o.encodeAside(o.prefix, values, size)
	if err != nil {
		return err
	}
	defer rec.Release()
	edge, sum := a.edge, uint64(0)
	edges := o.edges[:0]
	for _, b := range o.chosen {
		edges = append(edges, edge)
		if b == &o.routed {
			sum ^= wire.EdgeSum(edge, o.copies)
			for range o.copies {
				edge = wire.NextEdge(edge)
			}
			continue
		}
		sum ^= edge
		edge = wire.NextEdge(edge)
	}
	o.edges = edges
	o.c.emitted++
	added(sum)
	at := len(rec.B) - size + wire.KeyHashSize*len(o.keys)
	for i, b := range o.chosen {
		if err := o.reserve(b, len(rec.B)); err != nil {
			return err
		}
		wire.PutKeyHash(rec.B[at:], 0, edges[i]) // an edge has the form of a key hash
		b.buf.B = append(b.buf.B, rec.B...)
		b.count++
	}
	return nil
}

// EmitDirectID is EmitDirect for a tuple that is tracked, see Collector.EmitID.
func (o *Out) EmitDirectID(task uint32, id uint64, values ...Value) error {
	k := o.c.track
	if k == nil || k.tracker == nil {
		return o.EmitDirect(task, values...)
	}
	b := o.direct[task]
	if b == nil {
		return fmt.Errorf("%w: task %d, stream %s", ErrNotDirect, task, o.name)
	}
	return o.emitID(k, b, id, values)
}
