package instance

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/tracker"
	"github.com/ardea-stream/ardea/wire"
)

// TestLostTuplesAreReplayed has what is pending be lost more often than a tuple
// may be retried, by word of the stream manager and with the link.
func TestLostTuplesAreReplayed(t *testing.T) {
	leaktest.Check(t)
	for _, how := range []string{"told", "reconnect"} {
		t.Run(how, func(t *testing.T) {
			leaktest.Check(t)
			src := newReplaying(4, io.EOF)
			m := newManager(t, trackedTopology(t, src, nil, delivery, false))
			r := m.run(srcTask)
			p := m.welcome(plenty)
			all := p.words("0", "1", "2", "3")
			p.send(acks(all[2]))
			src.expect(t, "ack 2")
			for round := range uint64(5) {
				if how == "told" {
					p.tell(wire.KindLost, workTask, 0)
				} else {
					p.conn.Close()
					p = m.welcome(plenty)
				}
				src.expect(t, "replay 0", "replay 1", "replay 3")
				again := p.words("0", "1", "3")
				for i, s := range again {
					if want := 5 + 3*round + uint64(i); s.seq() != want {
						t.Errorf("sequence number is %d, want %d", s.seq(), want)
					}
				}
				p.send(acks(all...)) // too late
				p.silent()
				all = again
			}
			src.quiet(t)
			p.send(acks(all...))
			got := finished(t, p, r, srcStream)
			src.expect(t, "ack 0", "ack 1", "ack 3")
			if got.Lost != 15 || got.Replayed != 15 || got.Acked != 4 || got.Failed != 0 || got.TimedOut != 0 {
				t.Errorf("metrics are %+v", got)
			}
		})
	}
}

// TestHeldSpoutTakesAcksAndDoesNotReplay holds a spout back by a clamp and by credit.
func TestHeldSpoutTakesAcksAndDoesNotReplay(t *testing.T) {
	leaktest.Check(t)
	for _, by := range []string{"clamp", "credit"} {
		for _, then := range []error{topology.ErrIdle, io.EOF} {
			t.Run(by+", "+then.Error(), func(t *testing.T) {
				leaktest.Check(t)
				src := newReplaying(3, then)
				m := newManager(t, trackedTopology(t, src, nil, delivery, false))
				r := m.run(srcTask)
				credit := uint32(plenty)
				if by == "credit" {
					credit = 1
				}
				p := m.welcome(credit)
				all := p.words("0", "1", "2")
				if by == "clamp" {
					p.tell(wire.KindClamp, sinkTask, 1)
				}
				p.send(acks(all[1]))
				src.expect(t, "ack 1")
				p.tell(wire.KindLost, workTask, 0)
				p.silent()
				src.quiet(t)
				if then == nil || errors.Is(then, topology.ErrIdle) {
					r.Drain()
					p.silent()
				}
				if by == "clamp" {
					p.tell(wire.KindRelease, sinkTask, 0)
				} else {
					p.tell(wire.KindCredit, 0, plenty)
				}
				again := p.words("0", "2")
				p.send(acks(again...))
				if got := finished(t, p, r, srcStream); got.Acked != 3 || got.Replayed != 2 {
					t.Errorf("metrics are %+v", got)
				}
			})
		}
	}
}

