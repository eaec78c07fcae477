package instance

import (
	"errors"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// An ack frame is sent when it has ackCount entries or ackLimit bytes, which is
// half of what a frame may hold.
const (
	ackCount = 4096
	ackLimit = 32 << 10
)

// ackOut gathers the acknowledgements of a bolt, for each spout task in a frame of its own.
type ackOut struct {
	to    []*ackBatch // by task id; nil for tasks whose tuples cannot come here
	begun []uint32    // tasks whose batch holds something
	since int64       // when the first of them was begun or earlier, by task.clock
	fail  []byte      // room for a fail frame
}

// ackBatch is an ack frame being filled.
type ackBatch struct {
	frame []byte // with room for the header in front; nil until it is needed
	count uint32
	prev  uint64 // seq of the last entry
}

func newAckOut(tasks int, upstream []uint32) *ackOut {
	a := &ackOut{to: make([]*ackBatch, tasks+1)}
	for _, t := range upstream {
		a.to[t] = &ackBatch{}
	}
	return a
}

// ackBatch returns the batch of acks for a spout's task, nil if the bolt acks
// its tuples itself or the task is not upstream.
func (b *bolt) ackBatch(task uint32) *ackBatch {
	if b.inst.spec.ManualAck || uint64(task) >= uint64(len(b.acks.to)) {
		return nil
	}
	return b.acks.to[task]
}

// addOwn adds the ack of a spout's tuple for which nothing was emitted, if that
// is nothing but a byte. Else it reports false, and the caller asks Ack.
func (b *ackBatch) addOwn(seq uint64) bool {
	n := len(b.frame)
	if b.count == 0 || b.count+1 >= ackCount || n+1 >= ackLimit {
		return false
	}
	b.frame = wire.AppendOwnAck(b.frame, b.prev, seq)
	b.prev = seq
	b.count++
	return true
}

// Ack implements topology.TrackedSink. What names a task whose tuples cannot
// have come here is not the tuple's fault and is left out, and so is what comes
// when the task has said its end.
func (t *task) Ack(root uint32, seq, word uint64) {
	a := t.acks
	if uint64(root) >= uint64(len(a.to)) || word == 0 || seq > wire.MaxSeq {
		return
	}
	b := a.to[root]
	if b == nil {
		return
	}
	if b.count == 0 && !t.beginAcks(root, b) {
		return
	}
	b.frame = wire.AppendAck(b.frame, b.prev, seq, word)
	b.prev = seq
	if b.count++; b.count >= ackCount || len(b.frame) >= ackLimit {
		_ = t.flushAcks() // an error is in t.fatal
	}
}

// beginAcks begins a frame for a spout's task. It reports false when the task has said its end.
func (t *task) beginAcks(root uint32, b *ackBatch) bool {
	if t.ending {
		return false
	}
	a := t.acks
	if len(a.begun) == 0 {
		a.since = t.pace.from
	}
	a.begun = append(a.begun, root)
	if b.frame == nil {
		b.frame = make([]byte, wire.HeaderSize, ackLimit+wire.MaxAck)
	}
	return true
}

// flushAcks sends the acknowledgements that wait. It returns an error, also kept
// in t.fatal, when the task must end.
func (t *task) flushAcks() error {
	a := t.acks
	if a == nil || len(a.begun) == 0 {
		return nil
	}
	op := t.op
	t.op = "" // a panic from here would be ours
	defer func() { t.op = op }()
	for len(a.begun) > 0 {
		root := a.begun[len(a.begun)-1]
		b := a.to[root]
		wire.Header{
			Length: uint32(len(b.frame) - wire.HeaderSize), Kind: wire.KindAck, Source: t.inst.cfg.Task, Dest: root,
			Count: b.count, Epoch: t.epoch,
		}.Put(b.frame)
		if err := t.writeControl(b.frame); err != nil {
			return err
		}
		b.frame, b.count, b.prev = b.frame[:wire.HeaderSize], 0, 0
		a.begun = a.begun[:len(a.begun)-1]
	}
	return nil
}

// writeControl writes a frame that needs no credit, over another link if this
// one breaks. The error is also kept in t.fatal.
func (t *task) writeControl(frame []byte) error {
	for {
		if err := t.stopped(); err != nil {
			return err
		}
		err := t.link.write(frame)
		if err == nil {
			return nil
		}
		if err = t.reconnect(err); err != nil {
			return err
		}
	}
}

// ageAcks sends acknowledgements that have become old.
func (t *task) ageAcks(now int64) error {
	if a := t.acks; a == nil || len(a.begun) == 0 || now-a.since < t.aging.maxAge {
		return nil
	}
	return t.flushAcks()
}

// Fail implements topology.TrackedSink.
func (t *task) Fail(root uint32, seq uint64, tuple []byte, cause error) {
	a := t.acks
	if uint64(root) >= uint64(len(a.to)) || a.to[root] == nil || t.ending {
		return
	}
	f := wire.Failure{Seq: seq, Text: cause.Error(), Payload: tuple}
	if te, ok := errors.AsType[*TaskError](cause); ok {
		f.Text, f.Stack = te.Err.Error(), te.Stack
	}
	op := t.op
	t.op = ""
	defer func() { t.op = op }()
	a.fail = wire.AppendFailure(a.fail[:0], wire.Header{Source: t.inst.cfg.Task, Dest: root, Epoch: t.epoch}, f)
	_ = t.writeControl(a.fail) // an error is in t.fatal
}

// AwaitRoom implements topology.TrackedSink. Only the collector of a spout calls it.
func (t *task) AwaitRoom() error {
	op := t.op
	t.op = ""
	defer func() { t.op = op }()
	s, ok := t.worker.(*spout)
	if !ok || t.ending || s.tracked.awaitRoom() != nil {
		return topology.ErrStopped
	}
	return nil
}
