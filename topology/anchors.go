package topology

import (
	"errors"
	"slices"

	"github.com/ardea-stream/ardea/wire"
)

// ErrAnchor says that an anchor does not stand for a tuple that this task has
// received and neither acked nor failed.
var ErrAnchor = errors.New("topology: the anchor's tuple was acked or failed before, or is another task's")

// Anchor stands for a tuple that a bolt with ManualAck has received, until that
// is acked or failed. It is a small value that may be copied, compared and kept
// for long; the task holds a copy of the tuple meanwhile.
type Anchor struct {
	place      uint32
	generation uint32 // from 1, so that the zero Anchor stands for nothing
}

// received is a tuple that was received and has not been acked or failed.
type received struct {
	edge       uint64
	word       uint64   // exclusive or of the edges of what was emitted anchored to it
	words      []uint64 // the same by root, where roots differ; else empty, and word holds
	only       root     // the only one; of seq 0 if there are several or none
	roots      []byte   // all; may be empty where only says it
	tuple      []byte
	generation uint32
	held       bool // an Anchor stands for it
}

// anchors is what a bolt's collector knows of the tuples that the bolt received.
type anchors struct {
	manual  bool
	inside  bool     // Execute is running
	current received // the tuple of Execute, borrowed; where manual, until Anchor is called
	taken   Anchor   // stands for current, where manual; zero until Anchor is called
	table   []received
	free    []uint32
	own     []byte // room for the roots of current
	union   []byte // roots of an emitted tuple that has several anchors
	seen    []root
}

type root struct {
	task uint32
	seq  uint64
}

// tracked reports whether somebody waits for the tuple.
func (e *received) tracked() bool { return e.only.seq != 0 || len(e.roots) > 0 }

// automatic returns the tuple that what is emitted now is anchored to, with its
// roots, nil if there is none.
func (a *anchors) automatic() *received {
	if a.manual || !a.inside || !a.current.tracked() {
		return nil
	}
	a.spell()
	return &a.current
}

// spell sees to it that the roots of current stand in bytes.
func (a *anchors) spell() {
	if cur := &a.current; len(cur.roots) == 0 && cur.only.seq != 0 {
		a.own = wire.AppendRoot(a.own[:0], cur.only.task, cur.only.seq)
		cur.roots = a.own
	}
}

// BeginOwn is Begin for a tuple whose anchor wire.OwnRecord has read: it comes
// from a spout's task, source, which emitted it as number seq.
func (c *Collector) BeginOwn(tuple []byte, source uint32, seq uint64) {
	a := &c.track.bolt
	cur := &a.current
	a.inside, a.taken = true, Anchor{}
	cur.edge, cur.word, cur.only, cur.tuple = wire.OwnEdge(seq), 0, root{source, seq}, tuple
}

// EndOwn is End(nil) for a tuple of BeginOwn and a bolt without ManualAck, but
// leaves the ack to the caller where the bolt has emitted nothing anchored to the
// tuple: then it reports true, and the word of the ack is wire.OwnEdge.
func (c *Collector) EndOwn() (bare bool) {
	k := c.track
	cur := &k.bolt.current
	if bare = cur.word == 0; !bare {
		k.ack(cur)
	}
	cur.roots, cur.only.seq, cur.tuple, k.bolt.inside = nil, 0, nil, false
	return bare
}

// Begin notes that Execute is about to be called with a tuple, which it borrows
// until End, of the task source. Edge and roots are those that wire.Anchors has
// read; a tuple with roots that cannot be read is one that nobody tracks. The engine calls it.
func (c *Collector) Begin(tuple []byte, source uint32, edge uint64, roots []byte) {
	a := &c.track.bolt
	cur := &a.current
	a.inside, a.taken = true, Anchor{}
	cur.edge, cur.word, cur.tuple = edge, 0, tuple
	if len(roots) == 0 {
		return
	}
	task, seq, ok := wire.OnlyRoot(roots)
	if ok && task != 0 {
		cur.only = root{task, seq}
	} else {
		var err error
		if roots, err = wire.ResolveRoots(a.own[:0], roots, source); err != nil {
			return
		}
		_, seq, _, _ = wire.NextRoot(roots) // was read just now
	}
	if cur.roots = roots; edge == 0 {
		cur.edge = wire.OwnEdge(seq)
	}
}