// TestMaxPending has Next wait outside of it and, in Emit, inside.
func TestMaxPending(t *testing.T) {
	leaktest.Check(t)
	d := delivery
	d.MaxPending = 4
	t.Run("outside", func(t *testing.T) {
		leaktest.Check(t)
		src := newReplaying(1000, io.EOF)
		m := newManager(t, trackedTopology(t, src, nil, d, false))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		all := p.tuples(4)
		p.silent()
		if got := r.Metrics(); got.Pending != 4 {
			t.Errorf("%d are pending", got.Pending)
		}
		p.send(acks(all[2], all[1]))
		p.tuples(2)
		p.silent()
		// What is lost counts, and comes first.
		p.tell(wire.KindLost, workTask, 0)
		p.words("0", "3", "4", "5")
		p.silent()
		r.stop()
	})
	t.Run("inside", func(t *testing.T) {
		leaktest.Check(t)
		src := newReplaying(0, nil)
		emitted := 0
		src.userSpout.next = func(out *topology.Collector) error {
			src.counted.out = out
			for ; emitted < 10; emitted++ {
				if err := src.emit(uint64(emitted)); err != nil {
					return err
				}
			}
			return io.EOF
		}
		m := newManager(t, trackedTopology(t, src, nil, d, false))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		all := p.words("0", "1", "2", "3")
		p.silent()
		p.send(acks(all[1]))
		all = append(all, p.words("4")...)
		p.silent()
		p.tell(wire.KindLost, workTask, 0) // makes room: five wait to be replayed
		all = append(all[:0], p.words("5", "6", "7", "8")...)
		p.silent()
		p.send(acks(all[0]))
		all = append(all[1:], p.words("9", "0", "2", "3", "4")...) // its code runs no more
		src.expect(t, "ack 1", "ack 5", "replay 0", "replay 2", "replay 3", "replay 4")
		p.send(acks(all...))
		if got := finished(t, p, r, srcStream); got.Acked != 10 {
			t.Errorf("metrics are %+v", got)
		}
	})
	t.Run("stopped inside", func(t *testing.T) {
		leaktest.Check(t)
		src := newReplaying(1000, io.EOF)
		m := newManager(t, trackedTopology(t, src, nil, d, false))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.tuples(4)
		r.stop()
		if got := r.Metrics(); got.Errors != 0 {
			t.Errorf("metrics are %+v", got)
		}
	})
	t.Run("in Open", func(t *testing.T) {
		leaktest.Check(t)
		src := newReplaying(0, io.EOF)
		d := d
		d.MessageTimeout = topology.MinMessageTimeout
		src.open = func(_ context.Context, _ *topology.Task, out *topology.Collector) error {
			src.counted.out = out
			for id := range uint64(5) {
				if err := src.emit(id); err != nil {
					return err
				}
			}
			return nil
		}
		m := newManager(t, trackedTopology(t, src, nil, d, false))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.words("0", "1", "2", "3")
		for { // time makes room; acks come for every second tuple
			h, body := p.frame()
			if h.Kind == wire.KindEnd {
				break
			}
			p.send(acks(seenIn(t, h, body)...))
		}
		if got := finished(t, p, r); got.Acked+got.Failed != 5 || got.TimedOut == 0 {
			t.Errorf("metrics are %+v", got)
		}
	})
}

// TestDrainWaitsForWhatIsPending drains a spout that never stops to emit.
func TestDrainWaitsForWhatIsPending(t *testing.T) {
	leaktest.Check(t)
	for _, clamped := range []bool{false, true} {
		src := newReplaying(1<<60, io.EOF)
		m := newManager(t, trackedTopology(t, src, nil, delivery, false))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		all := p.tuples(delivery.MaxPending) // full
		if clamped {
			p.tell(wire.KindClamp, workTask, 1)
		}
		r.Drain()
		p.silent()
		p.send(acks(all[1:]...))
		p.silent()
		p.send(fail(all[0], "boom"))
		if clamped {
			p.silent()
			p.tell(wire.KindRelease, workTask, 0)
		}
		all = p.words("0")
		p.silent()
		p.send(acks(all...))
		if got := finished(t, p, r, srcStream); got.Acked != int64(delivery.MaxPending) || got.Pending != 0 {
			t.Errorf("metrics are %+v", got)
		}
	}
}

// TestAcksInsideNextAreConsumed sends more acks than a task reads ahead while Next runs.
func TestAcksInsideNextAreConsumed(t *testing.T) {
	leaktest.Check(t)
	d := delivery
	d.MaxPending = 1
	src := newReplaying(0, io.EOF)
	src.userSpout.next = func(out *topology.Collector) error {
		src.counted.out = out
		return errors.Join(src.emit(0), src.emit(1), io.EOF)
	}
	m := newManager(t, trackedTopology(t, src, nil, d, false))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	all := p.words("0")
	stray := seen{edge: 1, roots: []wireRoot{{srcTask, 1 << 60}}}
	frame := acks(slices.Repeat([]seen{stray}, 6000)...)
	for range maxAhead/len(frame) + 10 {
		p.send(frame)
	}
	p.send(acks(all...))
	p.send(acks(p.words("1")...))
	if got := finished(t, p, r, srcStream); got.Malformed != 0 || got.Reconnects != 0 {
		t.Errorf("metrics are %+v", got)
	}
}

// newStill returns the tracked part of a spout that does not run, over a socket pair.
func newStill(t *testing.T, src topology.Spout, letters bool) (*tracked, *peer) {
	t.Helper()
	task, p := stillTask(t, trackedTopology(t, src, nil, delivery, letters), srcTask)
	s := task.worker.(*spout)
	if err := s.open(t.Context(), task.info()); err != nil {
		t.Fatal(err)
	}
	return s.tracked, p
}

