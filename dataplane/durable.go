package dataplane

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
)

// logs append what the tasks of this container emit on durable streams. It belongs to the event loop; the appender does
// what may wait.
//
//	frame of a durable stream --> copy in a counted buffer --> appender --> Writer.AppendShared
//	        |                                                                   |
//	        | not tracked: forwarded at once            the log's goroutine says that it is on disk
//	        v                                                                   |
//	    consumers <--- tracked: forwarded then, in the order of each lane <--- event loop
//
// The body of a data frame is the body of a batch of the log: nothing is decoded or encoded.
//
// The bytes that wait are bounded by the credit of the tasks: that of a durable frame is returned when the log has it.
//
// Where tuples are tracked a frame that the log has not taken is dropped, as if it had been lost on its way here: the
// spouts are told with the next tick, and the credit is returned then, so that a log that takes nothing is not stormed.
type logs struct {
	lp      *loop
	streams []*logStream // by stream, nil for those that are not durable
	hold    bool         // frames wait for the disk
	lanes   map[uint64]*lane
	acks    *logAcks
	app     *appender
	free    *held

	lost map[uint32]bool // tasks of which the log has refused frames since the last tick
	late []*held         // frames whose credit is returned with the next tick
	c    logCounters
}

// logStream is a durable stream.
type logStream struct {
	log    string
	writer *dlog.Writer // set by Manager.openLogs
	txid   int64        // of all batches: the log's last one, else 0
	alone  bool         // nobody else consumes the stream
	copies bool         // it is consumed more than once, so that edges are changed in its frames
}

// lane is what waits of one source and stream, the oldest first.
type lane struct{ first, last *held }

// held is a frame that the log does not have yet.
type held struct {
	s    *logStream
	l    *link
	h    wire.Header
	buf  *pool.Buf // the whole frame; nil for an end frame
	next *held     // in its lane, or among the free

	over bool  // the log has it, or refuses it
	err  error // why it does
	done func(dlog.Result, error)
}

// logCounters are figures of all durable streams.
type logCounters struct {
	tuples, bytes, failed uint64
	held                  int // bytes
	failure               error
}

func newLogs(lp *loop) *logs {
	d := &logs{
		lp: lp, streams: make([]*logStream, len(lp.plan.Streams)), hold: lp.plan.Tracked,
		lanes: map[uint64]*lane{}, acks: newLogAcks(), lost: map[uint32]bool{},
	}
	d.app = newAppender(d.settled)
	for i := range lp.plan.Streams {
		if s := &lp.plan.Streams[i]; s.Log != "" {
			consumers := lp.table[i]
			d.streams[i] = &logStream{log: s.Log, alone: len(consumers) == 0, copies: lp.plan.Copies(uint16(i)) > 1}
		}
	}
	return d
}

// emits reports whether tasks of a container emit on a stream.
func emits(p *plan.Plan, container uint32, stream uint16) bool {
	for _, t := range p.Components[p.Streams[stream].Component].TaskIDs() {
		if c := p.ContainerOf(t); c != nil && c.ID == container {
			return true
		}
	}
	return false
}

// openLogs makes the logs that are missing and becomes the writer of those that this container's tasks emit for.
func (m *Manager) openLogs() error {
	if m.loop.logs == nil {
		return nil
	}
	for i, s := range m.loop.logs.streams {
		if s == nil || !emits(m.cfg.Plan, m.cfg.Container, uint16(i)) {
			continue
		}
		if err := s.open(m.cfg.Store); err != nil {
			return &LogError{Log: s.log, Err: err}
		}
	}
	return nil
}

func (s *logStream) open(store *dlog.Store) error {
	l, err := store.Log(s.log)
	if errors.Is(err, dlog.ErrNotFound) {
		l, err = store.Create(s.log, dlog.LogOptions{})
	}
	if err != nil {
		return err
	}
	info, err := l.Info()
	if err != nil {
		return err
	}
	s.txid = max(info.TxID, 0)
	s.writer, err = l.OpenWriter(0)
	return err
}

// keep takes a data frame of a durable stream that a task has sent, and reports whether it is one. It borrows the frame.
func (d *logs) keep(l *link, h wire.Header, frame []byte) bool {
	s := d.streams[h.Stream]
	if s == nil || l.role != roleInstance || h.Count == 0 {
		return false
	}
	if err := checkCount(h, frame); err != nil {
		d.lp.refuse(l, wire.CodeMalformed, &wire.FrameError{Header: h, Err: err})
		return true
	}
	x := d.take()
	x.s, x.l, x.h, x.buf = s, l, h, pool.Get(len(frame))
	x.buf.B = append(x.buf.B, frame...)
	d.c.held += len(frame)
	if d.hold {
		d.enter(x)
	}
	d.app.push(x, d.lp.el)
	if !d.hold {
		d.lp.forward(l, h, frame)
	}
	return true
}

// keepEnd takes the end of a stream that frames of its source still wait for, and reports whether it has.
func (d *logs) keepEnd(h wire.Header) bool {
	if ln := d.lanes[laneKey(h)]; ln == nil || ln.first == nil {
		return false
	}
	x := d.take()
	x.h, x.over = h, true
	d.enter(x)
	return true
}

