package dataplane

import (
	"context"
	"testing"

	"github.com/panjf2000/gnet/v2"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// settler is an event loop that does nothing but to tell that something is to be run on it.
type settler struct {
	gnet.EventLoop

	runs chan gnet.Runnable
}

func (s *settler) Execute(_ context.Context, r gnet.Runnable) error {
	s.runs <- r
	return nil
}

// TestDurableFrameAllocations counts what a frame allocates on its way to the disk and back. The two are the log's, which
// keeps the buffer.
func TestDurableFrameAllocations(t *testing.T) {
	if invariants.Enabled {
		t.Skip("a checked build allocates")
	}
	for name, d := range map[string]topology.Delivery{"tracked": tracked, "not tracked": {}} {
		t.Run(name, func(t *testing.T) {
			store, _, err := dlog.Open(t.TempDir(), dlog.Options{WindowBytes: 4 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			p := durablePlan(t, d, 1)
			m, err := New(Config{Plan: p, Container: 1, Store: store})
			if err != nil {
				t.Fatal(err)
			}
			if err := m.openLogs(); err != nil {
				t.Fatal(err)
			}
			lp := m.loop
			el := &settler{runs: make(chan gnet.Runnable, 1)}
			lp.el, lp.scheduled = el, true
			dropAll(lp)
			go lp.logs.app.run()
			defer lp.logs.stop()
			frame, _ := batchFrame(p, 16<<10)
			from := &link{role: roleInstance, task: 1, credit: 1 << 40, blocked: 1}
			turn := func() {
				wire.PutDest(frame, 0) // it was passed on out of this buffer
				lp.read(from, frame)
				if err := (<-el.runs).Run(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for range 500 { // more than the window holds
				turn()
			}
			if n := testing.AllocsPerRun(200, turn); n > 2 {
				t.Errorf("%v allocations for a frame", n)
			}
			if lp.logs.c.failed != 0 || lp.logs.c.held != 0 {
				t.Errorf("%+v", lp.logs.c)
			}
		})
	}
}
