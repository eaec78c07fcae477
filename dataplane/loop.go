package dataplane

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/wire"
)

// loop is everything that the event loop owns. Its methods run on the event
// loop's goroutine only; others reach it through Manager.post.
type loop struct {
	busy    invariants.Busy
	m       *Manager
	ctx     context.Context // of Run, for what is posted
	el      gnet.EventLoop  // set with the first link
	log     *slog.Logger
	plan    *plan.Plan
	here    uint32 // this container
	pid     uint32
	table   router.Table
	sources []map[uint16]bool  // streams that a task may send on, by task id
	dests   []*dest            // by task id
	peers   map[uint32]*outlet // by container
	links   map[*link]struct{}
	fwd     forwarder
	balance map[*router.Consumer]*router.Balance // of those that take whole batches
	logs    *logs                                // nil unless there are durable streams

	run        run     // frames of one read that go to the same place
	dirty      []*dest // batches begun since the last flush
	scheduled  bool    // a flush is posted
	flusher    gnet.Runnable
	begun      chan struct{} // where batches wait for their age, tells the ager that one was begun; else nil
	batchBytes int           // size of the buffers that routed records gather in
	scratch    [wire.HeaderSize]byte
	c          counters
}

// forwarder is the part that differs between the modes.
type forwarder interface {
	// route takes a frame of a local task whose destination is open, and sends
	// it to all consumers that the stream manager routes. It borrows frame and
	// may write into it. An error closes the link.
	route(h wire.Header, frame []byte) error
	// deliver takes a frame for one task, from a local task that chose it or
	// from another stream manager (remote).
	deliver(h wire.Header, frame []byte, d *dest, remote bool) error
	// acks passes on a frame of acks to d, a spout's task, at once. remote says
	// that it is from another stream manager. It borrows the frame until the
	// next flushRun.
	acks(h wire.Header, frame []byte, d *dest, remote bool) error
	// fail is acks for a tuple that failed.
	fail(h wire.Header, frame []byte, d *dest, remote bool) error
	// tick runs every tickPeriod.
	tick()
	// tracked returns how many tuples of this container's spouts are tracked here.
	tracked() int
	// settle makes everything that was routed to d so far stand before what
	// is sent to its outlet next.
	settle(d *dest)
	// flush sends what the turn has gathered.
	flush()
}

func newLoop(m *Manager) *loop {
	p := m.cfg.Plan
	lp := &loop{
		m: m, log: m.cfg.Logger.With(slog.Uint64("container", uint64(m.cfg.Container))), plan: p,
		here: m.cfg.Container, pid: uint32(os.Getpid()), table: p.Table(m.cfg.Container),
		peers: map[uint32]*outlet{}, links: map[*link]struct{}{}, balance: map[*router.Consumer]*router.Balance{},
	}
	for _, consumers := range lp.table {
		for _, c := range consumers {
			lp.balance[c] = &router.Balance{}
		}
	}
	tasks := p.TaskCount()
	lp.dests = make([]*dest, tasks+1)
	lp.sources = make([]map[uint16]bool, tasks+1)
	for i := range p.Containers {
		c := &p.Containers[i]
		var peer *outlet
		if c.ID != lp.here {
			peer = &outlet{}
			lp.peers[c.ID] = peer
		}
		for _, t := range c.Tasks {
			lp.dests[t] = newDest(p, t, peer)
		}
	}
	for i := range p.Components {
		streams := map[uint16]bool{}
		for _, s := range p.Components[i].Outputs {
			streams[s] = true
		}
		for _, t := range p.Components[i].TaskIDs() {
			lp.sources[t] = streams
		}
	}
	lp.batchBytes = batchBytes
	if m.cfg.Mode.SmallBatches {
		lp.batchBytes = SmallBatch
	}
	if m.cfg.Mode.NoDrain {
		lp.begun = make(chan struct{}, 1)
	}
	lp.fwd = newForwarder(lp, m.cfg.Mode)
	if p.Durable() {
		lp.logs = newLogs(lp)
	}
	lp.flusher = gnet.RunnableFunc(func(context.Context) error {
		lp.busy.Enter("stream manager loop")
		defer lp.busy.Leave("stream manager loop")
		lp.scheduled = false
		lp.fwd.flush()
		return nil
	})
	if m.cfg.Restarted {
		lp.comeAfter(m.cfg.Ended)
	}
	return lp
}

