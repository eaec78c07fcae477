package instance

import (
	"time"

	"github.com/ardea-stream/ardea/wire"
)

// peek reads the frame at the start of b. ok is false while it has not arrived
// as a whole; the header is valid if hasHeader is true.
func peek(b []byte) (h wire.Header, hasHeader, ok bool, err error) {
	if len(b) < wire.HeaderSize {
		return h, false, false, nil
	}
	if h, err = wire.ParseHeader(b); err != nil {
		return h, false, false, malformed(err)
	}
	return h, true, len(b)-wire.HeaderSize >= int(h.Length), nil
}

// scanned returns the frame at the frontier if it has arrived as a whole.
func (t *task) scanned() (body []byte, h wire.Header, ok bool, err error) {
	in := &t.in
	frontier := in.frontier()
	if frontier >= in.filled() {
		return nil, h, false, nil
	}
	in.scanned = frontier
	b := in.buf.B[frontier-in.base:]
	h, _, ok, err = peek(b)
	if !ok || err != nil {
		return nil, h, false, err
	}
	return b[wire.HeaderSize : wire.HeaderSize+int(h.Length)], h, true, nil
}

// scan goes over the frames that have arrived and that nobody has looked at:
// control frames are handled at once, data and end frames are left for their turn.
func (t *task) scan() error {
	for {
		body, h, ok, err := t.scanned()
		if err != nil || !ok {
			return err
		}
		if err := t.handle(h, body); err != nil {
			return err
		}
		t.in.scanned += int64(wire.HeaderSize + len(body))
	}
}

// handle checks a frame, and acts on it unless it has to wait for its turn.
// body is borrowed.
func (t *task) handle(h wire.Header, body []byte) error {
	if h.Epoch != t.epoch {
		return violation(wire.CodeEpoch, h, ErrEpoch)
	}
	switch h.Kind {
	case wire.KindData, wire.KindEnd:
		return t.worker.admit(h)
	case wire.KindCredit:
		t.credit += int64(h.Count)
	case wire.KindClamp, wire.KindRelease:
		return t.clamp(h)
	case wire.KindPing:
		if t.ending {
			return nil // the sending side is shut down, or about to be
		}
		return t.sendControl(wire.Header{Kind: wire.KindPong, Source: t.inst.cfg.Task, Count: h.Count, Epoch: t.epoch})
	case wire.KindAck, wire.KindFail, wire.KindLost:
		return t.worker.told(h, body)
	case wire.KindPong:
	case wire.KindError:
		return refusal(body)
	default:
		return violation(wire.CodeUnexpected, h, ErrUnexpected)
	}
	return nil
}

// clamp notes that a destination holds the task back, or no longer does.
func (t *task) clamp(h wire.Header) error {
	if h.Dest < 1 || int(h.Dest) > t.inst.cfg.Plan.TaskCount() {
		return violation(wire.CodeRoute, h, ErrRoute)
	}
	if h.Kind == wire.KindRelease {
		delete(t.clamps, h.Dest)
	} else if _, known := t.clamps[h.Dest]; !known {
		t.clamps[h.Dest] = struct{}{}
		t.count.clamps++
		t.publish() // no batch may follow for long
	}
	t.worker.clamped()
	return nil
}

// sendControl sends a frame without a body. It needs no credit.
func (t *task) sendControl(h wire.Header) error {
	t.control = wire.AppendHeader(t.control[:0], h)
	return t.link.write(t.control)
}

// payBack returns the credit of what has been handled, if that is at least least bytes.
func (t *task) payBack(least int64) error {
	if t.unpaid < least {
		return nil
	}
	h := wire.Header{Kind: wire.KindCredit, Source: t.inst.cfg.Task, Count: uint32(t.unpaid), Epoch: t.epoch}
	t.unpaid = 0
	return t.sendControl(h)
}

// waitAhead waits for bytes while user code is running. lookAhead finds what is among them.
func (t *task) waitAhead() error {
	t.link.arm(time.Time{})
	if err := t.stopped(); err != nil {
		return err
	}
	return t.block(t.in.roomAhead())
}

// pollAhead reads the bytes that have come while user code is running, and looks at them.
func (t *task) pollAhead() error {
	if _, err := t.poll(t.in.roomAhead()); err != nil {
		return err
	}
	return t.lookAhead()
}

// lookAhead handles the control frames among what was read and not executed. A
// spout has nothing else, and nothing borrows what it has read.
func (t *task) lookAhead() error {
	if err := t.scan(); err != nil {
		return err
	}
	if t.inst.placed.Spout {
		t.in.settle()
		t.in.skip()
	}
	if len(t.in.rest()) > maxAhead {
		return &ProtocolError{Code: wire.CodeCredit, Err: ErrAhead}
	}
	return nil
}
