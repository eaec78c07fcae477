package instance

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestAckMayEmit has the spout emit in Ack, also behind its last tuple.
func TestAckMayEmit(t *testing.T) {
	leaktest.Check(t)
	src := newAcking(2, io.EOF)
	src.onAck = func(id uint64) {
		if id < 2 {
			if err := src.emit(id + 10); err != nil {
				t.Error(err)
			}
		}
	}
	d := delivery
	d.MaxPending = 2
	m := newManager(t, trackedTopology(t, src, nil, d, false))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	all := p.words("0", "1")
	p.send(acks(all...))
	all = p.words("10", "11")
	p.silent()
	p.send(acks(all...))
	if got := finished(t, p, r, srcStream); got.Acked != 4 {
		t.Errorf("metrics are %+v", got)
	}
	src.expect(t, "ack 0", "ack 1", "ack 10", "ack 11")
}

// TestAckOfAReplayMayEmit is TestAckMayEmit for a tuple that, emitted again, has
// no consumer: it is complete at once.
func TestAckOfAReplayMayEmit(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(1, io.EOF)
	b := topology.NewBuilder("test").Deliver(delivery)
	b.Spout("src", func() topology.Spout { return src }, topology.Output("word"), topology.OutputStream("nobody"))
	b.Bolt("work", func() topology.Bolt { return &userBolt{} }, topology.Shuffle("src"))
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	src.onReplay = func(id uint64) error {
		nobody, err := src.counted.out.Stream("nobody")
		return errors.Join(err, nobody.EmitID(id))
	}
	src.onAck = func(id uint64) {
		if id == 0 {
			if err := src.emit(1); err != nil {
				t.Error(err)
			}
		}
	}
	m := newManager(t, topo)
	r := m.run(srcTask)
	p := m.welcome(plenty)
	p.words("0")
	p.tell(wire.KindLost, workTask, 0)
	all := p.words("1")
	p.silent()
	p.send(acks(all...))
	finished(t, p, r, srcStream, srcStream+1)
	src.expect(t, "replay 0", "ack 0", "ack 1")
}

// TestEmitInOpen has acks come before Open returns.
func TestEmitInOpen(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(0, io.EOF)
	src.open = func(_ context.Context, _ *topology.Task, out *topology.Collector) error {
		src.counted.out = out
		for id := range uint64(2) {
			if err := src.emit(id); err != nil {
				return err
			}
		}
		return nil
	}
	d := delivery
	d.MaxPending = 1
	m := newManager(t, trackedTopology(t, src, nil, d, false))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	p.words("0")
	p.tell(wire.KindLost, workTask, 0)
	all := p.words("1", "0") // it is replayed when Open has returned
	p.send(acks(all...))
	finished(t, p, r, srcStream)
	src.expect(t, "replay 0", "ack 1", "ack 0")
}