// End notes that Execute has returned, and acks or fails the tuple where that is
// not the bolt's business. A bolt with ManualAck that returns an error fails the
// tuple, unless it has taken its anchor and done so itself. The engine calls it,
// and once more when the error's own code panics.
func (c *Collector) End(err error) {
	k := c.track
	a := &k.bolt
	cur := &a.current
	if !a.inside {
		return // a panic of something else
	}
	switch {
	case cur.only.seq != 0 && err == nil && !a.manual: // nearly always
		k.ack(cur)
	case a.manual && a.taken != Anchor{}:
		if err != nil && c.entry(a.taken) != nil {
			_ = c.Fail(a.taken, err)
		}
	case !cur.tracked():
	case err != nil:
		k.fail(cur, err)
	case a.manual:
		k.fail(cur, errNotTaken)
	default:
		k.ack(cur)
	}
	cur.roots, cur.only.seq, cur.tuple, a.inside = nil, 0, nil, false
}

var errNotTaken = errors.New("a bolt with ManualAck returned from Execute without having taken the tuple's anchor: it can never be acked")

// anchor returns the anchor of the tuple of Execute, copying it to the table the first time.
func (a *anchors) anchor() Anchor {
	if !a.manual || !a.inside {
		return Anchor{}
	}
	if a.taken != (Anchor{}) {
		return a.taken
	}
	var place uint32
	if n := len(a.free); n > 0 {
		place, a.free = a.free[n-1], a.free[:n-1]
	} else {
		place = uint32(len(a.table))
		a.table = append(a.table, received{})
	}
	e := &a.table[place]
	e.generation++
	e.edge, e.word, e.words, e.only, e.held = a.current.edge, 0, e.words[:0], a.current.only, true
	a.spell()
	e.tuple = append(e.tuple[:0], a.current.tuple...)
	e.roots = append(e.roots[:0], a.current.roots...)
	a.taken = Anchor{place: place, generation: e.generation}
	return a.taken
}

// entry returns what an anchor stands for, nil if it does not.
func (c *Collector) entry(x Anchor) *received {
	a := &c.track.bolt
	if int(x.place) >= len(a.table) {
		return nil
	}
	if e := &a.table[x.place]; e.held && e.generation == x.generation {
		return e
	}
	return nil
}

// Ack says that the bolt is done with a tuple: nothing will be emitted anchored
// to it any more. It is for bolts with ManualAck and does nothing where tuples
// are not tracked. The error is ErrAnchor.
func (c *Collector) Ack(x Anchor) error {
	return c.finish(x, func(e *received) { c.track.ack(e) })
}

// Fail says that the bolt cannot handle a tuple: its spout emits it again, or
// gives it up. It is for bolts with ManualAck and does nothing where tuples are
// not tracked. The error is ErrAnchor.
func (c *Collector) Fail(x Anchor, cause error) error {
	if cause == nil {
		cause = errors.New("failed by the bolt without a cause")
	}
	return c.finish(x, func(e *received) { c.track.fail(e, cause) })
}

func (c *Collector) finish(x Anchor, f func(*received)) error {
	if c.track == nil {
		return nil
	}
	e := c.entry(x)
	if e == nil {
		return ErrAnchor
	}
	if e.tracked() {
		f(e)
	}
	e.held = false
	c.track.bolt.free = append(c.track.bolt.free, x.place)
	return nil
}

// Held returns the number of tuples that the bolt has received and neither acked nor failed.
func (c *Collector) Held() int {
	if c.track == nil {
		return 0
	}
	return len(c.track.bolt.table) - len(c.track.bolt.free)
}

