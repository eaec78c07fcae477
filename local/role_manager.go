package local

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
	"github.com/ardea-stream/ardea/plan"
)

// managerRole is a stream manager.
type managerRole struct {
	m     *dataplane.Manager
	store *dlog.Store // nil if there are no durable streams
	serve *serve.Server
}

func newManagerRole(h *host, p *plan.Plan) (role, error) {
	o := &h.orders
	store, err := h.openStore()
	if err != nil {
		return nil, err
	}
	m, err := dataplane.New(dataplane.Config{
		Plan: p, Container: o.Container, Mode: h.mode, Incarnation: o.Incarnation, Secret: o.Secret, Store: store,
		Restarted: o.Restarts > 0, Ended: o.Ended,
		HighMark: o.HighMark, LowMark: o.LowMark, HardMark: o.HardMark, Window: o.Window,
		Logger: h.logger,
	})
	r := managerRole{m: m, store: store}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	if store != nil {
		if r.serve, err = serve.Listen(store, ""); err != nil { // the run can do without
			h.logger.Warn("other programs cannot read the log", slog.Any("err", err))
		}
	}
	return r, nil
}

// run serves until ctx ends. What was appended to logs is safe when it returns nil.
func (r managerRole) run(ctx context.Context) error {
	return errors.Join(r.m.Run(ctx), r.close())
}

// close closes the store, and before that who serves it.
func (r managerRole) close() error {
	if r.store == nil {
		return nil
	}
	if r.serve != nil {
		_ = r.serve.Close() // readers come again
	}
	return r.store.Close()
}

func (r managerRole) ready() <-chan struct{} { return r.m.Ready() }

// drain does nothing: a manager is stopped when its tasks have ended.
func (managerRole) drain() {}

func (r managerRole) ended(tasks []uint32) { r.m.Ended(tasks) }

func (r managerRole) fill(s *ProcessSample) {
	m := r.m.Metrics()
	s.Manager = &m
}
