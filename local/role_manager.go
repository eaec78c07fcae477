package local

import (
	"context"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/plan"
)

// managerRole is a stream manager.
type managerRole struct{ m *dataplane.Manager }

func newManagerRole(h *host, p *plan.Plan) (role, error) {
	o := &h.orders
	m, err := dataplane.New(dataplane.Config{
		Plan: p, Container: o.Container, Mode: h.mode, Incarnation: o.Incarnation, Secret: o.Secret,
		Restarted: o.Restarts > 0, Ended: o.Ended,
		HighMark: o.HighMark, LowMark: o.LowMark, HardMark: o.HardMark, Window: o.Window,
		Logger: h.logger,
	})
	if err != nil {
		return nil, err
	}
	return managerRole{m: m}, nil
}

func (r managerRole) run(ctx context.Context) error { return r.m.Run(ctx) }
func (r managerRole) ready() <-chan struct{}        { return r.m.Ready() }

// drain does nothing: a manager is stopped when its tasks have ended.
func (managerRole) drain() {}

func (r managerRole) ended(tasks []uint32) { r.m.Ended(tasks) }

func (r managerRole) fill(s *ProcessSample) {
	m := r.m.Metrics()
	s.Manager = &m
}
