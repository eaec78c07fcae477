package instance

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// worker is what differs between spouts and bolts.
type worker interface {
	// open constructs and opens the user's object.
	open(ctx context.Context, info *topology.Task) error
	// work runs until there is no more to do, and returns nil, or to an error that ends the task.
	work() error
	// close closes the user's object if it was constructed.
	close() error
	// admit checks the header of a data or end frame.
	admit(h wire.Header) error
	// told handles a frame about tracked tuples. body is borrowed.
	told(h wire.Header, body []byte) error
	// clamped follows a change of the clamps.
	clamped()
	// relinked follows every link but the first: what was sent over the one before may be lost.
	relinked()
}

// task is the state of a running task. All of it belongs to the goroutine of Run.
type task struct {
	inst   *Instance
	log    *slog.Logger
	ctx    context.Context // of Run; kept because Emit, which may have to dial, has none
	began  time.Time
	epoch  uint32
	worker worker
	out    *topology.Collector

	link    *link
	session session
	in      input
	control []byte // room for one control frame to send
	credit  int64  // bytes that may be sent
	unpaid  int64  // bytes handled and not returned as credit
	clamps  map[uint32]struct{}
	flags   wire.Flags // of all data frames
	acks    *ackOut    // of a bolt, where tuples are tracked; else nil
	// beforeSend, if set, is called before a batch leaves the task.
	beforeSend func()

	aging  aging
	pace   pace
	ticks  ticks
	count  counters
	report report
	op     string // call of user code that is under way, empty if none is
	ending bool   // the end of the streams has been said: nothing can be emitted
	fatal  error  // why the task must end
}

func newTask(ctx context.Context, i *Instance) *task {
	t := &task{inst: i, ctx: ctx, began: time.Now().Add(-1), epoch: i.cfg.Plan.Epoch}
	t.log = i.cfg.Logger.With(slog.String("topology", i.cfg.Topology.Name), slog.String("component", i.placed.Name),
		slog.Uint64("task", uint64(i.cfg.Task)))
	specs := outputSpecs(i.cfg.Topology, i.cfg.Plan, i.placed)
	if i.cfg.NoKeyHashes {
		for n := range specs {
			specs[n].KeySets = nil
		}
	}
	t.out = topology.NewCollector(t, i.cfg.Plan.Seed, i.cfg.MinBatch, i.cfg.MaxBatch, specs)
	t.aging = aging{maxAge: int64(i.cfg.MaxAge), single: oneBatch(specs)}
	t.clamps = map[uint32]struct{}{}
	t.control = make([]byte, 0, wire.HeaderSize)
	t.in.init()
	if i.placed.Spout {
		s := &spout{task: t}
		t.worker = s
		if i.cfg.Plan.Tracked {
			s.tracked = newTracked(s)
		}
	} else {
		t.worker = &bolt{task: t, inputs: newInputs(i.cfg.Plan, i.placed)}
		t.ticks.every = i.spec.TickEvery
		if i.cfg.Plan.Tracked {
			t.acks = newAckOut(i.cfg.Plan.TaskCount(), i.cfg.Plan.Upstream(i.cfg.Task))
			t.out.Track(t, nil, i.spec.ManualAck)
		}
	}
	if i.cfg.Plan.Tracked {
		t.flags = wire.FlagAnchored
	}
	return t
}

// run is the whole life of the task.
func (t *task) run() error {
	defer t.release()
	if !t.opensFirst() {
		if err := t.connect(); err != nil {
			return t.inst.named(err)
		}
	}
	if t.inst.cfg.Ended {
		t.ending = true
		return t.inst.named(t.ended(t.sayEnds()))
	}
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	if t.inst.placed.Spout {
		t.inst.onDrain.Store(&cancel)
		if t.inst.signals.any(sigDrain) {
			cancel()
		}
	}
	err := t.worker.open(ctx, t.info())
	if err == nil && t.link == nil {
		err = t.connect()
	}
	if err == nil {
		err = t.worker.work()
	}
	if err == nil {
		err = t.ended(t.end())
	}
	if closeErr := t.worker.close(); closeErr != nil {
		return errors.Join(t.inst.named(err), closeErr)
	}
	return t.inst.named(err)
}

