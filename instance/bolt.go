package instance

import (
	"context"
	"time"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

const (
	// payAt is how many handled bytes are returned as credit while there is more to do, and payIdle when there is not.
	payAt   = 128 << 10
	payIdle = 16 << 10
)

// bolt is the part of a task that calls a user's bolt.
type bolt struct {
	*task
	user   topology.Bolt
	inputs *inputs
	view   topology.Tuple
	source *topology.Source // of the open frame

	quota  int   // calls of Execute until the loop over the records must look up
	given  int   // what quota was set to
	lap    int   // calls of Execute until the next check, beyond given
	housed int64 // when the socket was last read or metrics were published, by task.clock
}

func (b *bolt) open(ctx context.Context, info *topology.Task) error {
	err := b.call(opNew, func() error {
		if b.user = b.inst.spec.NewBolt(); b.user == nil {
			return ErrNil
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.call(opOpen, func() error { return b.user.Open(ctx, info, b.out) })
}

func (b *bolt) close() error {
	if b.user == nil {
		return nil
	}
	return b.call(opClose, b.user.Close)
}

// admit checks the header of a data or end frame.
func (b *bolt) admit(h wire.Header) error {
	s, n := b.inputs.find(h.Stream, h.Source)
	if s == nil || h.Dest != b.inst.cfg.Task {
		return violation(wire.CodeRoute, h, ErrRoute)
	}
	if h.Kind == wire.KindEnd {
		return nil
	}
	if s.ended[n] {
		return violation(wire.CodeUnexpected, h, ErrEnded)
	}
	if h.Flags&wire.CodecMask != wire.CodecNone {
		return violation(wire.CodeUnexpected, h, ErrCodec)
	}
	return nil
}

// told implements worker.
func (*bolt) told(h wire.Header, _ []byte) error {
	return violation(wire.CodeUnexpected, h, ErrUnexpected)
}

// relinked implements worker.
func (*bolt) relinked() {}

// clamped implements worker.
func (*bolt) clamped() {}

// work executes tuples until all inputs have ended, then lets the bolt finish.
// The guard is entered once, and once more after every panic.
func (b *bolt) work() error {
	now := b.clock()
	b.pace.begin(now)
	b.lap = b.pace.lap
	b.ticks.next = now + int64(b.ticks.every)
	for {
		panicked, err := b.guard(b.loop)
		b.account()
		if panicked && b.acks != nil {
			b.out.End(err)
		}
		if panicked && b.fatal != nil {
			return b.fatal
		}
		if err != nil && !panicked {
			return err
		}
		if !panicked {
			break
		}
	}
	if f, ok := b.user.(topology.Finisher); ok {
		return b.call(opFinish, f.Finish)
	}
	return nil
}

// loop handles input until there will be no more.
func (b *bolt) loop() error {
	for b.inputs.open > 0 {
		err := b.consume()
		if err == nil && b.inputs.open > 0 {
			err = b.refill()
		}
		if err == nil {
			continue
		}
		if err = b.reconnect(err); err != nil {
			return err
		}
	}
	return nil
}

// consume handles what has arrived. It returns nil when it needs more bytes,
// or when the last input has ended.
func (b *bolt) consume() error {
	in := &b.in
	in.need = 0
	for b.inputs.open > 0 {
		var more bool
		var err error
		in.settle()
		if in.open {
			more, err = b.execute()
		} else {
			more, err = b.nextFrame()
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// nextFrame handles the header at pos, and the whole frame if it is not of
// data. It reports false while that has not arrived.
func (b *bolt) nextFrame() (bool, error) {
	in := &b.in
	rest := in.rest()
	h, hasHeader, whole, err := peek(rest)
	if err != nil || !hasHeader {
		return false, err
	}
	size := wire.HeaderSize + int(h.Length)
	if h.Kind == wire.KindData {
		if err := b.handle(h, nil); err != nil {
			return false, err
		}
		b.openFrame(h)
		return true, nil
	}
	if !whole {
		in.need = size
		return false, nil
	}
	if in.at() >= in.scanned || h.Kind == wire.KindEnd {
		if err := b.handle(h, rest[wire.HeaderSize:size]); err != nil {
			return false, err
		}
	}
	in.pos += size
	if h.Kind == wire.KindEnd {
		b.inputs.end(h.Stream, h.Source)
		if in.at() > in.stale {
			b.unpaid += int64(size) // it waited in the same queue as data
		}
	}
	return true, nil
}

// openFrame begins a data frame, whose header was admitted.
func (b *bolt) openFrame(h wire.Header) {
	in := &b.in
	in.open, in.head, in.left = true, h, int(h.Count)
	in.pos += wire.HeaderSize
	in.end = in.at() + int64(h.Length)
	s, n := b.inputs.find(h.Stream, h.Source)
	b.source = &s.sources[n]
}

// closeFrame ends the open frame, all of whose tuples were executed.
func (b *bolt) closeFrame() error {
	in := &b.in
	in.open = false
	size := int64(wire.HeaderSize) + int64(in.head.Length)
	b.count.framesIn++
	b.count.bytesIn += size
	if in.end <= in.stale {
		return nil // the stream manager that counted it has gone
	}
	b.unpaid += size
	return b.payBack(payAt)
}

// execute calls Execute for the records of the open frame that have arrived,
// at most to the end of the lap. It reports false when it needs more bytes.
func (b *bolt) execute() (bool, error) {
	in := &b.in
	body := in.buf.B
	if end := in.end - in.base; end < int64(len(body)) {
		body = body[:end]
	}
	b.given = min(b.lap, in.left)
	b.quota = b.given
	in.moved = false
	b.op = opExecute
	var short bool
	if b.acks == nil {
		short = b.records(body)
	} else {
		short = b.recordsTracked(body)
	}
	b.op = ""
	b.account()
	if b.fatal != nil {
		return false, b.fatal
	}
	if b.lap == 0 {
		if err := b.check(); err != nil {
			return false, err
		}
	}
	if in.moved || !in.open {
		return true, nil
	}
	return b.afterRecords(body, short)
}

// records is the innermost loop. The position is kept in the struct before
// every call, so that a panic can be survived at the next record. The result is
// true when the quota is not used up, but there is no whole record.
func (b *bolt) records(body []byte) bool {
	in, user, source := &b.in, b.user, b.source
	for b.quota > 0 {
		tuple, end, ok := wire.NextRecord(body, in.pos)
		if !ok {
			return true
		}
		in.pos = end
		b.quota--
		b.view.Reset(body[tuple:end], source)
		if err := user.Execute(&b.view); err != nil && b.stopped() == nil {
			b.fault(opExecute, err)
			if b.fatal != nil {
				return false
			}
		}
		if in.moved {
			return false
		}
	}
	return false
}

// recordsTracked is records where tuples are tracked. A record with an edge or a
// root that goes beyond it is taken for none.
func (b *bolt) recordsTracked(body []byte) bool {
	in, user, source, out := &b.in, b.user, b.source, b.out
	acks := b.ackBatch(source.Task)
	for b.quota > 0 {
		at := in.pos
		end, values, seq, own := wire.OwnRecord(body, at)
		if own {
			at += 2
			out.BeginOwn(body[at:end], source.Task, seq)
		} else if at, end, values = b.beginTracked(body); end == 0 {
			return true
		}
		in.pos = end
		b.quota--
		b.view.ResetTracked(body[at:end], values-at, source, out)
		err := user.Execute(&b.view)
		if err != nil {
			if b.stopped() != nil {
				return false
			}
			b.fault(opExecute, err)
		}
		if !own || err != nil || acks == nil {
			out.End(err)
		} else if out.EndOwn() && !acks.addOwn(seq) {
			b.Ack(source.Task, seq, wire.OwnEdge(seq))
		}
		if in.moved || b.fatal != nil {
			return false
		}
	}
	return false
}

// beginTracked begins the tuple of a record that is not of the common form. It
// returns where in body that begins, where it ends and where its values are, or
// an end of 0 where there is no record.
func (b *bolt) beginTracked(body []byte) (at, end, values int) {
	at, end, ok := wire.NextRecord(body, b.in.pos)
	if !ok {
		return 0, 0, 0
	}
	edge, roots, off, err := wire.Anchors(body[at:end])
	if err != nil {
		return 0, 0, 0
	}
	b.out.Begin(body[at:end], b.source.Task, edge, roots)
	return at, end, at + off
}

// account counts the tuples that were executed since the quota was set.
func (b *bolt) account() {
	n := b.given - b.quota
	b.given = b.quota
	b.count.received += int64(n)
	b.lap -= n
	b.in.left -= n
}

// afterRecords says why the loop over the records ended: the frame is done, it
// is malformed, the lap is over, or the next record has not arrived.
func (b *bolt) afterRecords(body []byte, short bool) (bool, error) {
	in := &b.in
	ended := in.at() == in.end
	switch {
	case ended && in.left == 0:
		return true, b.closeFrame()
	case ended || in.left == 0:
		return false, b.broken(wire.ErrCount)
	case !short:
		return true, nil
	case in.pos == len(body):
		return false, nil
	}
	need, err := recordNeed(body[in.pos:], in.end-in.at())
	if err == nil && need <= len(body)-in.pos {
		err = wire.ErrRecord // it is all there, and yet no record
	}
	if err != nil {
		return false, b.broken(err)
	}
	in.need = need
	return false, nil
}

// broken forgets all input behind a malformed body and returns the error for the stream manager.
func (b *bolt) broken(err error) error {
	h := b.in.head
	b.in.drop()
	return violation(wire.CodeMalformed, h, err)
}

// refill reads more input. It first takes what there is; when that is nothing
// the task has run dry: it returns credit, sends what it has begun, or what is
// old while the rest of a frame is on its way, and waits.
func (b *bolt) refill() error {
	if err := b.stopped(); err != nil {
		return err
	}
	if got, err := b.poll(b.in.room()); got || err != nil {
		return err
	}
	if err := b.payBack(payIdle); err != nil {
		return err
	}
	before := b.in.filled()
	var until time.Time
	if b.ticks.every != 0 {
		if err := b.tick(b.clock()); err != nil {
			return err
		}
		until = b.began.Add(time.Duration(b.ticks.next))
	}
	old, err := b.ranDry(b.in.open) // the rest of a frame is on its way
	if err != nil {
		return err
	}
	b.publish()
	if b.in.filled() != before {
		return nil // it had to wait for credit, and read ahead
	}
	b.link.arm(earlier(until, old))
	if err := b.stopped(); err != nil {
		return err
	}
	err = b.block(b.in.room())
	now := b.clock()
	b.pace.begin(now)
	b.lap, b.housed = b.pace.lap, now
	return err
}

// check is what a busy bolt does about every checkEvery: look for requests,
// for old batches, for the next tick, and now and then at its socket.
func (b *bolt) check() error {
	now := b.clock()
	b.pace.next(now)
	b.lap = b.pace.lap
	if err := b.stopped(); err != nil {
		return err
	}
	if err := b.tick(now); err != nil {
		return err
	}
	if now-b.housed >= int64(houseEvery) {
		b.housed = now
		b.publish()
		if err := b.pollAhead(); err != nil {
			return err
		}
	}
	return b.age(now)
}

// tick calls the bolt's Tick if it is time.
func (b *bolt) tick(now int64) error {
	if !b.ticks.due(now) {
		return nil
	}
	b.op = opTick
	err := b.user.(topology.Ticker).Tick(time.Now())
	b.op = ""
	if stop := b.stopped(); stop != nil {
		return stop
	}
	if err != nil {
		b.fault(opTick, err)
	}
	return b.fatal
}
