package instance

import (
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