// TestDeadlines checks that a spout does not wait for a time at which it could do nothing.
func TestDeadlines(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(0, io.EOF)
	k, _ := newStill(t, src, false)
	check := func(what string, want int64) {
		t.Helper()
		if got := k.deadline(true); got != want {
			t.Errorf("%s: deadline %d, want %d", what, got, want)
		}
	}
	check("nothing is pending", 0)
	k.ring.Add(1, 1)
	check("timeouts were never looked for", 1)
	k.expire(5)
	check("one is under way", k.expireAt)
	k.retries.Push(tracker.Entry{ID: 2}, 7)
	check("one is to be replayed", 7)
	if got := k.deadline(false); got != k.expireAt {
		t.Errorf("inside Emit: deadline %d", got)
	}
	k.credit = 0
	check("without credit", k.expireAt)
	k.credit = 1
	k.clamps[workTask] = struct{}{}
	k.clamped()
	check("clamped", 0)
	delete(k.clamps, workTask)
	k.clamped()
	check("released", 7)
	for k.ring.Space() {
		k.ring.Add(3, 1)
		k.ring.Fail(k.ring.Next() - 1)
	}
	check("the ring has no space", k.expireAt)
}

// TestSlowNextAgesNothing has user code take longer than the message timeout before it emits.
func TestSlowNextAgesNothing(t *testing.T) {
	leaktest.Check(t)
	k, _ := newStill(t, newReplaying(0, io.EOF), false)
	timeout := int64(k.delivery.MessageTimeout)
	start := k.clock()
	k.setNow(start)
	k.ring.Add(1, 1)
	k.setNow(start + timeout/2)
	k.setNow(start) // an older look at the clock
	k.ring.Add(2, 1)
	now := start + 2*timeout
	k.setNow(now)
	k.expire(now)
	if k.ring.Live() != 1 || k.count.timedOut != 1 {
		t.Errorf("%d are under way, %d timed out", k.ring.Live(), k.count.timedOut)
	}
	k.expire(now + timeout - 2*tracker.TickNanos)
	if k.ring.Live() != 1 {
		t.Error("a tuple has timed out that was emitted later")
	}
	k.expire(now + 2*timeout)
	if k.ring.Live() != 0 {
		t.Error("a tuple does not time out")
	}
}

// TestOldLookAtTheClockAgesNothing has a tuple be born again behind the time that the look for old ones was begun with.
func TestOldLookAtTheClockAgesNothing(t *testing.T) {
	leaktest.Check(t)
	k, _ := newStill(t, newReplaying(0, io.EOF), false)
	start := k.clock()
	k.setNow(start)
	k.ring.Add(1, 1)
	later := start + int64(k.delivery.MessageTimeout)
	k.setNow(later + 10*tracker.TickNanos) // with what an ack frame brought
	k.expire(later)
	if k.ring.Live() != 1 || k.count.timedOut != 0 {
		t.Error("a tuple has timed out that was emitted just now")
	}
}

// TestHeldTimeIsExactOrLonger compares the clock of a spout that is held back now
// and then, for long, with a list of all those times.
func TestHeldTimeIsExactOrLonger(t *testing.T) {
	timeout := int64(time.Second)
	c := heldClock{apart: timeout / heldShare}
	type span struct{ from, to int64 }
	var all []span
	now := int64(time.Hour)
	for i := range 20_000 {
		now += int64(i%7+1) * timeout / 1000 // free
		c.start(now)
		c.start(now)
		from := now
		now += int64(i%13+1) * timeout / 100 // held, for most of the time
		c.stop(now)
		c.stop(now)
		all = append(all, span{from, now})
		if i%97 != 0 {
			continue
		}
		// A tuple that has been free for nearly a timeout must be known precisely.
		free, exact := int64(0), int64(0)
		for j := len(all) - 1; j > 0 && free < timeout; j-- {
			exact += all[j].to - all[j].from
			free += all[j].from - all[j-1].to
			born := all[j-1].to + 1000*tracker.TickNanos/999
			got := c.since(tracker.TickOf(born))
			if got < exact || got > exact+3*timeout {
				t.Fatalf("after %d spans, %d back: held for %d, want %d", i, len(all)-j, got, exact)
			}
		}
	}
}
