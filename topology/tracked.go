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
	tracker *tracker.Tracker // of a spout; nil for a bolt
	edges   tracker.Edges
	again   *tracker.Entry // what is being emitted again; nil outside Again
	own     wire.OwnRoots  // of the spout's tuples
	root    []byte         // of the spout's tuple being emitted, where it has an edge
	bolt    anchors
}

// anchor is what a record carries besides key hashes and values.
type anchor struct {
	edge  uint64 // of the first copy; 0 where there is one only and it bears no edge
	seq   uint64 // of a spout's tuple
	roots []byte // nil where the edge is 0
}

// sum returns the exclusive or of the edges of so many copies.
func (a *anchor) sum(copies int) uint64 {
	if a.edge == 0 {
		return wire.OwnEdge(a.seq)
	}
	return wire.EdgeSum(a.edge, copies)
}

// Track makes the collector of a task track what it emits; the engine calls it
// before anything else. A spout has a tracker, a bolt has none. manual says that a bolt acks itself.
func (c *Collector) Track(sink TrackedSink, t *tracker.Tracker, manual bool) {
	c.track = &tracking{sink: sink, tracker: t, edges: tracker.NewEdges(), bolt: anchors{manual: manual}}
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
	if t := k.tracker; k.again == nil && o.copies <= 1 && t.Ready() {
		a := anchor{seq: t.Next()}
		if o.addTracked(&o.routed, values, a) {
			t.Add(id, wire.OwnEdge(a.seq))
			return nil
		}
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
	a := anchor{seq: t.Next()}
	if b == nil && (o.copies > 1 || len(o.custom) > 0) { // each copy needs an edge of its own
		k.root = wire.AppendRoot(k.root[:0], 0, a.seq)
		a.edge, a.roots = k.edges.Next(), k.root
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
	err = o.emitTracked(b, values, &a, func(s uint64) { sum = s })
	return sum, err
}

// addTracked is addShort with an anchor, for a batch that takes it.
func (o *Out) addTracked(b *batch, values []Value, a anchor) bool {
	if b.buf == nil || len(values) != o.fields || len(o.keys) > wire.MaxShortHashes || len(o.custom) > 0 && b == &o.routed {
		return false
	}
	have := b.buf.B
	n := len(have)
	if n+wire.ShortRecord > min(b.limit, cap(have)) {
		return false
	}
	rec := (*[wire.ShortRecord]byte)(have[n : n+wire.ShortRecord])
	from := wire.ShortAnchor(len(o.keys))
	var w int
	if a.edge == 0 {
		w = o.c.track.own.Put(rec, from, a.seq)
	} else if w = wire.PutAnchor(rec, from, a.edge, a.roots); w == 0 {
		return false
	}
	size := wire.PutShort(rec, len(o.keys), w-from, values, o.at)
	if size == 0 {
		return false
	}
	if f := o.oneField; f >= 0 && values[f].Type() != TypeFloat {
		wire.PutKeyHash(rec[2:], 0, router.Hash(o.c.seed, rec[o.at[f]:o.at[f+1]]))
	} else if len(o.keys) > 0 {
		o.putHashes(rec[:size], 2, values)
	}
	b.buf.B = have[:n+size]
	b.count++
	o.c.emitted++
	return true
}

// copiesOf returns how many copies are made of a record in b, nil standing for that of the stream.
func (o *Out) copiesOf(b *batch) int {
	if b == nil || b == &o.routed {
		return o.copies
	}
	return 1
}

// emitTracked is emit with an anchor. added is called with the sum of the edges
// once nothing can go wrong but the end of the task, before anything of the tuple is sent.
func (o *Out) emitTracked(b *batch, values []Value, a *anchor, added func(sum uint64)) error {
	short := b
	if b == nil {
		short = &o.routed
	}
	if o.addTracked(short, values, *a) {
		added(a.sum(o.copiesOf(b)))
		return nil
	}
	size, err := o.measure(values)
	if err != nil {
		return err
	}
	if a.edge == 0 {
		o.prefix = wire.AppendRoot(o.prefix[:0], 0, a.seq)
	} else {
		o.prefix = append(wire.AppendEdge(o.prefix[:0], a.edge), a.roots...)
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
	added(a.sum(o.copiesOf(b)))
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
