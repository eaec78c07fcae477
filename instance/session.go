package instance

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/ardea-stream/ardea/wire"
)

const (
	// helloTimeout is how long a stream manager may take to answer a hello.
	helloTimeout = 30 * time.Second
	// firstPause and lastPause bound the pause before a dial; it doubles from one to the next.
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
	// healthyAfter is how long a link must last to end a series of bad ones.
	healthyAfter = time.Second
	// malformedLimit is how many links in a row may break the protocol before the task gives up.
	malformedLimit = 10
)

// session is the memory of the links that failed.
type session struct {
	links     int           // that were welcomed
	pause     time.Duration // before the next dial
	malformed int           // links in a row that broke the protocol
}

// connect dials until a stream manager has welcomed the task. It returns an
// error, also kept in t.fatal, when the task must end instead.
func (t *task) connect() error {
	for {
		if err := t.pause(); err != nil {
			return err
		}
		err := t.dialOnce()
		if err == nil {
			return nil
		}
		t.log.Debug("no link to the stream manager", slog.Any("err", err), slog.Duration("pause", t.session.pause))
		if err = t.leave(err); err != nil {
			return err
		}
	}
}

// pause waits before a dial, unless the last link was a healthy one.
func (t *task) pause() error {
	if err := t.stopped(); err != nil || t.session.pause == 0 {
		return err
	}
	half := t.session.pause / 2
	timer := time.NewTimer(half + rand.N(half))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
		t.inst.signals.bits.Or(sigStop) // what watches the context may come later
	}
	return t.stopped()
}

// dialOnce makes a link and shakes hands over it.
func (t *task) dialOnce() error {
	conn, err := t.inst.dial(t.ctx, t.inst.socket)
	if err != nil {
		return err
	}
	l, err := newLink(conn)
	if err != nil {
		_ = conn.Close()
		return err
	}
	t.link = l
	t.inst.signals.conn.Store(conn)
	w, err := t.handshake(time.Now().Add(helloTimeout))
	if err != nil {
		return fmt.Errorf("handshake with stream manager: %w", err)
	}
	// This may undo what a signal has done. stopped looks for that signal,
	// and every wait looks for the others before it begins.
	_ = conn.SetDeadline(time.Time{})
	if err := t.stopped(); err != nil {
		return err
	}
	t.credit, t.unpaid = int64(w.Credit), 0
	clear(t.clamps)
	t.worker.clamped()
	if t.session.links++; t.session.links > 1 {
		t.count.reconnects++
	}
	return nil
}

// handshake says hello and returns the welcome, which must come before the deadline.
func (t *task) handshake(deadline time.Time) (wire.Welcome, error) {
	_ = t.link.conn.SetDeadline(deadline)
	if err := t.stopped(); err != nil {
		return wire.Welcome{}, err
	}
	p := t.inst.cfg.Plan
	hello := wire.AppendHello(nil, wire.Hello{
		Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch,
		Task: t.inst.cfg.Task, Incarnation: t.inst.cfg.Incarnation, PID: uint32(os.Getpid()),
	})
	if err := t.link.write(hello); err != nil {
		return wire.Welcome{}, err
	}
	for {
		body, h, ok, err := t.scanned()
		if err != nil {
			return wire.Welcome{}, err
		}
		if ok {
			return t.welcomed(h, body)
		}
		err = t.block(t.in.roomAhead())
		if err == nil && !time.Now().Before(deadline) {
			err = os.ErrDeadlineExceeded
		}
		if err != nil {
			return wire.Welcome{}, err
		}
		t.link.arm(deadline) // a signal for something else may have moved it
		if err := t.stopped(); err != nil {
			return wire.Welcome{}, err
		}
	}
}

// welcomed reads the stream manager's answer to a hello.
func (t *task) welcomed(h wire.Header, body []byte) (wire.Welcome, error) {
	switch {
	case h.Kind == wire.KindError:
		return wire.Welcome{}, refusal(body)
	case h.Epoch != t.epoch:
		return wire.Welcome{}, violation(wire.CodeEpoch, h, ErrEpoch)
	case h.Kind != wire.KindWelcome:
		return wire.Welcome{}, violation(wire.CodeUnexpected, h, ErrUnexpected)
	}
	w, err := wire.ParseWelcome(body)
	if err == nil && w.Epoch != t.epoch {
		err = ErrEpoch
	}
	if err != nil {
		return w, violation(wire.CodeMalformed, h, err)
	}
	t.in.scanned += int64(wire.HeaderSize + len(body))
	return w, nil
}

// refusal reads the body of an error frame.
func refusal(body []byte) error {
	remote, err := wire.ParseError(body)
	if err != nil {
		return malformed(err)
	}
	return remote
}

// reconnect leaves a link that failed and connects again. It returns an error,
// also kept in t.fatal, when the task must end. User code may be running: the
// record that it looks at stays valid.
func (t *task) reconnect(cause error) error {
	cause = t.lastWords(cause)
	if err := t.leave(cause); err != nil {
		return err
	}
	t.log.Warn("link to the stream manager lost", slog.Any("err", cause))
	if err := t.connect(); err != nil {
		return err
	}
	t.worker.relinked()
	return nil
}

// lastWords looks for an error frame behind a failed write or read: it tells more than a reset does.
func (t *task) lastWords(cause error) error {
	var remote *wire.RemoteError
	var protocol *ProtocolError
	if t.link == nil || errors.As(cause, &remote) || errors.As(cause, &protocol) || t.stopped() != nil {
		return cause
	}
	for {
		got, err := t.poll(t.in.roomAhead())
		if scanErr := t.scan(); errors.As(scanErr, &remote) {
			return scanErr
		}
		if !got || err != nil {
			return cause
		}
	}
}

// leave closes a link, or notes that there is none, and decides what follows:
// another dial, or the end of the task.
func (t *task) leave(cause error) error {
	var remote *wire.RemoteError
	var protocol *ProtocolError
	s := &t.session
	if t.link != nil && time.Since(t.link.born) >= healthyAfter {
		s.pause, s.malformed = 0, 0
	} else {
		s.pause = min(max(2*s.pause, firstPause), lastPause)
	}
	switch {
	case t.stopped() != nil:
	case errors.As(cause, &remote) && permanent(remote):
		t.fatal = cause
	case errors.As(cause, &protocol):
		t.count.malformed++
		if s.malformed++; s.malformed >= malformedLimit {
			t.fatal = cause
		}
		t.complain(protocol)
	}
	t.hangUp()
	t.publish()
	return t.fatal
}

// complain tells the stream manager what it did wrong, without waiting long for it to listen.
func (t *task) complain(e *ProtocolError) {
	_ = t.link.writeUntil(wire.AppendError(nil, t.epoch, e.Code, e.Err.Error()), time.Now().Add(firstPause))
}

// hangUp closes the link if there is one. Whole frames that were read ahead stay, to be executed.
func (t *task) hangUp() {
	if t.link == nil {
		return
	}
	t.inst.signals.conn.Store(nil)
	t.link.close()
	t.count.syscalls += t.link.calls
	t.link = nil
	t.in.cut()
}

// readToEnd reads until the stream manager closes its side. Only what it has to say about the end matters.
func (t *task) readToEnd() error {
	t.in.settle()
	for {
		if err := t.scan(); err != nil {
			return err
		}
		t.in.skip()
		t.link.arm(time.Time{})
		if err := t.stopped(); err != nil {
			return err
		}
		switch err := t.block(t.in.room()); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
