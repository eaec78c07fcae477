package instance

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

// dead lets an incarnation of a spout emit 0 to 5, of which 0 and 1 are acked, and
// die. It returns its position file.
func dead(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "position")
	src := newReplaying(6, topology.ErrIdle)
	m := newManager(t, trackedTopology(t, src, nil, delivery, false))
	r := m.run(srcTask, func(c *Config) { c.PositionFile = path })
	p := m.welcome(plenty)
	p.send(acks(p.words("0", "1", "2", "3", "4", "5")[:2]...))
	src.expect(t, "ack 0", "ack 1")
	r.stop()
	return path
}

// heir prepares the next incarnation of a spout that is dead.
func heir(t *testing.T, path string, src topology.Spout, d topology.Delivery) (*manager, *running) {
	t.Helper()
	m := newManager(t, trackedTopology(t, src, nil, d, false))
	return m, m.prepare(srcTask, func(c *Config) { c.Restarts, c.PositionFile = 1, path })
}

// TestDrainWaitsForWhatTheDeadHasEmitted drains a spout that was started again
// before its first Next: it emits what the one before has emitted, and no more.
func TestDrainWaitsForWhatTheDeadHasEmitted(t *testing.T) {
	leaktest.Check(t)
	for _, when := range []string{"before Run", "in Open", "in Next", "held"} {
		t.Run(when, func(t *testing.T) {
			leaktest.Check(t)
			src := newReplaying(1000, topology.ErrIdle)
			d := delivery
			d.MaxPending = 1 // so that a lap is one call of Next
			m, r := heir(t, dead(t), src, d)
			var ctx context.Context
			src.open = func(c context.Context, _ *topology.Task, _ *topology.Collector) error {
				if ctx = c; when == "in Open" {
					r.Drain()
				}
				return ctx.Err()
			}
			emit := src.userSpout.next
			src.userSpout.next = func(out *topology.Collector) error {
				if when == "in Next" {
					r.Drain()
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				return emit(out)
			}
			if when == "before Run" {
				r.Drain()
			}
			r.start()
			p := m.welcome(plenty)
			src.expect(t, "seek 2")
			for _, word := range []string{"2", "3", "4", "5"} {
				all := p.words(word)
				if when == "held" {
					p.silent()
					r.Drain()
				}
				p.send(acks(all...))
				src.expect(t, "ack "+word)
			}
			finished(t, p, r, srcStream)
			src.quiet(t)
		})
	}
}

// TestPaidDebtEndsWithTheDrain checks that the context of Open ends with a drain
// when a spout has emitted what it owes.
func TestPaidDebtEndsWithTheDrain(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(6, nil)
	m, r := heir(t, dead(t), src, delivery)
	var ended <-chan struct{}
	src.open = func(ctx context.Context, _ *topology.Task, _ *topology.Collector) error {
		ended = ctx.Done()
		return nil
	}
	waits := make(chan struct{})
	emit := src.userSpout.next
	src.userSpout.next = func(out *topology.Collector) error {
		if src.counted.next == 6 {
			close(waits)
			<-ended
			return context.Canceled
		}
		return emit(out)
	}
	r.start()
	p := m.welcome(plenty)
	src.expect(t, "seek 2")
	<-waits
	r.Drain()
	p.send(acks(p.words("2", "3", "4", "5")...))
	src.expect(t, "ack 2", "ack 3", "ack 4", "ack 5")
	finished(t, p, r, srcStream)
}

// TestDebtThatCannotBePaid drains a spout that has less to emit than the dead one had.
func TestDebtThatCannotBePaid(t *testing.T) {
	leaktest.Check(t)
	for _, then := range []error{io.EOF, topology.ErrIdle} {
		t.Run(then.Error(), func(t *testing.T) {
			leaktest.Check(t)
			d := delivery
			d.MessageTimeout = topology.MinMessageTimeout
			src := newReplaying(2, then)
			m, r := heir(t, dead(t), src, d)
			r.Drain()
			r.start()
			p := m.welcome(plenty)
			src.expect(t, "seek 2")
			finished(t, p, r, srcStream)
		})
	}
}

// TestIdleDebtorIsAskedAgain drains a spout that has nothing to emit at first.
func TestIdleDebtorIsAskedAgain(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(6, topology.ErrIdle)
	m, r := heir(t, dead(t), src, delivery)
	idle := 0
	emit := src.userSpout.next
	src.userSpout.next = func(out *topology.Collector) error {
		if idle++; idle%4 != 0 {
			return topology.ErrIdle
		}
		return emit(out)
	}
	r.Drain()
	r.start()
	p := m.welcome(plenty)
	p.send(acks(p.tuples(4)...))
	src.expect(t, "seek 2", "ack 2", "ack 3", "ack 4", "ack 5")
	finished(t, p, r, srcStream)
}

// TestErrorOfADebtorIsNotTheDrains checks that an error like that of an ended
// context is one of the spout while a drain has not ended its context.
func TestErrorOfADebtorIsNotTheDrains(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(6, nil)
	src.userSpout.next = func(*topology.Collector) error { return context.Canceled }
	m, r := heir(t, dead(t), src, delivery)
	r.Drain()
	r.start()
	m.welcome(plenty)
	var te *TaskError
	if err := r.wait(); !errors.As(err, &te) || te.Op != opNext {
		t.Errorf("Run returned %v", err)
	}
}

// TestDebtorWithoutALinkIsNotIdle has a debtor return ErrIdle once, after which
// its task has no link for longer than a message timeout.
func TestDebtorWithoutALinkIsNotIdle(t *testing.T) {
	leaktest.Check(t)
	path := dead(t)
	top := trackedTopology(t, newReplaying(6, topology.ErrIdle), nil, delivery, false)
	task, _ := stillTask(t, top, srcTask, func(c *Config) { c.Restarts, c.PositionFile = 1, path })
	s := task.worker.(*spout)
	if err := s.open(t.Context(), task.info()); err != nil {
		t.Fatal(err)
	}
	s.inst.Drain()
	s.tracked.idled(int64(2 * s.tracked.delivery.MessageTimeout))
	if !s.tracked.debt.owes() || s.draining() {
		t.Error("it is forgiven because its link was away")
	}
	for n := s.tracked.delivery.MessageTimeout / idleWait; n > 0; n-- {
		s.tracked.idled(int64(idleWait))
	}
	if s.tracked.debt.owes() {
		t.Error("it is not forgiven though it was idle for a message timeout")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
