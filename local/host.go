package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/local/capture"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
)

// host plays a member's role: as a process of its own or inside its parent.
type host struct {
	orders   orders
	mode     dataplane.Mode // of the orders, set by newRole
	topology *topology.Topology
	logger   *slog.Logger
	usage    func() Usage // of the process
	// inProcess says that there will be no next process.
	inProcess bool

	out   lineWriter // reports
	roles sync.WaitGroup
}

// role is what a host plays.
type role interface {
	// run plays until the work is done or ctx ends. It reports errors of
	// tasks itself and returns one that concerns the whole process.
	run(ctx context.Context) error
	// ready is closed once others may start.
	ready() <-chan struct{}
	// drain asks for the end of the work.
	drain()
	// ended says that tasks of the container have ended, perhaps before the role began.
	ended(tasks []uint32)
	// fill adds the role's figures.
	fill(s *ProcessSample)
}

// serve plays the role of the orders until its work is done, a command or ctx
// stops it, or the end of commands says that the parent is gone, which is
// ErrParentGone. Every other error has been reported. h.roles counts
// goroutines that may still run then.
func (h *host) serve(ctx context.Context, commands io.Reader, reports io.Writer) error {
	h.out.w = reports
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	gone := make(chan struct{})
	if err := h.out.write(report{Kind: kindHello, Version: protocolVersion}); err != nil {
		return err
	}
	stopServing, err := h.servePprof(ctx)
	if err != nil {
		h.fail(0, err)
		return err
	}
	defer stopServing()
	r, err := h.newRole()
	if err != nil {
		h.fail(0, err)
		return err
	}
	profiles := newProfiler(&h.out)
	defer profiles.stop()
	h.roles.Go(profiles.run)
	if h.mode.NoReuse {
		defer pool.WithoutReuse()()
	}
	go func() {
		defer close(gone)
		h.obey(commands, r, profiles, stop)
	}()
	finished := make(chan error, 1)
	h.roles.Go(func() { finished <- r.run(ctx) })
	ready := r.ready()
	for {
		select {
		case <-ready:
			ready = nil
			if err := h.out.write(report{Kind: kindReady}); err != nil {
				return ErrParentGone
			}
		case <-gone:
			return ErrParentGone
		case err := <-finished:
			h.ended(err)
			profiles.stop()
			<-profiles.done // so that files which are being written become complete
			return errors.Join(err, h.out.write(report{Kind: kindBye, Sample: h.sample(r)}))
		}
	}
}

// ended deals with the error of a role, if there is one. A log that has stopped may go on when its store is opened anew:
// that is left to the next process, as after a death. All others are reported, which ends the run.
func (h *host) ended(err error) {
	if !h.inProcess && errors.Is(err, dlog.ErrStopped) {
		h.logger.Error("stream manager ends, its log has failed", slog.Any("err", err))
		return
	}
	if err != nil {
		h.fail(0, err)
	}
}

// servePprof serves the profiles of this process if the orders say so.
func (h *host) servePprof(ctx context.Context) (stop func(), err error) {
	if h.orders.Pprof == "" {
		return func() {}, nil
	}
	s, err := capture.Serve(ctx, h.orders.Pprof)
	if err != nil {
		return nil, err
	}
	return s.Close, h.out.write(report{Kind: kindServing, Text: s.Address()})
}

// newRole reads the plan and makes what the orders ask for.
func (h *host) newRole() (role, error) {
	if h.orders.Version != protocolVersion {
		return nil, fmt.Errorf("local: parent speaks version %d, this is %d: the program file has changed", h.orders.Version, protocolVersion)
	}
	if h.orders.Topology != h.topology.Name {
		return nil, fmt.Errorf("local: the program arrived at topology %q, but was started for %q: with the same arguments it must run the same topology first", h.topology.Name, h.orders.Topology)
	}
	b, err := os.ReadFile(h.orders.Plan)
	if err != nil {
		return nil, fmt.Errorf("local: plan: %w", err)
	}
	p, err := plan.Unmarshal(b)
	if err != nil {
		return nil, fmt.Errorf("local: plan %s: %w", h.orders.Plan, err)
	}
	if own := plan.NewLogical(h.topology).Fingerprint; own != p.Fingerprint {
		return nil, fmt.Errorf("local: topology %q is another one here than in the parent (fingerprint %#x, not %#x): building it must give the same every time", p.Topology, own, p.Fingerprint)
	}
	if h.mode, err = dataplane.ParseMode(h.orders.Mode); err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	switch h.orders.Role {
	case RoleManager:
		return newManagerRole(h, p)
	case RoleInstance:
		return newInstanceRole(h, p)
	default:
		return nil, fmt.Errorf("local: unknown role %q", h.orders.Role)
	}
}

// obey carries out commands until their end.
func (h *host) obey(commands io.Reader, r role, profiles *profiler, stop context.CancelFunc) {
	in := newLineReader(commands)
	for {
		var c command
		if err := in.read(&c); err != nil {
			if !isEnd(err) {
				h.logger.Error("command is malformed", slog.Any("err", err))
			}
			return
		}
		switch c.Op {
		case opSample:
			_ = h.out.write(report{Kind: kindSample, Seq: c.Seq, Sample: h.sample(r)}) // fails only when the parent is gone
		case opDrain:
			r.drain()
		case opEnded:
			r.ended(c.Tasks)
		case opStop:
			stop()
		case opRecord, opWrite, opAbandon:
			profiles.take(c)
		}
	}
}

// sample takes the usage last: filling waits for a stream manager that is busy,
// and usage divided by time must be of the moment that the parent takes it for.
func (h *host) sample(r role) *ProcessSample {
	s := &ProcessSample{}
	r.fill(s)
	s.Usage = h.usage()
	return s
}

// fail reports an error of a task, or of the whole process if task is 0.
func (h *host) fail(task uint32, err error) {
	text := err.Error()
	if te, ok := errors.AsType[*instance.TaskError](err); ok {
		text = te.Detail()
	}
	rep := report{Kind: kindFailed, Task: task, Text: clip(text, maxText), InUse: errors.Is(err, syscall.EADDRINUSE)}
	if werr := h.out.write(rep); werr != nil {
		h.logger.Error("error cannot be reported", slog.Any("err", err), slog.Any("cause", werr))
	}
}
