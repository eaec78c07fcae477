package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/pool"
)

// session is the server's side of a connection. Its goroutine reads frames and does what they ask for, one after the
// other; each stream has another one.
type session struct {
	*link

	server  *Server
	store   *dlog.Store
	ctx     context.Context // ends with the session
	cancel  context.CancelFunc
	limit   int                   // bytes of a payload of the client
	writers map[uint64]*appending // of the goroutine that reads
	running sync.WaitGroup
	feeds   map[uint64]*feed // under the link's lock
}

// appending is a writer of a client. After its first failure it appends no more, so that what a client has sent behind
// that batch does not take its place.
type appending struct {
	w      *dlog.Writer
	failed atomic.Pointer[error]
}

func newSession(v *Server, conn net.Conn) *session {
	s := &session{
		link: newLink(conn), server: v, store: v.store, limit: v.store.MaxBatch() + appendSize,
		writers: map[uint64]*appending{}, feeds: map[uint64]*feed{},
	}
	s.ctx, s.cancel = context.WithCancel(v.ctx)
	return s
}

// run serves the connection to its end.
func (s *session) run() {
	err := s.serve()
	if errors.Is(err, ErrProtocol) {
		s.endWith(err)
		_ = s.conn.SetDeadline(s.server.deadline())
		_, _ = io.Copy(io.Discard, s.conn) // so that the other side can read why
	}
	s.end(gone(err))
	s.cancel()
	s.running.Wait()
}

// refuse tells a client that there are too many, when it has said hello: what it sends to a connection that has ended would
// hide that from it.
func (s *session) refuse() {
	_ = s.conn.SetDeadline(s.server.deadline())
	if _, p, err := s.next(helloIn, fromClient); err == nil {
		p.Release()
	}
	s.endWith(ErrTooMany)
	<-s.done
	s.cancel()
}

func (s *session) serve() error {
	if err := s.greet(); err != nil {
		return err
	}
	for {
		h, p, err := s.next(s.limit, fromClient)
		if err != nil {
			return err
		}
		err = s.handle(h, p)
		p.Release()
		if err != nil {
			return err
		}
	}
}

// greet exchanges hellos. The client must say its own soon: connections are few.
func (s *session) greet() error {
	if err := s.conn.SetReadDeadline(s.server.deadline()); err != nil {
		return err
	}
	h, p, err := s.next(helloIn, fromClient)
	if err != nil {
		return err
	}
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	s.greeted()
	defer p.Release()
	switch {
	case h.kind != kindHello || len(p.B) < helloSize || le.Uint64(p.B) != magic:
		return &ProtocolError{Reason: "the first frame is no hello"}
	case le.Uint32(p.B[8:]) != version:
		return &ProtocolError{Reason: fmt.Sprintf("the client speaks version %d, the server %d: use programs of the same version",
			le.Uint32(p.B[8:]), version)}
	}
	hello := le.AppendUint32(le.AppendUint64(nil, magic), version)
	hello = le.AppendUint64(le.AppendUint32(hello, uint32(s.store.MaxBatch())), s.store.ID())
	return s.send(kindHello, 0, hello...)
}

// handle does what a frame asks for. An error ends the connection.
func (s *session) handle(h header, p *pool.Buf) error {
	switch h.kind {
	case kindCall:
		return s.call(h.id, p.B)
	case kindRead:
		return s.read(h.id, p.B)
	case kindAppend:
		return s.append(h.id, p)
	case kindCredit, kindResume, kindCancel:
		return s.steer(h, p.B)
	default:
		return &ProtocolError{Reason: fmt.Sprintf("a frame of kind %d at the wrong time", h.kind)}
	}
}

// append appends a batch. The client is told when it has reached its level.
func (s *session) append(id uint64, p *pool.Buf) error {
	if len(p.B) < appendSize {
		return short(kindAppend, len(p.B))
	}
	writer, txid, count, level := le.Uint64(p.B), int64(le.Uint64(p.B[8:])), le.Uint32(p.B[16:]), dlog.Level(p.B[20])
	a := s.writers[writer]
	if a == nil || level > dlog.Memory {
		return &ProtocolError{Reason: fmt.Sprintf("an append by writer %d at level %d: there is none", writer, level)}
	}
	if err := s.awaitRoom(); err != nil {
		return err
	}
	if err := a.failed.Load(); err != nil {
		s.sendError(id, *err)
		return nil
	}
	body := p.B[appendSize:]
	err := error(nil)
	if fault := codec.Validate(body, count); fault != nil {
		err = fmt.Errorf("%w: %w", dlog.ErrBatch, fault)
	} else {
		err = a.w.AppendShared(p, body, count, txid, level, func(r dlog.Result, err error) { s.told(a, id, r, err) })
	}
	if err != nil {
		a.failed.CompareAndSwap(nil, &err)
		s.sendError(id, err)
	}
	return nil
}

// awaitRoom waits until the client has read enough of what it was told.
func (s *session) awaitRoom() error {
	if err := s.begin(nil); err != nil {
		return err
	}
	s.mu.Unlock()
	return nil
}

// told tells the client what became of a batch. It does not block: the journal's writer calls it.
func (s *session) told(a *appending, id uint64, r dlog.Result, err error) {
	if err != nil {
		a.failed.CompareAndSwap(nil, &err)
		s.sendError(id, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failedLocked() != nil {
		return
	}
	out := appendHeader(s.mu.out, kindAppended, id, resultSize)
	out = le.AppendUint64(le.AppendUint64(le.AppendUint64(out, r.First), uint64(r.TxID)), uint64(r.Time))
	s.mu.out = append(le.AppendUint32(out, r.Count), byte(r.Level))
	s.more.Signal()
}
