package instance

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// finished reads the ends of the spout's streams and what Run returns.
func finished(t *testing.T, p *peer, r *running, streams ...uint16) Metrics {
	t.Helper()
	for _, s := range streams {
		if h, _ := p.expect(wire.KindEnd); h.Stream != s {
			t.Errorf("end is %+v, want stream %d", h, s)
		}
	}
	p.eof()
	p.conn.Close()
	if err := r.wait(); err != nil {
		t.Error(err)
	}
	return r.Metrics()
}

// TestSpoutIsToldInOrderOfCompletion acks tuples in an order of their own, some
// in parts, and checks that the spout ends behind the last.
func TestSpoutIsToldInOrderOfCompletion(t *testing.T) {
	leaktest.Check(t)
	src := newAcking(10, io.EOF)
	m := newManager(t, trackedTopology(t, src, nil, delivery, false))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	all := p.tuples(10)
	for i, s := range all {
		if s.word != strconv.Itoa(i) || len(s.roots) != 1 || s.roots[0] != (wireRoot{srcTask, uint64(1 + i)}) || s.edge == 0 {
			t.Errorf("tuple %d is %+v", i, s)
		}
	}
	p.send(acks(all[3], all[1]))
	src.expect(t, "ack 3", "ack 1")
	part := all[0]
	part.edge ^= 99 // the bolt has emitted a tuple with edge 99
	p.send(acks(part, all[7], all[7], all[3]))
	src.expect(t, "ack 7")
	part.edge = 99
	p.send(slices.Concat(acks(part), acks(all[2], all[4], all[5], all[6], all[8])))
	src.expect(t, "ack 0", "ack 2", "ack 4", "ack 5", "ack 6", "ack 8")
	p.silent() // it has said io.EOF, and waits for the last
	p.send(acks(all[9]))
	got := finished(t, p, r, srcStream)
	src.expect(t, "ack 9")
	src.quiet(t)
	if got.Emitted != 10 || got.Acked != 10 || got.Pending != 0 || got.Failed != 0 || got.Latency.Count() != 1 {
		t.Errorf("metrics are %+v", got)
	}
}

// TestSpoutWithoutAckerOrIDs has a spout emit with an id, and without one.
func TestSpoutWithoutAckerOrIDs(t *testing.T) {
	leaktest.Check(t)
	n := 0
	src := &userSpout{next: func(out *topology.Collector) error {
		if n++; n > 2 {
			return io.EOF
		}
		if n == 1 {
			return out.Emit(topology.String("nobody tracks it"))
		}
		return out.EmitID(0, topology.String("tracked"))
	}}
	m := newManager(t, trackedTopology(t, src, nil, delivery, false))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	all := p.words("nobody tracks it", "tracked")
	if len(all[0].roots) != 0 || len(all[1].roots) != 1 {
		t.Errorf("tuples are %+v", all)
	}
	p.silent()
	p.send(acks(all[1]))
	if got := finished(t, p, r, srcStream); got.Emitted != 2 || got.Acked != 1 {
		t.Errorf("metrics are %+v", got)
	}
}

// TestFailedTupleBecomesADeadLetter fails a tuple as often as it is emitted, and its letter once.
func TestFailedTupleBecomesADeadLetter(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(2, io.EOF)
	m := newManager(t, trackedTopology(t, src, nil, delivery, true))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	all := p.words("0", "1")
	p.send(acks(all[1]))
	src.expect(t, "ack 1")
	poison := all[0]
	for try := range 3 {
		p.send(slices.Concat(fail(poison, "try "+strconv.Itoa(try)), fail(poison, "again"))) // the second is late
		if try == 2 {
			break
		}
		src.expect(t, "replay 0")
		next := p.words("0")[0]
		if next.seq() != uint64(3+try) || next.edge == poison.edge {
			t.Errorf("replay is %+v, before was %+v", next, poison)
		}
		p.send(acks(poison)) // of the tuple that is given up
		poison = next
	}
	src.expect(t, "fail 0")
	f := <-src.failures
	if f.Reason != topology.ReasonFailed || f.Tries != 3 || f.Component != "work" || f.Task != workTask || f.Cause != "try 2" ||
		f.Stack != "stack of try 2" || string(f.Payload) != string(poison.raw) {
		t.Errorf("failure is %+v", f)
	}
	letter := p.tuples(1)[0]
	p.silent() // the end waits for the letter too
	p.send(fail(letter, "unreadable"))
	letter = p.tuples(1)[0]
	checkLetter(t, letter, 0, f)
	p.send(acks(letter))
	got := finished(t, p, r, srcStream, letterStream)
	src.quiet(t)
	if got.Acked != 1 || got.Failed != 1 || got.Replayed != 4 || got.DeadLetters != 1 || got.Pending != 0 || got.TimedOut != 0 || got.Lost != 0 {
		t.Errorf("metrics are %+v", got)
	}
}