// ack sends the acknowledgements of a tuple, one for each root.
func (k *tracking) ack(e *received) {
	if e.only.seq != 0 {
		word := e.word
		if len(e.words) > 0 {
			word = e.words[0]
		}
		k.sink.Ack(e.only.task, e.only.seq, e.edge^word)
		return
	}
	for i, rest := 0, e.roots; len(rest) > 0; i++ {
		task, seq, next, err := wire.NextRoot(rest)
		if err != nil {
			return // whoever wrote it gets no ack
		}
		word := e.word
		if len(e.words) > 0 {
			word = e.words[i]
		}
		k.sink.Ack(task, seq, e.edge^word)
		rest = next
	}
}

// fail tells each root of a tuple that it failed.
func (k *tracking) fail(e *received, cause error) {
	if e.only.seq != 0 {
		k.sink.Fail(e.only.task, e.only.seq, e.tuple, cause)
		return
	}
	for rest := e.roots; len(rest) > 0; {
		task, seq, next, err := wire.NextRoot(rest)
		if err != nil {
			return
		}
		k.sink.Fail(task, seq, e.tuple, cause)
		rest = next
	}
}

// EmitAnchored sends a tuple on the default stream, anchored to tuples that the
// bolt has received and neither acked nor failed: they are complete only when it
// is. It is for bolts with ManualAck; without anchors, or where tuples are not
// tracked, it is Emit. The errors are those of Emit and ErrAnchor.
func (c *Collector) EmitAnchored(to []Anchor, values ...Value) error {
	if c.def == nil {
		return errNoDefault()
	}
	return c.def.EmitAnchored(to, values...)
}

// EmitAnchored is Collector.EmitAnchored on this stream.
func (o *Out) EmitAnchored(to []Anchor, values ...Value) error {
	k := o.c.track
	if k == nil || k.tracker != nil || len(to) == 0 {
		return o.Emit(values...)
	}
	if len(to) > 1 {
		return o.emitJoined(k, to, values)
	}
	e := o.c.entry(to[0])
	if e == nil {
		return ErrAnchor
	}
	if !e.tracked() {
		return o.Emit(values...)
	}
	sum, err := o.emitAnchored(k, nil, e.roots, values)
	e.add(sum)
	return err
}

// add adds the edges of an emitted tuple for every root.
func (e *received) add(sum uint64) {
	e.word ^= sum
	for i := range e.words {
		e.words[i] ^= sum
	}
}

// emitJoined sends a tuple with several anchors. It has the union of their
// roots. A root that several anchors have must get the edges once only, or they
// would cancel out: the first of those anchors adds them.
func (o *Out) emitJoined(k *tracking, to []Anchor, values []Value) error {
	a := &k.bolt
	a.union, a.seen = a.union[:0], a.seen[:0]
	for _, x := range to {
		e := o.c.entry(x)
		if e == nil {
			return ErrAnchor
		}
		for rest := e.roots; len(rest) > 0; {
			task, seq, next, err := wire.NextRoot(rest)
			if err != nil {
				return err
			}
			if a.first(root{task, seq}) {
				a.union = wire.AppendRoot(a.union, task, seq)
			}
			rest = next
		}
	}
	if len(a.union) == 0 {
		return o.Emit(values...)
	}
	sum, err := o.emitAnchored(k, nil, a.union, values)
	if sum == 0 {
		return err
	}
	a.seen = a.seen[:0]
	for _, x := range to {
		o.c.entry(x).addFirst(a, sum)
	}
	return err
}

// first reports whether a root was not seen before, and notes it.
func (a *anchors) first(r root) bool {
	if slices.Contains(a.seen, r) {
		return false
	}
	a.seen = append(a.seen, r)
	return true
}

// addFirst adds the edges of an emitted tuple for every root that was not seen before.
func (e *received) addFirst(a *anchors, sum uint64) {
	i := 0
	for rest := e.roots; len(rest) > 0; i++ {
		task, seq, next, _ := wire.NextRoot(rest) // was read before
		if i == len(e.words) {
			e.words = append(e.words, e.word)
		}
		if a.first(root{task, seq}) {
			e.words[i] ^= sum
		}
		rest = next
	}
}