// TestCallbacksThatFail has Ack, Fail, Replay and Seek go wrong.
func TestCallbacksThatFail(t *testing.T) {
	leaktest.Check(t)
	boom := func(uint64) error { panic(errBoom) }
	for _, tc := range []struct {
		name  string
		op    string
		want  error
		stack bool
		set   func(r *replaying)
	}{
		{"a panic", opReplay, errBoom, true, func(r *replaying) { r.onReplay = boom }},
		{"an error", opReplay, errBoom, false, func(r *replaying) { r.onReplay = func(uint64) error { return errBoom } }},
		{"no tuple", opReplay, topology.ErrNotEmitted, false, func(r *replaying) { r.onReplay = func(uint64) error { return nil } }},
		{"another tuple", opReplay, topology.ErrNotEmitted, false, func(r *replaying) { r.onReplay = func(uint64) error { return r.emit(77) } }},
		{"a tuple that is refused", opReplay, topology.ErrNotEmitted, false, func(r *replaying) {
			r.onReplay = func(id uint64) error {
				if err := r.counted.out.EmitID(id); !errors.Is(err, topology.ErrFields) {
					return err
				}
				return nil
			}
		}},
		{"a panic", opAck, errBoom, true, func(r *replaying) { r.onAck = func(uint64) { panic(errBoom) } }},
		{"a panic", opSeek, errBoom, true, func(r *replaying) { r.onSeek = boom }},
		{"an error", opSeek, errBoom, false, func(r *replaying) { r.onSeek = func(uint64) error { return errBoom } }},
	} {
		t.Run(tc.op+" with "+tc.name, func(t *testing.T) {
			leaktest.Check(t)
			src := newReplaying(100, topology.ErrIdle)
			tc.set(src)
			m := newManager(t, trackedTopology(t, src, nil, delivery, false))
			path := positionFile(t, 40)
			r := m.run(srcTask, func(c *Config) { c.PositionFile = path })
			p := m.welcome(plenty)
			var all []seen
			if tc.op != opSeek {
				all = p.tuples(60)
			}
			switch tc.op {
			case opReplay:
				p.send(acks(all[1:]...))
				p.silent()
				p.tell(wire.KindLost, workTask, 0)
			case opAck:
				p.send(acks(all[1]))
			}
			for {
				if _, _, err := p.next(); err != nil {
					break
				}
			}
			err := r.wait()
			var te *TaskError
			if !errors.As(err, &te) || te.Op != tc.op || !errors.Is(err, tc.want) || (te.Stack != "") != tc.stack {
				t.Errorf("Run returned %v", err)
			}
			if got := r.Metrics(); got.Errors != 1 || (got.Panics == 1) != tc.stack {
				t.Errorf("metrics are %+v", got)
			}
			if got := position(t, path); got != 40 { // tuple 40 is not complete
				t.Errorf("position is %d", got)
			}
		})
	}
}

// TestFailThatPanics is TestCallbacksThatFail for a spout that cannot replay.
func TestFailThatPanics(t *testing.T) {
	leaktest.Check(t)
	src := newAcking(1, topology.ErrIdle)
	m := newManager(t, trackedTopology(t, panicsInFail{src}, nil, delivery, false))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	p.send(fail(p.words("0")[0], "boom"))
	checkFailed(t, r, opFail, true)
}

type panicsInFail struct{ acking }

func (panicsInFail) Fail(uint64, *topology.Failure) { panic(errBoom) }

// TestIDUsedTwice has a spout break the rule, which must harm nobody else.
func TestIDUsedTwice(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(0, io.EOF)
	src.userSpout.next = func(out *topology.Collector) error {
		src.counted.out = out
		return errors.Join(src.emit(5), src.emit(5), src.emit(5), io.EOF)
	}
	d := delivery
	d.MaxRetries = -1
	m := newManager(t, trackedTopology(t, src, nil, d, true))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	all := p.words("5", "5", "5")
	p.tell(wire.KindClamp, sinkTask, 0)
	p.send(fail(all[0], "one"))
	src.expect(t, "fail 5")
	p.send(acks(all[1])) // while the letter waits
	src.expect(t, "ack 5")
	p.send(fail(all[2], "three"))
	src.expect(t, "fail 5")
	p.silent()
	p.tell(wire.KindRelease, sinkTask, 0)
	letters := p.tuples(2)
	p.send(acks(letters[1]))
	p.tell(wire.KindLost, sinkTask, 0) // with the other; one that was read is enough
	if got := finished(t, p, r, srcStream, letterStream); got.Acked != 1 || got.Failed != 2 || got.DeadLetters != 1 || got.Pending != 0 {
		t.Errorf("metrics are %+v", got)
	}
}

// TestLettersMeetACustomGroupingThatPanics checks that user code is blamed for what it does.
func TestLettersMeetACustomGroupingThatPanics(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(1, topology.ErrIdle)
	d := delivery
	d.MaxRetries = -1
	b := topology.NewBuilder("test").Deliver(d)
	b.Spout("src", func() topology.Spout { return src }, topology.Output("word"), topology.DeadLetters())
	b.Bolt("work", func() topology.Bolt { return &userBolt{} }, topology.Shuffle("src"))
	b.Bolt("sink", func() topology.Bolt { return &userBolt{} },
		topology.Custom("src/"+topology.DeadLetterStream, func(*topology.Tuple, []uint32, []uint32) []uint32 { panic(errBoom) }))
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	m := newManager(t, topo)
	r := m.run(srcTask)
	p := m.welcome(plenty)
	p.send(fail(p.words("0")[0], "boom"))
	checkFailed(t, r, opReplay, true)
}
