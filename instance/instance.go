package instance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

const (
	defaultMaxAge = time.Millisecond
	// maxRestarts is what sequence numbers have room for that an ack can name.
	maxRestarts = wire.MaxSeq >> incarnationShift
)

// Config describes one task. Plan, Topology and Task are required.
type Config struct {
	// Plan is the physical plan. It names the socket of the task's stream manager.
	Plan *plan.Plan
	// Topology is what the plan was made of; the user's constructors come from it.
	Topology *topology.Topology
	// Task is the global id of the task.
	Task uint32
	// Incarnation rises with every start of the task, so that a stream
	// manager can tell a new process from an old one.
	Incarnation uint64
	// Restarts is how often the task was started before. It sets the sequence
	// numbers of a spout's tuples apart from those of its dead incarnations.
	Restarts int
	// Ended says that an earlier process of the task has called OnEnding: all that is
	// left to do is to say the end of its streams. Nothing of the user's is constructed.
	Ended bool
	// PositionFile is the path of the file that keeps the position of a spout
	// that is a topology.Replayer, for its next incarnation. Empty means that none is kept.
	PositionFile string
	// MinBatch and MaxBatch bound a batch, a whole frame, in bytes; 0 means
	// topology.DefaultMinBatch and topology.DefaultMaxBatch. Small batches
	// cost throughput, large ones memory.
	MinBatch, MaxBatch int
	// MaxAge is how long a tuple may wait in a batch while the task stays busy,
	// or while the rest of a frame that it has begun is on its way; a task that
	// runs out of input sends at once. 0 means one millisecond.
	MaxAge time.Duration
	// NoKeyHashes leaves the key hashes out of tuples, for stream managers that
	// take them themselves. NoDrain lets batches wait for their size or age also
	// when the task has run out of input. Both are there to be measured.
	NoKeyHashes, NoDrain bool
	// Logger takes the task's reports; nil discards them.
	Logger *slog.Logger
	// Publish receives the results that user code publishes, on the task's
	// goroutine or any other that calls Task.Publish. data is a copy that the
	// callee owns. nil drops them.
	Publish func(name string, data []byte)
	// OnEnding is called when the task's work is done and sent, before it says
	// that its streams end, and OnEnded when the stream manager has taken that,
	// before Close: on the task's goroutine, each at most once. A task
	// that has called OnEnding must not begin again, see Ended. nil is nothing.
	OnEnding, OnEnded func()
}

func (c Config) withDefaults() Config {
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	if c.MaxBatch == 0 {
		c.MaxBatch = topology.DefaultMaxBatch
	}
	if c.MinBatch == 0 {
		c.MinBatch = min(topology.DefaultMinBatch, c.MaxBatch)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Publish == nil {
		c.Publish = func(string, []byte) {}
	}
	if c.OnEnding == nil {
		c.OnEnding = func() {}
	}
	if c.OnEnded == nil {
		c.OnEnded = func() {}
	}
	return c
}

// Validate returns every fault of the configuration, each wrapping ErrConfig.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...)))
	}
	if c.MinBatch < 0 || c.MaxBatch < 0 || c.MaxBatch > wire.MaxBody {
		fault("MinBatch is %d and MaxBatch %d, allowed are 0 to %d", c.MinBatch, c.MaxBatch, wire.MaxBody)
	}
	if c.MaxBatch != 0 && c.MinBatch > c.MaxBatch {
		fault("MinBatch %d is above MaxBatch %d", c.MinBatch, c.MaxBatch)
	}
	if c.Restarts < 0 || c.Restarts > maxRestarts {
		fault("Restarts is %d, allowed are 0 to %d", c.Restarts, maxRestarts)
	}
	if c.MaxAge < 0 {
		fault("MaxAge is %v, it cannot be negative", c.MaxAge)
	}
	if c.Topology == nil || c.Plan == nil || c.Plan.Logical == nil {
		fault("Plan and Topology are required")
		return errors.Join(faults...)
	}
	if have, want := plan.NewLogical(c.Topology).Fingerprint, c.Plan.Fingerprint; have != want {
		fault("Plan was made of another topology: fingerprint %#x, Topology has %#x", want, have)
		return errors.Join(faults...)
	}
	if c.Plan.ComponentOf(c.Task) == nil {
		fault("Task %d is not one of the plan's %d", c.Task, c.Plan.TaskCount())
	} else if c.Plan.ContainerOf(c.Task) == nil {
		fault("Task %d is in no container", c.Task)
	}
	return errors.Join(faults...)
}

// Instance runs one task. Its methods may be called from any goroutine.
type Instance struct {
	// Immutable after New.
	cfg    Config
	spec   *topology.Component
	placed *plan.Component
	socket string
	dial   dialFunc

	// Atomics.
	started   atomic.Bool
	signals   signals
	onDrain   atomic.Pointer[context.CancelFunc]
	published published
}

// New checks the configuration and returns an instance that has not started.
// It constructs nothing of the user's. The error wraps ErrConfig.
func New(cfg Config) (*Instance, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	i := &Instance{cfg: cfg, socket: cfg.Plan.ContainerOf(cfg.Task).Socket, dial: dialUnix}
	i.placed = cfg.Plan.ComponentOf(cfg.Task)
	for n := range cfg.Topology.Components {
		if cfg.Topology.Components[n].Name == i.placed.Name {
			i.spec = &cfg.Topology.Components[n]
		}
	}
	return i, nil
}

// Run connects to the stream manager, constructs and opens the user's spout or
// bolt, and works on the calling goroutine until the task is done. A bolt that
// was started again where tuples are tracked is opened first. It returns
//
//   - nil when the task's streams have ended
//   - an error that wraps ctx.Err() when ctx is done first: the spout or bolt is closed, a bolt does not finish
//   - a *TaskError when New, Open, Next, Finish or Close fails or panics
//   - an error that wraps a *wire.RemoteError when the stream manager refuses the task for good
//   - an error that wraps a *ProtocolError when one link after the other brought malformed bytes
//   - ErrStarted when it was called before
//
// A link that breaks is dialled again, with growing pauses, while the spout or
// bolt stays open; what was in flight is lost, or replayed where tuples are
// tracked. A spout whose tuples are tracked ends when all are complete or given up. Every error names component and task.
func (i *Instance) Run(ctx context.Context) error {
	if !i.started.CompareAndSwap(false, true) {
		return ErrStarted
	}
	stop := context.AfterFunc(ctx, func() { i.signals.raise(sigStop) })
	defer stop()
	var err error
	pprof.Do(ctx, i.labels(), func(ctx context.Context) { err = newTask(ctx, i).run() })
	return err
}

// named adds component and task to an error that does not name them.
func (i *Instance) named(err error) error {
	var te *TaskError
	if err == nil || errors.As(err, &te) {
		return err
	}
	return fmt.Errorf("instance: component %s task %d: %w", i.placed.Name, i.cfg.Task, err)
}

// Drain makes a spout call Next no more, send what it has and end its streams;
// the context that it was opened with ends, so that a Next that waits returns.
// Both wait until a spout that was started again has emitted what the process
// before had emitted. It does nothing to a bolt, which ends when its inputs do.
func (i *Instance) Drain() {
	if !i.placed.Spout {
		return
	}
	i.signals.raise(sigDrain)
	if cancel := i.onDrain.Load(); cancel != nil {
		(*cancel)()
	}
}
