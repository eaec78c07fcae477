package instance

import (
	"io"
	"math"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestMalformedTracking sends a spout what a stream manager must not send of its
// tuples. Each closes the link with an error frame; the spout replays over the next.
func TestMalformedTracking(t *testing.T) {
	leaktest.Check(t)
	one := seen{edge: 7, roots: []wireRoot{{srcTask, 1 << 40}}}
	lost := func(dest uint32) []byte {
		return wire.AppendHeader(nil, wire.Header{Kind: wire.KindLost, Dest: dest, Epoch: testEpoch})
	}
	for _, tc := range []struct {
		name  string
		bytes []byte
		code  wire.Code
		want  error
	}{
		{"acks for another task", altered(acks(one), func(h *wire.Header) { h.Dest = workTask }), wire.CodeRoute, ErrRoute},
		{"acks for no task", altered(acks(one), func(h *wire.Header) { h.Dest = 0 }), wire.CodeRoute, ErrRoute},
		{"acks from no task", altered(acks(one), func(h *wire.Header) { h.Source = 9 }), wire.CodeRoute, ErrRoute},
		{"acks of another epoch", altered(acks(one), func(h *wire.Header) { h.Epoch++ }), wire.CodeEpoch, ErrEpoch},
		{"fewer acks than promised", altered(acks(one, one), func(h *wire.Header) { h.Count = 3 }), wire.CodeMalformed, wire.ErrCount},
		{"more acks than promised", altered(acks(one, one), func(h *wire.Header) { h.Count = 1 }), wire.CodeMalformed, wire.ErrCount},
		{"an ack that is cut", ackHeader(acks(one)[:len(acks(one))-1], 1), wire.CodeMalformed, wire.ErrAcks},
		{"an ack of an endless number", ackHeader(append(make([]byte, wire.HeaderSize), slices.Repeat([]byte{0xff}, 30)...), 1), wire.CodeMalformed, wire.ErrAcks},
		{"oversized acks", altered(acks(one), func(h *wire.Header) { h.Length = wire.MaxControlBody + 1 }), wire.CodeMalformed, wire.ErrTooLarge},
		{"a failure that is none", altered(ackHeader(append(make([]byte, wire.HeaderSize), 0xff), 1), func(h *wire.Header) { h.Kind = wire.KindFail }), wire.CodeMalformed, wire.ErrAcks},
		{"a failure for another task", altered(fail(one, "x"), func(h *wire.Header) { h.Dest = sinkTask }), wire.CodeRoute, ErrRoute},
		{"a failure from no task", altered(fail(one, "x"), func(h *wire.Header) { h.Source = 0 }), wire.CodeRoute, ErrRoute},
		{"a loss of no task", lost(0), wire.CodeRoute, ErrRoute},
		{"a loss of an unknown task", lost(4), wire.CodeRoute, ErrRoute},
		{"data", simple("x"), wire.CodeUnexpected, ErrUnexpected},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			src := newReplaying(2, io.EOF)
			m := newManager(t, trackedTopology(t, src, nil, delivery, false))
			r := m.run(srcTask)
			p := m.welcome(plenty)
			all := p.words("0", "1")
			p.send(slices.Concat(acks(all[1]), tc.bytes))
			checkComplaint(t, p, tc.code, tc.want)
			p = m.welcome(plenty)
			p.send(acks(p.words("0")...))
			if got := finished(t, p, r, srcStream); got.Malformed != 1 || got.Reconnects != 1 || got.Acked != 2 {
				t.Errorf("metrics are %+v", got)
			}
			src.expect(t, "ack 1", "replay 0", "ack 0")
		})
	}
}

