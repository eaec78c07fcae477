package instance

import (
	"context"
	"net"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

// TestRestartedBoltConnectsWhenItIsOpen looks whether a bolt is connected while it opens.
func TestRestartedBoltConnectsWhenItIsOpen(t *testing.T) {
	for _, c := range []struct {
		name      string
		tracked   bool
		restarts  int
		emit      bool // in Open, more than a batch holds
		connected bool
	}{
		{"restarted", true, 1, false, false},
		{"restarted, emits in Open", true, 1, true, true},
		{"new", true, 0, false, true},
		{"restarted, not tracked", false, 1, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaktest.Check(t)
			dialled, connected := false, false
			work := &userBolt{open: func(_ context.Context, _ *topology.Task, out *topology.Collector) error {
				if c.emit {
					for range 2 {
						if err := out.Emit(topology.String("early")); err != nil {
							return err
						}
					}
				}
				connected = dialled
				return nil
			}}
			d := topology.Delivery{}
			if c.tracked {
				d = delivery
			}
			m := newManager(t, trackedTopology(t, nil, work, d, false))
			r := m.prepare(workTask, func(cfg *Config) { cfg.Restarts, cfg.MinBatch, cfg.MaxBatch = c.restarts, 1, 1 })
			r.dial = func(ctx context.Context, path string) (*net.UnixConn, error) {
				dialled = true
				return dialUnix(ctx, path)
			}
			r.start()
			p := m.welcome(plenty)
			if c.emit {
				p.words("early")
				p.words("early")
			}
			p.end()
			p.ends(workStream, workTask)
			if err := r.wait(); err != nil {
				t.Error(err)
			}
			if connected != c.connected {
				t.Errorf("it was connected in Open: %v, want %v", connected, c.connected)
			}
		})
	}
}
