package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
)

// Cluster is a topology that runs on this machine. Its methods may be called
// from any goroutine.
type Cluster struct {
	// Immutable after Start.
	plan    *plan.Plan
	pprof   *ownPprof
	metrics *ownMetrics
	calls   chan func(*supervisor) // to the supervisor
	up      chan struct{}
	ended   chan struct{} // closed when the supervisor takes no more calls
	done    chan struct{} // closed when nothing of the run is left

	// Replaced as a whole by the supervisor, before it closes up and when a process is started again.
	processes atomic.Pointer[[]Process]

	// Written by the supervisor before it closes ended.
	result *Result
	err    error
}

// incarnations counts the clusters of this process, so that each has greater incarnations than the last.
var incarnations atomic.Uint64

// Run starts a topology and waits for its end. See Start and Cluster.Wait.
func Run(ctx context.Context, t *topology.Topology, o Options) (*Result, error) {
	c, err := Start(ctx, t, o)
	if err != nil {
		return nil, err
	}
	return c.Wait()
}

// Start starts the processes of a topology and returns when all are up. When
// ctx ends later, the cluster is drained. The error is ErrInChild, an error of
// Options.Validate, or a *StartError, and then nothing runs.
func Start(ctx context.Context, t *topology.Topology, o Options) (*Cluster, error) {
	if InChild() {
		return nil, ErrInChild
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults(t.Delivery)
	c, err := start(ctx, t, o)
	if err != nil {
		return nil, &StartError{Topology: t.Name, Err: err}
	}
	return c, nil
}

func start(ctx context.Context, t *topology.Topology, o Options) (*Cluster, error) {
	if err := checkLogs(t, &o); err != nil {
		return nil, err
	}
	served, err := serveEndpoints(ctx, o)
	if err != nil {
		return nil, err
	}
	dir, err := openRunDir(o.Dir)
	if err != nil {
		served.close()
		return nil, err
	}
	for try := 1; ; try++ {
		c, err := startOnce(ctx, t, o, dir, served)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, errAddressInUse) || try == portTries {
			served.close()
			return nil, errors.Join(err, dir.remove())
		}
		o.Logger.Info("a port was taken, trying others")
	}
}

// startOnce makes one attempt. A cluster that comes up owns dir and what is served.
func startOnce(ctx context.Context, t *topology.Topology, o Options, dir *runDir, served endpoints) (*Cluster, error) {
	p, path, err := makePlan(ctx, t, o, dir)
	if err != nil {
		return nil, err
	}
	var l launcher
	if o.InProcess {
		l = newGang(ctx, t, o)
	} else if l, err = newSpawner(ctx, o); err != nil {
		return nil, err
	}
	c := &Cluster{
		plan: p, pprof: served.pprof, metrics: served.metrics, calls: make(chan func(*supervisor)), up: make(chan struct{}),
		ended: make(chan struct{}), done: make(chan struct{}),
	}
	c.metrics.cluster.Store(c)
	positions := ""
	if !o.InProcess { // what is not restarted needs no positions
		if positions, err = dir.makePositions(); err != nil {
			l.close()
			return nil, err
		}
	}
	s := newSupervisor(c, o, dir, l, path, positions)
	if err := c.pprof.assign(s.members, o.InProcess); err != nil {
		l.close()
		return nil, err
	}
	if s.control, err = serveControl(ctx, c, filepath.Join(dir.path, controlName)); err != nil {
		l.close()
		return nil, err
	}
	go s.run(ctx)
	select {
	case <-c.up:
		return c, nil
	case <-c.done:
		return nil, c.err
	}
}

// makePlan packs the topology, picks the addresses and writes the plan to the run directory.
func makePlan(ctx context.Context, t *topology.Topology, o Options, dir *runDir) (p *plan.Plan, path string, err error) {
	logical := plan.NewLogical(t)
	packing := plan.PackRoundRobin(logical, o.Containers)
	if err := dir.check(len(packing)); err != nil {
		return nil, "", err
	}
	addresses, err := o.pickPorts(ctx, len(packing))
	if err != nil {
		return nil, "", err
	}
	p = plan.New(logical, packing, 1, o.Seed, func(id uint32) (socket, address string) {
		return dir.socket(id), addresses[id-1]
	})
	b, err := p.Marshal()
	if err != nil {
		return nil, "", fmt.Errorf("plan: %w", err)
	}
	path, err = dir.writePlan(b)
	return p, path, err
}

// Plan returns the physical plan. It is immutable.
func (c *Cluster) Plan() *plan.Plan { return c.plan }

// Processes returns the processes as they were started last, the stream
// managers first. Their order does not change.
func (c *Cluster) Processes() []Process {
	all := c.processes.Load()
	if all == nil {
		return nil // not all are up
	}
	return slices.Clone(*all)
}

// Pprof is the address at which this process serves its profiles, empty unless
// Options.Pprof asks for it. Those of the others are in Process.Pprof.
func (c *Cluster) Pprof() string { return c.pprof.address() }

// Sample asks every process and returns what they say now. If ctx ends first
// it returns the cause as well as a sample that holds, of those that have not
// answered, what they said last. When the run has ended it is the final sample.
func (c *Cluster) Sample(ctx context.Context) (*Sample, error) {
	r := &round{reply: make(chan *Sample, 1)}
	if !c.call(func(s *supervisor) { s.ask(r) }) {
		return c.result.Sample.clone(), nil
	}
	select {
	case sample := <-r.reply:
		return sample, nil
	case <-c.ended:
		return c.result.Sample.clone(), nil
	case <-ctx.Done():
	}
	if !c.call(func(s *supervisor) { s.answer(r) }) {
		return c.result.Sample.clone(), nil
	}
	return <-r.reply, context.Cause(ctx)
}

// Drain asks for the end of the run: spouts stop, streams end, bolts finish.
// It returns at once; Wait waits for it.
func (c *Cluster) Drain() { c.call(func(s *supervisor) { s.drain() }) }

// Kill kills all processes at once. Wait returns ErrKilled then, unless the
// run had ended or failed already.
func (c *Cluster) Kill() {
	c.call(func(s *supervisor) {
		s.fail(ErrKilled)
		s.kill()
	})
}

// Wait waits until nothing of the run is left and returns what it came to.
// The result is there with an error too. The error is nil after the end of all
// streams and after a drain, also one by the context; else a
// *ProcessDiedError, a *TaskError, a *DrainTimeoutError, ErrKilled, or
// *PublishErrors joined.
func (c *Cluster) Wait() (*Result, error) {
	<-c.done
	return c.result, c.err
}

// call has f run by the supervisor. It reports false if the run has ended.
func (c *Cluster) call(f func(*supervisor)) bool {
	select {
	case c.calls <- f:
		return true
	case <-c.ended:
		return false
	}
}