// TestUnknownAcksAreIgnored sends acks and failures for what is not under way.
func TestUnknownAcksAreIgnored(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(3, io.EOF)
	m := newManager(t, trackedTopology(t, src, nil, delivery, false))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	all := p.words("0", "1", "2")
	for _, seq := range []uint64{0, 4, 5, 1 << 20, 1 << 44, 1<<44 + 1, 1 << 63, math.MaxUint64} {
		stray := seen{edge: all[0].edge, roots: []wireRoot{{srcTask, seq}}}
		p.send(slices.Concat(acks(stray, all[1], stray, stray), fail(stray, "stray")))
	}
	nothing := all[2]
	nothing.edge = 0
	p.send(acks(nothing))
	p.send(ackHeader(make([]byte, wire.HeaderSize), 0)) // of nothing
	p.send(fail(all[1], "late"))
	p.silent()
	p.send(acks(all[2], all[0]))
	if got := finished(t, p, r, srcStream); got.Malformed != 0 || got.Failed != 0 || got.Acked != 3 {
		t.Errorf("metrics are %+v", got)
	}
	src.expect(t, "ack 1", "ack 2", "ack 0")
}

// TestTrackingFramesForOthers sends them to bolts, and to a spout that tracks nothing.
func TestTrackingFramesForOthers(t *testing.T) {
	leaktest.Check(t)
	one := seen{edge: 7, roots: []wireRoot{{srcTask, 1}}}
	lost := wire.AppendHeader(nil, wire.Header{Kind: wire.KindLost, Dest: workTask, Epoch: testEpoch})
	for _, frame := range [][]byte{acks(one), fail(one, "boom"), lost} {
		for _, task := range []uint32{srcTask, workTask} {
			for _, d := range []topology.Delivery{{}, delivery} {
				if task == srcTask && d.Tracked() {
					continue
				}
				m := newManager(t, trackedTopology(t, &userSpout{}, &userBolt{}, d, false))
				r := m.run(task)
				p := m.welcome(plenty)
				p.send(frame)
				checkComplaint(t, p, wire.CodeUnexpected, ErrUnexpected)
				p = m.welcome(plenty)
				p.silent()
				r.stop()
			}
		}
	}
}

// TestMalformedAnchors sends a bolt tuples whose edge or roots make no sense.
func TestMalformedAnchors(t *testing.T) {
	leaktest.Check(t)
	good := simple("x")
	tuple, end, _ := wire.NextRecord(good[wire.HeaderSize:], 0)
	body := good[wire.HeaderSize+tuple : wire.HeaderSize+end]
	record := func(tuple []byte) []byte {
		frame := append(wire.AppendRecordHeader(make([]byte, wire.HeaderSize), len(tuple)), tuple...)
		h := dataHeader(len(frame)-wire.HeaderSize, 1)
		h.Flags |= wire.FlagAnchored
		h.Put(frame)
		return frame
	}
	long := slices.Clone(body)
	long[2*wire.KeyHashSize+1] = 0x7f // the root is longer than the tuple
	for name, frame := range map[string][]byte{
		"a root that is cut":  record(body[:2*wire.KeyHashSize+3]),
		"an edge that is cut": record(body[:wire.KeyHashSize+4]),
		"a long root":         record(long),
	} {
		executed := 0
		work := &userBolt{execute: func(*topology.Tuple, *topology.Collector) error { executed++; return nil }}
		m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
		r := m.run(workTask)
		p := m.welcome(plenty)
		p.send(frame)
		checkComplaint(t, p, wire.CodeMalformed, wire.ErrRecord)
		p = m.welcome(plenty)
		p.send(slices.Concat(good, endFrame()))
		h, b := p.frame()
		if got := entries(t, h, b, workTask, srcTask); !slices.Equal(got, []acked{{1, 1000}}) {
			t.Errorf("%s: acks are %v", name, got)
		}
		finished(t, p, r, workStream)
		if executed != 1 {
			t.Errorf("%s: %d tuples were executed", name, executed)
		}
	}
	inside := slices.Clone(body)
	inside[2*wire.KeyHashSize+5] |= 0x80 // the last byte of the root's number
	executed := 0
	work := &userBolt{execute: func(*topology.Tuple, *topology.Collector) error { executed++; return nil }}
	m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
	r := m.run(workTask)
	p := m.welcome(plenty)
	p.send(slices.Concat(record(inside), good, endFrame()))
	h, b := p.frame()
	if got := entries(t, h, b, workTask, srcTask); !slices.Equal(got, []acked{{1, 1000}}) {
		t.Errorf("a root that is malformed inside: acks are %v", got)
	}
	finished(t, p, r, workStream)
	if executed != 2 {
		t.Errorf("a root that is malformed inside: %d tuples were executed", executed)
	}
}
