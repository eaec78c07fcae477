package instance

import (
	"fmt"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestPathsAllocateNothing runs whole instances behind real sockets and counts
// the allocations of the process, the test's own side included, per exchange.
func TestPathsAllocateNothing(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checked builds may allocate")
	}
	leaktest.Check(t)
	t.Run("receive, execute and emit", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, nil, echo()))
		r := m.run(workTask)
		p := m.welcome(plenty)
		frame := dataFrame(numbered(500)...)
		checkAllocs(t, func() {
			p.send(frame)
			for tuples := uint32(0); tuples < 500; {
				if h, _ := p.frame(); h.Kind == wire.KindData {
					tuples += h.Count
				}
			}
		})
		r.stop()
	})
	t.Run("receive without credit and emit later", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, nil, echo()))
		r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = 1024, 1024 })
		p := m.welcome(1)
		frame := dataFrame(numbered(500)...)
		checkAllocs(t, func() {
			p.send(frame)
			for tuples := uint32(0); tuples < 500; {
				h, body := p.frame()
				if h.Kind == wire.KindData {
					tuples += h.Count
					p.grant(wire.HeaderSize + len(body))
				}
			}
		})
		r.stop()
	})
	t.Run("emit", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, babble(), nil))
		r := m.run(srcTask)
		p := m.welcome(1)
		checkAllocs(t, func() {
			_, body := p.frame()
			p.grant(wire.HeaderSize + len(body))
		})
		r.stop()
	})
	t.Run("tuples whose fields are read", func(t *testing.T) {
		leaktest.Check(t)
		letters := 0
		b := &userBolt{execute: func(tu *topology.Tuple, _ *topology.Collector) error {
			w, err := tu.Bytes(0)
			letters += len(w)
			return err
		}}
		m := newManager(t, testTopology(t, nil, b))
		r := m.run(workTask)
		p := m.welcome(plenty)
		frame := dataFrame(numbered(1000)...)
		frame = append(frame, wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Epoch: testEpoch})...)
		checkAllocs(t, func() {
			p.send(frame)
			for h, _ := p.frame(); h.Kind != wire.KindPong; h, _ = p.frame() {
			}
		})
		r.stop()
	})
}

// TestTrackedPathsAllocateNothing is TestPathsAllocateNothing where tuples are tracked.
func TestTrackedPathsAllocateNothing(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checked builds may allocate")
	}
	leaktest.Check(t)
	for _, acker := range []bool{false, true} {
		t.Run(fmt.Sprintf("emit and complete, acker=%v", acker), func(t *testing.T) {
			leaktest.Check(t)
			var id, told uint64
			plain := &userSpout{next: func(out *topology.Collector) error {
				id++
				return out.EmitID(id, topology.String("bla"))
			}}
			var src topology.Spout = plain
			if acker {
				src = &counting{userSpout: plain, told: &told}
			}
			d := delivery
			d.MaxPending = 3000
			m := newManager(t, trackedTopology(t, src, nil, d, false))
			r := m.run(srcTask)
			p := m.welcome(plenty)
			frame := make([]byte, wire.HeaderSize, 1<<16)
			checkAllocs(t, func() {
				h, body := p.frame()
				frame = appendAcks(frame[:wire.HeaderSize], body)
				p.send(ackHeader(frame, int(h.Count)))
				p.grant(wire.HeaderSize + len(body))
			})
			r.stop()
			if got := r.Metrics(); got.Acked < 1000 || acker && told != uint64(got.Acked) && told+uint64(d.MaxPending) < uint64(got.Acked) {
				t.Errorf("%d tuples are complete, the spout was told of %d", got.Acked, told)
			}
		})
	}
	for i, frame := range [][]byte{own(numbered(500)...), simple(numbered(500)...), own(numbered(500)...), simple(numbered(500)...)} {
		emit := i > 1
		t.Run(fmt.Sprintf("receive, execute and ack, emit=%v, edge=%v", emit, i&1 == 1), func(t *testing.T) {
			leaktest.Check(t)
			work := &userBolt{execute: func(tu *topology.Tuple, _ *topology.Collector) error {
				_, err := tu.Bytes(0)
				return err
			}}
			if emit {
				work = echo()
			}
			m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
			r := m.run(workTask)
			p := m.welcome(plenty)
			checkAllocs(t, func() {
				p.send(frame)
				for tuples, acks := uint32(0), uint32(0); acks < 500 || emit && tuples < 500; {
					switch h, _ := p.frame(); h.Kind {
					case wire.KindData:
						tuples += h.Count
					case wire.KindAck:
						acks += h.Count
					default:
					}
				}
			})
			r.stop()
		})
	}
}

// counting is a spout that counts its acks.
type counting struct {
	*userSpout

	told *uint64
}

func (c *counting) Ack(uint64)                     { *c.told++ }
func (c *counting) Fail(uint64, *topology.Failure) {}

// appendAcks appends the acks of all tuples of a data body, as a bolt that emits nothing.
func appendAcks(frame, body []byte) []byte {
	prev := uint64(0)
	for off := 0; off < len(body); {
		tuple, end, _ := wire.NextRecord(body, off)
		_, roots, _, _ := wire.Anchors(body[tuple:end])
		_, seq, _, _ := wire.NextRoot(roots)
		frame = wire.AppendAck(frame, prev, seq, wire.OwnEdge(seq))
		prev, off = seq, end
	}
	return frame
}

// grant gives credit without an allocation.
func (p *peer) grant(bytes int) {
	wire.Header{Kind: wire.KindCredit, Count: uint32(bytes), Epoch: testEpoch}.Put(p.small[:])
	p.send(p.small[:])
}

// checkAllocs warms f up and fails the test unless it then allocates nothing.
func checkAllocs(t *testing.T, f func()) {
	t.Helper()
	for range 200 {
		f()
	}
	if n := testing.AllocsPerRun(300, f); n != 0 {
		t.Errorf("%v allocations a run, want none", n)
	}
}