// dest returns a task's destination, nil if there is no such task.
func (lp *loop) dest(task uint32) *dest {
	if int(task) >= len(lp.dests) {
		return nil
	}
	return lp.dests[task]
}

// schedule posts one flush to the end of this turn of the event loop, or in
// modes without that has it posted when the batches are old.
func (lp *loop) schedule() {
	if lp.scheduled {
		return
	}
	lp.scheduled = true
	if lp.begun != nil {
		lp.begun <- struct{}{} // has room: there is one for each flush
		return
	}
	if err := lp.el.Execute(lp.ctx, lp.flusher); err != nil {
		lp.scheduled = false // the engine is shutting down
	}
}

// closed takes leave of a link whose connection is gone.
func (lp *loop) closed(l *link, err error) {
	if l.role == roleControl {
		return
	}
	delete(lp.links, l)
	lp.detach(l, err)
	if l.out == nil && l.container != 0 {
		lp.peers[l.container].again = true // the other side may have taken it for a whole link
	}
	if l.partial != nil {
		l.partial.Release()
		l.partial = nil
	}
	l.closing = true
	if l.gone != nil {
		close(l.gone)
	}
}

// detach takes a link from its outlet. What waits for a task whose link broke
// is dropped and counted; what waits for another container stays.
func (lp *loop) detach(l *link, err error) {
	o := l.out
	if o == nil || o.link != l {
		return
	}
	o.link = nil
	if l.role == roleInstance && o.dests[0].finished() {
		o.ended = true
		o.drop(lp, o.queue.Len())
		return
	}
	o.lost = true
	lp.c.linksLost++
	lp.log.Info("link lost", slog.Uint64("task", uint64(l.task)), slog.Uint64("peer", uint64(l.container)), slog.Any("err", err))
	if l.role == roleInstance {
		o.drop(lp, o.queue.Len())
		lp.leave(o.dests[0])
	} else {
		lp.peerLost(l.container)
	}
}

// tick runs every tickPeriod. A peer that was silent for more than idleTicks is
// taken for dead; before that it is asked for a sign of life, and any byte is
// one. Only ticks count between which the loop has looked for bytes, so that who
// is busy himself does not take others for dead. Whoever connects has as long to
// say hello.
func (lp *loop) tick() {
	lp.busy.Enter("stream manager loop")
	defer lp.busy.Leave("stream manager loop")
	for l := range lp.links {
		if l.out != nil {
			lp.payOwed(l.out)
		}
		if l.role == roleInstance {
			continue
		}
		if l.idle++; l.idle > idleTicks {
			lp.log.Warn("link is silent", slog.Uint64("peer", uint64(l.container)))
			lp.close(l)
			continue
		}
		if l.role == rolePeer {
			lp.sendControl(l, wire.Header{Kind: wire.KindPing})
		}
	}
	lp.fwd.tick()
	if lp.logs != nil {
		lp.logs.tick()
	}
}

// A half-open link is found within five seconds, of which a busy peer has four to answer.
const (
	tickPeriod = 500 * time.Millisecond
	idleTicks  = 8
)

// closer returns a runnable that closes a connection from the event loop.
func (lp *loop) closer(conn gnet.Conn) gnet.RunnableFunc {
	return func(context.Context) error { return lp.el.Close(conn) }
}

// release gives back every buffer. It runs when the event loop has ended.
func (lp *loop) release() {
	for _, d := range lp.dests {
		if d == nil {
			continue
		}
		if d.batch != nil {
			d.batch.Release()
			d.batch = nil
		}
		d.out.queue.Reset()
		d.out.first.frames.Reset()
	}
	for l := range lp.links {
		if l.partial != nil {
			l.partial.Release()
		}
	}
	if lp.logs != nil {
		lp.logs.release()
	}
}