// checkLetter compares the fields of a dead letter with a failure.
func checkLetter(t *testing.T, s seen, id int64, f *topology.Failure) {
	t.Helper()
	_, _, values, err := wire.Anchors(s.raw)
	if err != nil {
		t.Fatal(err)
	}
	var rec wire.Record
	rec.ResetValues(s.raw, values)
	gotID, err1 := rec.Int(topology.DeadLetterID)
	tries, err2 := rec.Int(topology.DeadLetterTries)
	component, err3 := rec.Text(topology.DeadLetterComponent)
	task, err4 := rec.Int(topology.DeadLetterTask)
	cause, err5 := rec.Text(topology.DeadLetterCause)
	stack, err6 := rec.Text(topology.DeadLetterStack)
	payload, err7 := rec.Bytes(topology.DeadLetterPayload)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		t.Fatal(err)
	}
	want := f.Cause
	if f.Component == "" {
		want = f.Reason.String()
	}
	if s.stream != letterStream || gotID != id || tries != int64(f.Tries) || component != f.Component || task != int64(f.Task) ||
		cause != want || stack != f.Stack || string(payload) != string(f.Payload) {
		t.Errorf("letter has %d %d %q %d %q %q %q, want %d and %+v", gotID, tries, component, task, cause, stack, payload, id, f)
	}
}

// TestGivenUp covers what follows the last try where there is no letter, and no replay.
func TestGivenUp(t *testing.T) {
	leaktest.Check(t)
	t.Run("without a dead-letter stream", func(t *testing.T) {
		leaktest.Check(t)
		src := newReplaying(1, io.EOF)
		d := delivery
		d.MaxRetries = -1
		m := newManager(t, trackedTopology(t, src, nil, d, false))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.send(fail(p.words("0")[0], "boom"))
		got := finished(t, p, r, srcStream)
		src.expect(t, "fail 0")
		if f := <-src.failures; f.Tries != 1 || got.Failed != 1 || got.Replayed != 0 || got.DeadLetters != 0 {
			t.Errorf("failure %+v, metrics %+v", f, got)
		}
	})
	t.Run("by a spout that cannot replay", func(t *testing.T) {
		leaktest.Check(t)
		src := newAcking(3, io.EOF)
		m := newManager(t, trackedTopology(t, src, nil, delivery, false))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		all := p.words("0", "1", "2")
		p.send(fail(all[1], "boom"))
		src.expect(t, "fail 1")
		p.tell(wire.KindLost, sinkTask, 0)
		got := finished(t, p, r, srcStream)
		src.expect(t, "fail 0", "fail 2")
		if f := <-src.failures; f.Reason != topology.ReasonFailed || f.Cause != "boom" || f.Tries != 1 {
			t.Errorf("failure is %+v", f)
		}
		if f := <-src.failures; f.Reason != topology.ReasonLost || f.Component != "" || f.Task != 0 {
			t.Errorf("failure is %+v", f)
		}
		if got.Failed != 3 || got.Lost != 2 || got.Replayed != 0 {
			t.Errorf("metrics are %+v", got)
		}
	})
	t.Run("by a spout that cannot replay, with a dead letter that is lost", func(t *testing.T) {
		leaktest.Check(t)
		src := newAcking(1, io.EOF)
		m := newManager(t, trackedTopology(t, src, nil, delivery, true))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.send(fail(p.words("0")[0], "boom"))
		p.tuples(1)
		p.tell(wire.KindLost, sinkTask, 0)
		letter := p.tuples(1)[0]
		checkLetter(t, letter, 0, <-src.failures)
		p.send(acks(letter))
		got := finished(t, p, r, srcStream, letterStream)
		if src.expect(t, "fail 0"); got.DeadLetters != 1 || got.Failed != 1 {
			t.Errorf("metrics are %+v", got)
		}
	})
	t.Run("with its letter", func(t *testing.T) {
		leaktest.Check(t)
		src := newReplaying(1, io.EOF)
		d := delivery
		d.MaxRetries = -1
		m := newManager(t, trackedTopology(t, src, nil, d, true))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.send(fail(p.words("0")[0], "boom"))
		p.send(fail(p.tuples(1)[0], "boom"))
		if got := finished(t, p, r, srcStream, letterStream); got.Failed != 1 || got.DeadLetters != 0 || got.Replayed != 1 {
			t.Errorf("metrics are %+v", got)
		}
	})
}

// TestTimeOuts has nobody ack.
func TestTimeOuts(t *testing.T) {
	leaktest.Check(t)
	d := delivery
	d.MessageTimeout = topology.MinMessageTimeout
	src := newReplaying(1, io.EOF)
	m := newManager(t, trackedTopology(t, src, nil, d, true))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	p.words("0")
	p.words("0")
	p.words("0")
	src.expect(t, "replay 0", "replay 0", "fail 0")
	f := <-src.failures
	if f.Reason != topology.ReasonTimedOut || f.Tries != 3 || f.Component != "" || f.Payload != nil {
		t.Errorf("failure is %+v", f)
	}
	letters := 0
	for { // letters time out too
		h, body := p.frame()
		if h.Kind == wire.KindEnd {
			break
		}
		checkLetter(t, seenIn(t, h, body)[0], 0, f)
		letters++
	}
	if got := finished(t, p, r, letterStream); letters != 3 || got.TimedOut != 6 || got.Failed != 1 || got.DeadLetters != 0 || got.Pending != 0 {
		t.Errorf("%d letters, metrics %+v", letters, got)
	}
}
