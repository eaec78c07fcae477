package instance

import (
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// Send writes a batch to the stream manager. It owns batch, and implements
// topology.Sink. It waits for credit, and for another link when this one
// breaks; the error is topology.ErrStopped when the task must end.
func (t *task) Send(stream uint16, dest uint32, keyed bool, count uint32, batch *pool.Buf) error {
	op := t.op
	t.op = "" // a panic from here would be ours
	err := t.send(stream, dest, keyed, count, batch.B)
	t.op = op
	batch.Release()
	return err
}

func (t *task) send(stream uint16, dest uint32, keyed bool, count uint32, frame []byte) error {
	h := wire.Header{
		Length: uint32(len(frame) - wire.HeaderSize), Kind: wire.KindData, Stream: stream,
		Source: t.inst.cfg.Task, Dest: dest, Count: count, Epoch: t.epoch,
	}
	h.Flags = t.flags
	if keyed {
		h.Flags |= wire.FlagKeyed
	}
	h.Put(frame)
	if t.beforeSend != nil {
		t.beforeSend()
	}
	for {
		if t.ending || t.stopped() != nil || t.link == nil && t.connect() != nil || t.awaitCredit() != nil {
			return topology.ErrStopped
		}
		err := t.link.write(frame)
		if err == nil {
			break
		}
		if t.reconnect(err) != nil {
			return topology.ErrStopped
		}
	}
	t.credit -= int64(len(frame))
	t.count.framesOut++
	t.count.bytesOut += int64(len(frame))
	return nil
}

// awaitCredit waits until the task may send, over whatever link. It returns an
// error when the task must end.
func (t *task) awaitCredit() error {
	for waiting := false; t.credit <= 0; {
		// Nothing may come between the look and the wait: credit may have been
		// read already, behind the frame that is being executed or, when acks
		// needed a new link, behind the welcome, and nothing may follow it.
		if err := t.flushAcks(); err != nil {
			return err
		}
		err := t.lookAhead()
		if err == nil && t.credit <= 0 {
			if !waiting {
				waiting = true
				t.count.creditWaits++
				t.publish()
			}
			err = t.waitAhead()
		}
		if err != nil {
			if err = t.reconnect(err); err != nil {
				return err
			}
		}
	}
	return nil
}
