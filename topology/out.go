package topology

import (
	"fmt"
	"slices"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/wire"
)

// Out is one output stream of a task. It belongs to the task's goroutine.
type Out struct {
	c        *Collector
	name     string
	index    uint16
	fields   int
	short    int // as fields, or -1 where addShort is not to be used
	copies   int // tasks that get each tuple of the routed batch
	keys     []keySet
	oneField int // the field that is the only key, -1 if there are more or none

	routed  batch             // what the stream manager routes
	isRoute bool              // each tuple goes to the stream manager
	direct  map[uint32]*batch // by destination, for EmitDirect
	custom  []customTarget
	begun   []*batch // direct and custom batches that hold something

	at      []int    // entry i of the tuple being encoded lies at at[i]:at[i+1] of its record
	scratch []byte   // key bytes that do not stand in one piece in the tuple
	chosen  []*batch // where the tuple at hand goes by custom functions
	tasks   []uint32 // room for the answer of a custom function; always empty
	view    Tuple
	prefix  []byte   // edge and roots of the tuple being encoded, where tuples are tracked
	edges   []uint64 // of the copies in chosen
}

// customTarget is a consumer with custom grouping and the batches of its tasks.
type customTarget struct {
	CustomTarget
	batches map[uint32]*batch
}

// batch is a frame being filled: B has room for the header, then records.
type batch struct {
	buf   *pool.Buf
	count uint32
	dest  uint32
	limit int  // size at which the frame is sent, between Collector.min and max
	grown bool // the limit has grown since the task last ran out of input
}

// outgrown is called when the batch has reached its limit: twice as much may gather.
func (b *batch) outgrown(most int) { b.limit, b.grown = min(b.limit*2, most), true }

// drained is called before what has begun is sent because the task has run out of
// input. The limit comes down where it was not needed, so that what comes between two
// such moments is one frame, whatever its size, and its end not a frame of its own.
func (b *batch) drained(least int) {
	if !b.grown && len(b.buf.B) <= b.limit/2 {
		b.limit = max(b.limit/2, least)
	}
	b.grown = false
}

// keySet is the fields of one key. Where they follow each other in the tuple
// the hash is taken of the encoded bytes as they stand.
type keySet struct {
	fields      []int
	first, last int  // the least and the greatest of a run
	run         bool // fields are first, first+1, … last
}

func newKeySet(fields []int) keySet {
	ks := keySet{fields: fields, first: fields[0], last: fields[len(fields)-1], run: true}
	for i := 1; i < len(fields); i++ {
		ks.run = ks.run && fields[i] == fields[i-1]+1
	}
	return ks
}

func newOut(c *Collector, s OutputSpec) *Out {
	o := &Out{
		c: c, name: s.Name, index: s.Index, fields: len(s.Fields), short: len(s.Fields), copies: s.Copies, isRoute: s.Routed,
		at: make([]int, len(s.Fields)+1),
	}
	if len(s.KeySets) > wire.MaxShortHashes {
		o.short = -1
	}
	o.routed.limit = c.min
	o.view.src = &Source{Stream: s.Name, Fields: s.Fields}
	for _, fields := range s.KeySets {
		o.keys = append(o.keys, newKeySet(fields))
	}
	o.oneField = -1
	if len(o.keys) == 1 && len(o.keys[0].fields) == 1 {
		o.oneField = o.keys[0].first
	}
	o.direct = newBatches(c, s.Direct)
	for _, ct := range s.Custom {
		o.tasks = slices.Grow(o.tasks, len(ct.Tasks))
		o.custom = append(o.custom, customTarget{CustomTarget: ct, batches: newBatches(c, ct.Tasks)})
	}
	return o
}

func newBatches(c *Collector, tasks []uint32) map[uint32]*batch {
	m := make(map[uint32]*batch, len(tasks))
	for _, t := range tasks {
		m[t] = &batch{dest: t, limit: c.min}
	}
	return m
}

// Emit sends a tuple on the stream. See Collector.Emit.
func (o *Out) Emit(values ...Value) error {
	if o.addShort(&o.routed, values) {
		return nil
	}
	return o.emit(nil, values)
}

