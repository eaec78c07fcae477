package dataplane

import (
	"slices"

	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// The modes that decode ack as Heron does, with an object per ack and a tracker
// in the stream manager of the spout. A task's ack frame becomes a
// wirepb.AckSet. To the manager of another container it travels as that: the
// body of an ack frame between managers in these modes is the protobuf encoding
// of an AckSet with at most setAcks acks, whose number is the header's count and
// whose dest_task and roots name the header's dest. The manager of the spout
// takes the words out of the map of its acker; what becomes complete by that it
// tells the spout in an ack frame of the form that all modes have, with the word
// that the spout's own tracker waits for, so that tasks are the same in all modes.

// setAcks is the most that one AckSet holds: as many as fit in a body.
const setAcks = (wire.MaxControlBody - 8) / wire.MaxSetAck

// acks implements forwarder.
func (f *naive) acks(h wire.Header, frame []byte, d *dest, remote bool) error {
	set, err := f.ackSet(h, frame[wire.HeaderSize:], remote)
	switch {
	case err != nil:
		return err
	case d.local:
		f.settleAcks(h, set, d)
	default:
		f.passAcks(h, set, d)
	}
	return nil
}

// ackSet makes objects of the body of an ack frame: new ones, or those of the set
// that the mode keeps for that.
func (f *naive) ackSet(h wire.Header, body []byte, remote bool) (*wirepb.AckSet, error) {
	set := &f.ackIn
	if !f.mode.Pool {
		set = &wirepb.AckSet{}
	}
	if remote {
		return set, f.parseAckSet(h, body, set)
	}
	set.DestTask, set.Acks = h.Dest, set.Acks[:0]
	var seq, word uint64
	for len(body) > 0 {
		var ok bool
		if seq, word, body, ok = wire.NextAck(body, seq); !ok {
			return nil, wire.ErrAcks
		}
		a := wire.AddAck(set)
		a.Root.Task, a.Root.Seq, a.Word = h.Dest, seq, word
	}
	if len(set.Acks) != int(h.Count) {
		return nil, wire.ErrAcks
	}
	return set, nil
}

// parseAckSet decodes what another manager sends.
func (f *naive) parseAckSet(h wire.Header, body []byte, set *wirepb.AckSet) error {
	parse := wire.ParseAckSet
	if f.mode.Pool {
		parse = wire.ReuseAckSet
	}
	if err := parse(body, set); err != nil {
		return err
	}
	other := func(a *wirepb.Ack) bool { return a.GetRoot().GetTask() != h.Dest }
	if set.DestTask != h.Dest || len(set.Acks) != int(h.Count) || slices.ContainsFunc(set.Acks, other) {
		return wire.ErrAcks
	}
	return nil
}

// passAcks sends a set to the manager of another container, in several frames where one is too small.
func (f *naive) passAcks(h wire.Header, set *wirepb.AckSet, d *dest) {
	for acks := range slices.Chunk(set.Acks, setAcks) {
		out := &f.ackOut
		if !f.mode.Pool {
			out = &wirepb.AckSet{}
		}
		out.DestTask, out.Acks = d.task, acks
		n := wire.AckSetSize(out)
		h.Length, h.Count = uint32(n), uint32(len(acks))
		frame := wire.AppendAckSet(wire.AppendHeader(f.ackBuffer(wire.HeaderSize+n), h), out)
		f.lp.sendAcks(d, h.Source, frame, len(acks))
	}
}

// ackBuffer returns an empty buffer for a frame of n bytes that is sent before
// the next one is begun.
func (f *naive) ackBuffer(n int) []byte {
	if !f.mode.Pool {
		return make([]byte, 0, n)
	}
	f.ackBytes = slices.Grow(f.ackBytes[:0], n)
	return f.ackBytes
}

// settleAcks takes the words of a set from the acker and tells the spout what is complete.
func (f *naive) settleAcks(h wire.Header, set *wirepb.AckSet, d *dest) {
	frame := f.ackBuffer(wire.HeaderSize + min(wire.MaxAck*len(set.Acks), wire.MaxControlBody))
	h.Count = 0
	var last uint64
	for _, a := range set.Acks {
		sent, done := f.acker.ack(root{a.Root.Task, a.Root.Seq}, a.Word)
		if !done {
			continue
		}
		if len(frame) > wire.HeaderSize+wire.MaxControlBody-wire.MaxAck {
			f.tellSpout(h, frame, d)
			h.Count = 0
		}
		if h.Count == 0 {
			frame, last = wire.AppendHeader(frame[:0], h), 0
		}
		frame = wire.AppendAck(frame, last, a.Root.Seq, sent)
		last = a.Root.Seq
		h.Count++
	}
	f.tellSpout(h, frame, d)
}

func (f *naive) tellSpout(h wire.Header, frame []byte, d *dest) {
	if h.Count == 0 {
		return
	}
	wire.PutLengthCount(frame, uint32(len(frame)-wire.HeaderSize), h.Count)
	f.lp.sendAcks(d, h.Source, frame, int(h.Count))
}

// fail implements forwarder.
func (f *naive) fail(h wire.Header, frame []byte, d *dest, _ bool) error {
	failure, err := wire.ParseFailure(frame[wire.HeaderSize:])
	if err != nil {
		return err
	}
	if d.local {
		f.acker.forget(root{d.task, failure.Seq})
	}
	f.lp.sendAcks(d, h.Source, frame, 1)
	return nil
}

// tick implements forwarder.
func (f *naive) tick() {
	if f.acker != nil {
		f.acker.tick(f.lp.holding())
	}
}

// tracked implements forwarder.
func (f *naive) tracked() int {
	if f.acker == nil {
		return 0
	}
	return f.acker.len()
}
