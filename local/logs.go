package local

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
)

// checkLogs finds out, before anything is started, whether the logs of a topology's durable streams can be written to. It
// makes o.LogDir an absolute path. The error is ErrNoLogDir, a *dataplane.DurableModeError, or a *LogDirError.
func checkLogs(t *topology.Topology, o *Options) error {
	l := plan.NewLogical(t)
	if !l.Durable() {
		return nil
	}
	if o.LogDir == "" {
		return ErrNoLogDir
	}
	mode, err := dataplane.ParseMode(o.Mode)
	if err != nil {
		return err
	}
	if !mode.Optimized {
		return &dataplane.DurableModeError{Mode: mode}
	}
	dir, err := filepath.Abs(o.LogDir)
	if err != nil {
		return &LogDirError{Dir: o.LogDir, Err: err}
	}
	o.LogDir = dir
	faults := make([]error, len(plan.PackRoundRobin(l, o.Containers)))
	var tries sync.WaitGroup
	for i := range faults {
		tries.Go(func() { faults[i] = tryStore(storeDir(dir, uint32(i+1))) })
	}
	tries.Wait()
	return errors.Join(faults...)
}

// tryStore opens a store and closes it again. What its last owner has left is recovered by that.
func tryStore(dir string) error {
	s, _, err := dlog.Open(dir, dlog.Options{})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		return &LogDirError{Dir: dir, Err: err}
	}
	return nil
}

func storeDir(dir string, container uint32) string {
	return filepath.Join(dir, strconv.FormatUint(uint64(container), 10))
}

// storeOf returns where the store of a container is; empty if it needs none.
func storeOf(p *plan.Plan, o Options, container uint32) string {
	if !p.Durable() {
		return ""
	}
	return storeDir(o.LogDir, container)
}

// openStore opens the store of the orders, nil if they name none.
func (h *host) openStore() (*dlog.Store, error) {
	if h.orders.Store == "" {
		return nil, nil //nolint:nilnil // most topologies have no logs
	}
	s, found, err := dlog.Open(h.orders.Store, dlog.Options{Hooks: dlog.Hooks{Failed: func(err error) {
		h.logger.Error("log failed", slog.String("dir", h.orders.Store), slog.Any("err", err))
	}}})
	if err != nil {
		return nil, &LogDirError{Dir: h.orders.Store, Err: err}
	}
	h.logger.Info("log is open", slog.String("dir", h.orders.Store), slog.Int("replayed", found.Replayed))
	return s, nil
}