// EmitDirect sends a tuple to one task of a consumer with direct grouping, and
// to nobody else. The error is ErrNotDirect or one of Collector.Emit.
func (o *Out) EmitDirect(task uint32, values ...Value) error {
	b := o.direct[task]
	if b == nil {
		return fmt.Errorf("%w: task %d, stream %s", ErrNotDirect, task, o.name)
	}
	if o.addShort(b, values) {
		return nil
	}
	return o.emit(b, values)
}

// addShort adds a tuple of up to 127 bytes to a batch that has begun and has
// room, which is the case of nearly every tuple. It reports false when anything
// is out of the ordinary, and then has changed nothing. Like all that handle
// values it must not let them escape: callers keep them on the stack.
func (o *Out) addShort(b *batch, values []Value) bool {
	if b.buf == nil || len(values) != o.short || len(o.custom) > 0 && b == &o.routed {
		return false
	}
	have := b.buf.B
	n := len(have)
	if n+wire.ShortRecord > min(b.limit, cap(have)) {
		return false
	}
	rec := (*[wire.ShortRecord]byte)(have[n : n+wire.ShortRecord])
	size := wire.PutShort(rec, len(o.keys), 0, values, o.at)
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

// emit is the long way: it measures and checks the tuple, then encodes it to b,
// or else to the batch that the stream manager routes and those that custom
// functions choose. What a bolt emits is anchored to what it executes.
func (o *Out) emit(b *batch, values []Value) error {
	if k := o.c.track; k != nil && k.tracker == nil {
		if cur := k.bolt.automatic(); cur != nil {
			sum, err := o.emitAnchored(k, b, cur.roots, values)
			cur.word ^= sum
			return err
		}
	}
	size, err := o.measure(values)
	if err != nil {
		return err
	}
	switch {
	case b != nil:
	case len(o.custom) > 0:
		return o.emitCustom(values, size)
	case o.isRoute:
		b = &o.routed
	default: // nobody listens
		o.c.emitted++
		return nil
	}
	if err := o.reserve(b, wire.RecordSize(size)); err != nil {
		return err
	}
	b.buf.B = o.encode(b.buf.B, nil, values, size)
	b.count++
	o.c.emitted++
	return nil
}

// measure checks a tuple and returns its length without an anchor.
func (o *Out) measure(values []Value) (size int, err error) {
	if len(values) != o.fields {
		return 0, o.fieldsError(len(values))
	}
	size = wire.KeyHashSize * len(o.keys)
	for i := range values {
		n, err := values[i].Measure()
		if err != nil {
			return 0, o.valueError(i, err)
		}
		size += n
	}
	if size > wire.MaxTuple {
		return 0, &TupleTooLargeError{Size: size}
	}
	return size, nil
}

func (o *Out) fieldsError(n int) error {
	return fmt.Errorf("%w: %d values for the %d fields of stream %s", ErrFields, n, o.fields, o.name)
}

func (o *Out) valueError(i int, err error) error {
	return fmt.Errorf("%w (field %d of stream %s)", err, i, o.name)
}

// reserve makes room for need bytes in a batch: it sends one that would grow
// beyond its limit, after which twice as much may gather, and begins one where there is none.
func (o *Out) reserve(b *batch, need int) error {
	if b.buf != nil && len(b.buf.B)+need > b.limit {
		if err := o.send(b); err != nil {
			return err
		}
		b.outgrown(o.c.max)
	}
	if b.buf == nil {
		b.buf = pool.Get(max(b.limit, wire.HeaderSize+need))
		b.buf.B = b.buf.B[:wire.HeaderSize]
		if b != &o.routed {
			o.begun = append(o.begun, b)
		}
	}
	return nil
}

// encode appends the record of values, whose tuple is size bytes long, to dst.
// anchor is the bytes of edge and roots, if it has any.
func (o *Out) encode(dst, anchor []byte, values []Value, size int) []byte {
	rec := len(dst)
	dst = wire.AppendRecordHeader(dst, size)
	tuple := len(dst) - rec
	dst = append(wire.AppendKeyHashes(dst, len(o.keys)), anchor...)
	for i := range values {
		o.at[i] = len(dst) - rec
		dst = wire.AppendValue(dst, &values[i])
	}
	o.at[len(values)] = len(dst) - rec
	o.putHashes(dst[rec:], tuple, values)
	return dst
}

// putHashes sets the key hashes of a record whose tuple begins at rec[tuple]
// and whose entries lie as o.at says.
func (o *Out) putHashes(rec []byte, tuple int, values []Value) {
	for k := range o.keys {
		ks := &o.keys[k]
		var hash uint64
		if ks.run && !anyFloat(values[ks.first:ks.last+1]) {
			hash = router.Hash(o.c.seed, rec[o.at[ks.first]:o.at[ks.last+1]])
		} else {
			hash = o.hashApart(ks, values)
		}
		wire.PutKeyHash(rec[tuple:], k, hash)
	}
}

// hashApart hashes a key whose canonical bytes do not stand in one piece in the tuple.
func (o *Out) hashApart(ks *keySet, values []Value) uint64 {
	o.scratch = o.scratch[:0]
	for _, f := range ks.fields {
		o.scratch = wire.AppendKey(o.scratch, &values[f])
	}
	return router.Hash(o.c.seed, o.scratch)
}

func anyFloat(values []Value) bool {
	for i := range values {
		if values[i].Type() == TypeFloat {
			return true
		}
	}
	return false
}

// emitCustom adds the tuple to the batches that custom functions choose, when all have chosen well.
func (o *Out) emitCustom(values []Value, size int) error {
	rec, err := o.encodeAside(nil, values, size)
	if err != nil {
		return err
	}
	defer rec.Release()
	for _, b := range o.chosen {
		if err := o.reserve(b, len(rec.B)); err != nil {
			return err
		}
		b.buf.B = append(b.buf.B, rec.B...)
		b.count++
	}
	o.c.emitted++
	return nil
}

// encodeAside encodes a tuple to a buffer of its own, which the caller releases,
// and lets each custom function see it and choose. Where it goes is in chosen then.
func (o *Out) encodeAside(anchor []byte, values []Value, size int) (*pool.Buf, error) {
	rec := pool.Get(wire.RecordSize(size))
	rec.B = o.encode(rec.B, anchor, values, size)
	o.chosen = o.chosen[:0]
	if o.isRoute {
		o.chosen = append(o.chosen, &o.routed)
	}
	o.view.Reset(rec.B[len(rec.B)-size:], o.view.src)
	chosen := false
	defer func() {
		o.view.Reset(nil, o.view.src)
		if !chosen { // or a function panics
			rec.Release()
		}
	}()
	for i := range o.custom {
		ct := &o.custom[i]
		for _, t := range ct.Choose(&o.view, ct.Tasks, o.tasks) {
			b := ct.batches[t]
			if b == nil {
				return nil, fmt.Errorf("%w: task %d, stream %s, given %v", ErrCustomTask, t, o.name, ct.Tasks)
			}
			o.chosen = append(o.chosen, b)
		}
	}
	chosen = true
	return rec, nil
}

// flush sends what has begun. drained says that the task ran out of input, so
// that smaller batches will do.
func (o *Out) flush(drained bool) error {
	first := o.sendBegun(&o.routed, drained)
	for len(o.begun) > 0 {
		if err := o.sendBegun(o.begun[len(o.begun)-1], drained); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// sendBegun sends a batch if it has begun.
func (o *Out) sendBegun(b *batch, drained bool) error {
	if b.buf == nil {
		return nil
	}
	if drained {
		b.drained(o.c.min)
	}
	return o.send(b)
}

// send hands a batch over to the sink and forgets it, whatever the sink says.
func (o *Out) send(b *batch) error {
	buf, count := b.buf, b.count
	b.buf, b.count = nil, 0
	if b != &o.routed {
		i := slices.Index(o.begun, b)
		o.begun = slices.Delete(o.begun, i, i+1)
	}
	return o.c.sink.Send(o.index, b.dest, len(o.keys) > 0, count, buf)
}