// opensFirst reports whether the task connects when it is open, or has a batch to
// send: a bolt that was started again where tuples are tracked. Until it connects
// the spouts upstream are held back, so that no tuple waits for Open, times out,
// and is given up without ever having been executed. Where nothing is tracked
// they are not, and what came meanwhile would be dropped.
func (t *task) opensFirst() bool {
	return t.acks != nil && t.inst.cfg.Restarts > 0 && !t.inst.cfg.Ended
}

// ended tells of the end of the streams, which came unless there is an error, and returns that.
func (t *task) ended(err error) error {
	if err == nil {
		t.inst.published.ended.Store(true)
		t.inst.cfg.OnEnded()
	}
	return err
}

// release gives back everything that the task holds.
func (t *task) release() {
	t.ending = true
	_ = t.out.Flush() // nothing can be sent any more: this releases begun batches
	t.hangUp()
	t.in.release()
	t.publish()
}

// info returns what the user's object is told about its task.
func (t *task) info() *topology.Task {
	i := t.inst
	info := &topology.Task{
		Topology: i.cfg.Topology.Name, Component: i.placed.Name, ID: i.cfg.Task,
		Index: int(i.cfg.Task - i.placed.FirstTask), Parallelism: i.placed.Tasks,
		Config: maps.Clone(i.spec.Config), Logger: t.log, Wake: func() {},
		Publish: func(name string, data []byte) { i.cfg.Publish(name, slices.Clone(data)) },
	}
	if info.Config == nil {
		info.Config = map[string]string{}
	}
	if i.placed.Spout {
		info.Wake = i.signals.wake
	}
	return info
}

// stopped returns why the task must end now, nil if it need not.
func (t *task) stopped() error {
	if t.fatal == nil && t.inst.signals.any(sigStop) {
		t.fatal = t.ctx.Err()
	}
	return t.fatal
}

// flushed turns the answer of a flush, which can only be topology.ErrStopped, into the reason.
func (t *task) flushed(err error) error {
	if err != nil {
		return t.fatal
	}
	return nil
}

// poll reads what the socket holds, without waiting, and reports whether there was something.
func (t *task) poll(room []byte) (bool, error) {
	n, err := t.link.try(room)
	t.in.take(n)
	return n > 0, err
}

// block waits for bytes and reads them. It returns early, without an error,
// when the deadline set by arm passes or another goroutine raised a signal;
// callers look again at what they wait for.
func (t *task) block(room []byte) error {
	n, err := t.link.read(room)
	t.in.take(n)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		t.link.deadline = true // it may be a signal's, which has to be cleared
		return t.stopped()
	}
	return err
}

// end sends what is left and ends the streams.
func (t *task) end() error {
	err := t.flushed(t.out.Flush())
	if err == nil {
		err = t.flushAcks()
	}
	t.ending = true
	if err != nil {
		return err
	}
	t.publish()
	t.inst.cfg.OnEnding()
	return t.sayEnds()
}

// sayEnds says the end on every output stream, waits until the stream manager has
// taken everything, and repeats both over a new link if it must.
func (t *task) sayEnds() error {
	for {
		err := t.sayEnd()
		if err == nil {
			return nil
		}
		if err = t.reconnect(err); err != nil {
			return err
		}
	}
}

// sayEnd sends the end frames, shuts down the sending side, and reads until the stream manager does the same.
func (t *task) sayEnd() error {
	for _, stream := range t.inst.placed.Outputs {
		h := wire.Header{Kind: wire.KindEnd, Stream: stream, Source: t.inst.cfg.Task, Epoch: t.epoch}
		if err := t.sendControl(h); err != nil {
			return err
		}
	}
	if err := t.link.conn.CloseWrite(); err != nil {
		return err
	}
	return t.readToEnd()
}