func laneKey(h wire.Header) uint64 { return uint64(h.Source)<<32 | uint64(h.Stream) }

// enter puts a frame behind those of its source and stream.
func (d *logs) enter(x *held) {
	key := laneKey(x.h)
	ln := d.lanes[key]
	if ln == nil {
		ln = &lane{}
		d.lanes[key] = ln
	}
	if ln.first == nil {
		ln.first = x
	} else {
		ln.last.next = x
	}
	ln.last = x
}

// settled is run on the event loop when there are frames that the log has, or refuses.
func (d *logs) settled() {
	d.lp.busy.Enter("stream manager loop")
	defer d.lp.busy.Leave("stream manager loop")
	for _, x := range d.app.completed() {
		d.count(x)
		if !d.hold {
			d.payBack(x)
			continue
		}
		x.over = true
		d.advance(d.lanes[laneKey(x.h)])
	}
}

// count counts a frame that has come back from the log.
func (d *logs) count(x *held) {
	d.c.held -= len(x.buf.B)
	if x.err == nil {
		d.c.tuples += uint64(x.h.Count)
		d.c.bytes += uint64(x.h.Length)
		return
	}
	d.c.failed += uint64(x.h.Count)
	if d.c.failure == nil || d.c.failure.Error() != x.err.Error() {
		d.lp.log.Error("log takes no tuples", slog.String("log", x.s.log), slog.Any("err", x.err))
	}
	d.c.failure = x.err
	passes := errors.Is(x.err, dlog.ErrFull) || errors.Is(x.err, dlog.ErrReadOnly)
	if d.hold && (!passes || errors.Is(x.err, dlog.ErrStopped)) {
		d.lp.m.fail(&LogError{Log: x.s.log, Err: x.err})
	}
}

// advance sends on the frames at the head of a lane that the log has, and drops those that it refuses.
func (d *logs) advance(ln *lane) {
	for ln.first != nil && ln.first.over {
		x := ln.first
		ln.first = x.next
		switch {
		case x.buf == nil:
			frame := make([]byte, wire.HeaderSize)
			x.h.Put(frame)
			d.lp.passEnds(x.h, frame)
			d.put(x)
		case x.err != nil:
			d.lost[x.h.Source] = true
			d.late = append(d.late, x)
		default:
			d.sendOn(x)
			d.payBack(x)
		}
	}
}

// sendOn forwards a frame that is on disk. Of the buffer, which the log shares, only the header is written to.
func (d *logs) sendOn(x *held) {
	lp := d.lp
	if x.s.alone {
		d.acks.frame(lp, x.h, x.buf.B[wire.HeaderSize:])
		return
	}
	if !x.s.copies {
		lp.forward(x.l, x.h, x.buf.B)
		lp.flushRun()
		return
	}
	b := pool.Get(len(x.buf.B))
	b.B = append(b.B, x.buf.B...)
	lp.forward(x.l, x.h, b.B)
	lp.flushRun()
	b.Release()
}

// payBack returns the credit of a frame, and its memory.
func (d *logs) payBack(x *held) {
	if l := x.l; !l.closing {
		l.pending += len(x.buf.B)
		d.lp.grant(l)
	}
	d.put(x)
}

// tick tells the spouts of the frames that the log has refused, and returns their credit.
func (d *logs) tick() {
	for task := range d.lost {
		d.lp.tellFrom(task)
	}
	clear(d.lost)
	for i, x := range d.late {
		d.payBack(x)
		d.late[i] = nil
	}
	d.late = d.late[:0]
}

// take returns a held that is not in use.
func (d *logs) take() *held {
	x := d.free
	if x == nil {
		x = &held{}
		x.done = func(_ dlog.Result, err error) { d.app.complete(x, err) }
		return x
	}
	d.free, x.next = x.next, nil
	return x
}

// put gives back a held and its buffer.
func (d *logs) put(x *held) {
	if x.buf != nil {
		x.buf.Release()
	}
	*x = held{done: x.done, next: d.free}
	d.free = x
}

// stop waits until the log has all that was given to it, or has refused it. The event loop has ended.
func (d *logs) stop() {
	d.app.stop()
	for _, x := range d.app.completed() {
		d.count(x)
		x.over = true
		if !d.hold {
			d.put(x)
		}
	}
}

// release gives back the frames that wait.
func (d *logs) release() {
	for _, ln := range d.lanes {
		for ln.first != nil {
			x := ln.first
			ln.first = x.next
			d.put(x)
		}
	}
	for _, x := range d.late {
		d.put(x)
	}
	d.late = nil
}

// fill adds the figures.
func (d *logs) fill(m *Metrics) {
	m.LogTuples, m.LogBytes, m.LogFailed, m.LogHeld = d.c.tuples, d.c.bytes, d.c.failed, d.c.held
	if d.c.failure != nil {
		m.LogError = fmt.Sprint(d.c.failure)
	}
}
