package pipe

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// counting is a spout that emits the numbers below a limit. at is called before each of them.
type counting struct {
	out         *topology.Collector
	next, limit uint64
	at          func(n uint64) error
}

func (s *counting) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out = out
	return nil
}

func (s *counting) Next() error {
	if s.next == s.limit {
		return io.EOF
	}
	if s.at != nil {
		if err := s.at(s.next); err != nil {
			return err
		}
	}
	s.next++
	return s.Replay(s.next - 1)
}

func (s *counting) Replay(id uint64) error { return s.out.EmitID(id, topology.Int(int64(id))) }

func (s *counting) Seek(id uint64) error {
	s.next = id
	return nil
}

func (*counting) Close() error { return nil }

// append runs a topology that appends numbers to a log, in this process.
func appendNumbers(t *testing.T, sink Sink, d topology.Delivery, s *counting, options ...topology.Option) error {
	t.Helper()
	b := topology.NewBuilder("appending")
	b.Deliver(d)
	b.Spout("numbers", func() topology.Spout { return s }, topology.Output("n"))
	if len(options) == 0 {
		options = []topology.Option{Appends()}
	}
	b.Bolt("log", func() topology.Bolt { return NewBolt(sink) }, append(options, topology.Shuffle("numbers"))...)
	topo, err := b.Build()
	ok(t, err)
	_, err = local.Run(t.Context(), topo, local.Options{InProcess: true})
	return err
}

// TestAppendsAndReadsBack appends by one topology and reads by another; the first one makes the store.
func TestAppendsAndReadsBack(t *testing.T) {
	for _, d := range []topology.Delivery{{}, tracked} {
		t.Run(d.Guarantee.String(), func(t *testing.T) {
			leaktest.Check(t)
			dir := t.TempDir()
			ok(t, appendNumbers(t, Sink{Dir: dir, Log: "numbers", Host: true}, d, &counting{limit: 20_000}))
			s := newSeen()
			ok(t, read(t, Source{Dir: dir, Log: "numbers", Subscription: "test", Host: true}, d, s))
			s.check(t, 0, 20_000, true)
		})
	}
}

// TestServerOfABoltGoesAway stops the store's server in the middle of a run, twice, and expects that nothing is lost.
func TestServerOfABoltGoesAway(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	h := host(t, dir)
	s := &counting{limit: 6000}
	s.at = func(n uint64) error {
		if n == 2000 || n == 4000 {
			ok(t, s.out.Flush())
			h.stop()
			h = host(t, dir)
		}
		return nil
	}
	ok(t, appendNumbers(t, Sink{Dir: dir, Log: "numbers", BatchRecords: 50}, tracked, s))
	got := newSeen()
	ok(t, read(t, Source{Dir: dir, Log: "numbers", Subscription: "test"}, tracked, got))
	got.check(t, 0, 6000, false)
	h.stop()
}

// TestFencedBolt has another writer take over, and expects that the run ends with that, although there is more to come.
func TestFencedBolt(t *testing.T) {
	leaktest.Check(t)
	h := host(t, t.TempDir())
	h.write(t, "numbers")
	sink := Sink{Dir: h.store.Dir(), Log: "numbers", BatchRecords: 10}
	none := topology.Delivery{Guarantee: topology.AtLeastOnce, MaxRetries: -1}
	s := &counting{limit: 1 << 60}
	s.at = func(n uint64) error {
		if n != 1000 {
			return nil
		}
		ok(t, s.out.Flush())
		r, err := h.log(t, "numbers").NewReader(dlog.First, dlog.ReadOptions{})
		ok(t, err)
		_, err = r.Next(t.Context()) // the bolt is the writer
		h.write(t, "numbers", numbers(-1, 0)...)
		return errors.Join(err, r.Close())
	}
	wantError(t, appendNumbers(t, sink, none, s), `pipe: log "numbers"`, "its epoch is 2, the log has seen 3")
	sink.Epoch = 1
	wantError(t, appendNumbers(t, sink, none, &counting{limit: 1}), `Open: pipe: log "numbers"`, "its epoch is 1, the log has seen 3")
	h.stop()
}

// TestSinkThatIsWrong tries what cannot be.
func TestSinkThatIsWrong(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	for _, c := range []struct {
		sink    Sink
		options []topology.Option
		says    string
	}{
		{sink: Sink{}, says: "Log \"\" has 0 bytes"},
		{sink: Sink{Dir: dir, Log: strings.Repeat("x", 256)}, says: "256 bytes"},
		{sink: Sink{Dir: dir, Log: "x", Encode: 7, BatchBytes: -1}, says: "Encode is 7"},
		{sink: Sink{Dir: dir, Log: "x"}, options: []topology.Option{Appends(), topology.Parallelism(2)}, says: "{task}"},
		{sink: Sink{Dir: dir, Log: "a\x00b", Host: true}, says: dlog.ErrName.Error()},
	} {
		wantError(t, appendNumbers(t, c.sink, tracked, &counting{limit: 1}, c.options...), c.says)
	}
	sink := Sink{Dir: dir, Log: "x", Host: true}
	none := topology.Delivery{Guarantee: topology.AtLeastOnce, MaxRetries: -1}
	ok(t, appendNumbers(t, sink, none, &counting{limit: 10}, topology.TickEvery(drainEvery))) // each tuple is given up
	h := host(t, dir)
	if end := h.end(t, "x"); end != 0 {
		t.Errorf("a bolt without ManualAck has appended %d records", end)
	}
	h.stop()
}
