package instance

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// idleWait is how long an idle spout waits for a wake before Next is called again.
const idleWait = time.Millisecond

// spout is the part of a task that calls a user's spout.
type spout struct {
	*task
	user     topology.Spout
	polled   int64 // when the socket was last looked at, by task.clock
	frames   int64 // frames that had been sent by then
	finished bool  // Next said io.EOF
	tracked  *tracked
}

func (s *spout) open(ctx context.Context, info *topology.Task) error {
	err := s.call(opNew, func() error {
		if s.user = s.inst.spec.NewSpout(); s.user == nil {
			return ErrNil
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.tracked != nil {
		if err = s.tracked.meet(); err != nil {
			return err
		}
		ctx = s.tracked.debt.shield(s.ctx, ctx)
	}
	var stopping bool
	err = s.call(opOpen, func() error {
		err := s.user.Open(ctx, info, s.out)
		if stopping = s.drained(err); stopping {
			return nil
		}
		return err
	})
	s.finished = stopping
	if err == nil && s.tracked != nil {
		err = s.tracked.resume()
	}
	return err
}

// drained reports whether err says that user code noticed the drain by its context.
func (s *spout) drained(err error) bool {
	return s.draining() && errors.Is(err, context.Canceled)
}

// draining reports whether a drain ends the spout. It does not while the spout
// owes what a dead incarnation has emitted.
func (s *spout) draining() bool {
	return s.inst.signals.any(sigDrain) && (s.tracked == nil || !s.tracked.debt.owes())
}

func (s *spout) close() error {
	if s.user == nil {
		return nil
	}
	err := s.call(opClose, s.user.Close)
	if s.tracked != nil {
		err = errors.Join(err, s.tracked.close())
	}
	return err
}

// told implements worker.
func (s *spout) told(h wire.Header, body []byte) error {
	k := s.tracked
	if k == nil {
		return violation(wire.CodeUnexpected, h, ErrUnexpected)
	}
	p := s.inst.cfg.Plan
	if h.Kind == wire.KindLost {
		if p.ComponentOf(h.Dest) == nil {
			return violation(wire.CodeRoute, h, ErrRoute)
		}
		k.loseAll()
		return nil
	}
	switch {
	case h.Dest != s.inst.cfg.Task || p.ComponentOf(h.Source) == nil:
		return violation(wire.CodeRoute, h, ErrRoute)
	case h.Kind == wire.KindAck:
		return k.acked(h, body)
	default:
		return k.failed(h, body)
	}
}

// relinked implements worker.
func (s *spout) relinked() {
	if s.tracked != nil {
		s.tracked.loseAll()
	}
}

// clamped implements worker.
func (s *spout) clamped() {
	if s.tracked == nil {
		return
	}
	if now := s.clock(); len(s.clamps) > 0 {
		s.tracked.held.start(now)
	} else {
		s.tracked.held.stop(now)
	}
}

func (s *spout) admit(h wire.Header) error {
	return violation(wire.CodeUnexpected, h, ErrUnexpected)
}

func (s *spout) work() error {
	_, err := s.guard(s.loop)
	if err == nil {
		err = s.completeAll()
	}
	return err
}

// loop calls Next in laps and does the task's duties between them.
func (s *spout) loop() error {
	s.pace.begin(s.clock())
	for !s.finished {
		err := s.run()
		now := s.clock()
		switch {
		case err == nil:
			s.pace.next(now)
		case errors.Is(err, topology.ErrIdle):
			err = s.idle()
			after := s.clock()
			if s.tracked != nil {
				s.tracked.idled(after - now)
			}
			s.pace.begin(after)
		default:
			err = s.over(err)
		}
		if err == nil {
			err = s.duties(now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// run calls Next for a lap and returns the first error.
func (s *spout) run() error {
	if s.tracked != nil {
		return s.runTracked()
	}
	s.op = opNext
	user := s.user
	for range s.pace.lap {
		if err := user.Next(); err != nil {
			s.op = ""
			return err
		}
	}
	s.op = ""
	return nil
}

// runTracked is run that ends early where Next must wait for tuples to complete:
// inside Emit the spout could be told of nothing, nor replay.
func (s *spout) runTracked() error {
	s.op = opNext
	user, k := s.user, s.tracked
	n := s.pace.lap
	if k.debt.owes() {
		n = min(n, 1) // the call that follows the last that is owed may wait for the end of the context
	}
	end := k.ring.Next() + uint64(k.room())
	for ; n > 0 && k.ring.Next() < end; n-- {
		if err := user.Next(); err != nil {
			s.op = ""
			return err
		}
	}
	s.op = ""
	return nil
}

// over deals with an error of Next that is not topology.ErrIdle.
func (s *spout) over(err error) error {
	if stop := s.stopped(); stop != nil {
		return stop
	}
	if errors.Is(err, io.EOF) || s.drained(err) {
		s.finished = true
		return nil
	}
	return s.failure(opNext, err)
}

// duties looks after everything but Next: requests, the socket, old batches,
// and the conditions under which Next may be called again.
func (s *spout) duties(now int64) error {
	if err := s.stopped(); err != nil {
		return err
	}
	if s.count.framesOut != s.frames || now-s.polled >= int64(pollEvery) {
		s.frames, s.polled = s.count.framesOut, now
		if err := s.listen(false); err != nil {
			return err
		}
		s.publish()
	}
	for first := true; ; first = false {
		if s.tracked != nil {
			if err := s.tracked.duties(now); err != nil {
				return err
			}
		}
		if !s.held() || s.draining() {
			break
		}
		if err := s.hold(first); err != nil {
			return err
		}
		now = s.clock()
	}
	if s.draining() {
		s.finished = true
	}
	return s.age(now)
}

// held reports whether Next may not be called.
func (s *spout) held() bool { return !s.mayEmit() || s.tracked != nil && s.tracked.full() }

// mayEmit reports whether nobody holds the task back.
func (s *spout) mayEmit() bool { return len(s.clamps) == 0 && s.credit > 0 }

// hold waits for a frame while Next may not be called. first says that Next was
// called before.
func (s *spout) hold(first bool) error {
	if s.credit > 0 {
		if err := s.flushed(s.out.Age()); err != nil {
			return err
		}
	} else if first {
		s.count.creditWaits++
	}
	s.publish()
	var err error
	for err == nil && s.held() && !s.draining() {
		if s.tracked != nil { // there may be something to tell, to drop or to replay then
			err = s.tracked.listenUntilDue()
			break
		}
		s.link.arm(time.Time{})
		err = s.listen(true)
	}
	s.pace.begin(s.clock())
	return err
}

// idle sends what has begun and waits for a frame, for Task.Wake, or for idleWait.
func (s *spout) idle() error {
	old, err := s.ranDry(false)
	if err != nil {
		return err
	}
	s.publish()
	sig := &s.inst.signals
	s.link.arm(earlier(old, time.Now().Add(idleWait)))
	sig.idle.Store(true)
	if !sig.any(sigWake|sigStop) && !s.draining() {
		err = s.listen(true)
	}
	sig.idle.Store(false)
	sig.clear(sigWake)
	return err
}

// listen reads the socket and handles what it brings, which can only be
// control frames. With wait it blocks, unless the task is to stop, until there is
// something, the deadline passes or a signal comes.
func (s *spout) listen(wait bool) error {
	err := s.stopped()
	if err != nil {
		return err
	}
	at := s.in.frontier()
	if err = s.scan(); err == nil && at == s.in.frontier() { // else a new link brought more than the welcome
		room := s.in.room()
		if wait {
			err = s.block(room)
		} else {
			_, err = s.poll(room)
		}
		if err == nil {
			err = s.scan()
		}
	}
	s.in.skip()
	if err != nil {
		return s.reconnect(err)
	}
	return nil
}
