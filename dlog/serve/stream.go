package serve

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/pool"
)

// ReadOptions configure a stream. The zero value is a good choice.
type ReadOptions struct {
	// Uncommitted makes the stream see what is appended before it is durable; see dlog.ReadOptions.
	Uncommitted bool
	// Window is how many bytes the server may send before the stream has read them, and one batch: 1 KiB to 1 GiB.
	// Default: 1 MiB. The memory of a stream is bounded by it.
	Window int
}

// Stream reads a log from a place on, batch by batch. One goroutine may use it at a time.
type Stream struct {
	c      *Client
	id     uint64
	window int64
	pos    uint64
	owed   int64 // bytes that were read and that the server does not know of
	cur    Records
	skip   bool
	parked bool // the last error was returned, and the server waits to be told to go on
	skipTo uint64
	wake   chan struct{} // room for one

	mu struct {
		sync.Mutex

		queue  []Records
		head   int
		bytes  int64 // in the queue
		atEnd  bool
		err    error // behind the queue; the stream can go on
		gone   error // behind the queue; it cannot
		closed bool
	}
}

// Records are consecutive records of one batch. They are borrowed until the next call of the stream, unless they are
// retained.
type Records struct {
	First uint64 // offset of the first of them
	Count uint32
	TxID  int64
	Time  int64 // ns since 1970
	Epoch uint64

	body []byte
	buf  *pool.Buf
}

// Next returns the offset behind them.
func (r *Records) Next() uint64 { return r.First + uint64(r.Count) }

// Body returns the records in their encoded form, borrowed as they are.
func (r *Records) Body() []byte { return r.body }

// All goes over the offsets and the bytes of the records, which are borrowed as they are.
func (r *Records) All() iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		walk := codec.Walk(r.body)
		for at := r.First; at < r.Next(); at++ {
			rec, ok := walk.Next()
			if !ok || !yield(at, rec) {
				return
			}
		}
	}
}

// Retain returns the records, valid until they are released.
func (r *Records) Retain() *Records {
	r.buf.Retain()
	kept := *r
	return &kept
}

// Release gives up records that Retain has returned.
func (r *Records) Release() {
	if r.buf != nil {
		r.buf.Release()
	}
	*r = Records{}
}

// Read opens a stream. It must be closed.
func (c *Client) Read(ctx context.Context, log string, from dlog.From, o ReadOptions) (*Stream, error) {
	if o.Window == 0 {
		o.Window = 1 << 20
	}
	if o.Window < 1<<10 || o.Window > 1<<30 {
		return nil, errors.New("serve: Window must be 1 KiB to 1 GiB")
	}
	s := &Stream{c: c, window: int64(o.Window), wake: make(chan struct{}, 1)}
	a, id, err := c.ask(ctx, kindRead, &readRequest{
		Log: log, From: from.String(), Uncommitted: o.Uncommitted, Credit: s.window,
	}, s)
	if err == nil {
		s.pos = a.Offset
		return s, nil
	}
	if id != 0 {
		_ = s.Close()
	}
	return nil, err
}

// Position returns the offset of the next record.
func (s *Stream) Position() uint64 { return s.pos }

// Next returns the next records, and waits for some at the end of the log. The records are borrowed until the next call.
// It fails as the Next of a dlog.Reader does, with io.EOF behind the last record of a sealed log, a dlog.TruncatedError,
// a dlog.CorruptError and so on, and then tries again when it is called again; and with ErrGone, for good.
func (s *Stream) Next(ctx context.Context) (*Records, error) {
	for {
		rec, err := s.take()
		if rec != nil || err != nil && !errors.Is(err, dlog.ErrEnd) {
			return rec, err
		}
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// TryNext is Next that does not wait for records: it fails with dlog.ErrEnd when the server had no more when it last
// said so. What was appended before the stream was opened, or before it went on after an error, always comes first.
func (s *Stream) TryNext(ctx context.Context) (*Records, error) {
	for {
		rec, err := s.take()
		if rec != nil || err != nil {
			return rec, err
		}
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *Stream) wait(ctx context.Context) error {
	select {
	case <-s.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take returns the next records, or the error, or nil for both if it is not known yet what comes.
func (s *Stream) take() (*Records, error) {
	s.cur.Release()
	if err := s.goOn(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.mu.head == len(s.mu.queue) {
		defer s.mu.Unlock()
		return nil, s.stateLocked()
	}
	s.cur = s.mu.queue[s.mu.head]
	s.mu.queue[s.mu.head] = Records{}
	if s.mu.head++; s.mu.head == len(s.mu.queue) {
		s.mu.queue, s.mu.head = s.mu.queue[:0], 0
	}
	n := int64(batchSize + len(s.cur.body))
	s.mu.bytes -= n
	s.mu.Unlock()
	s.pos = s.cur.Next()
	if s.owed += n; s.owed >= s.window/2 {
		if err := s.credit(); err != nil && !errors.Is(err, ErrGone) { // what has come can still be read
			return nil, err
		}
	}
	return &s.cur, nil
}

// stateLocked returns why the queue is empty.
func (s *Stream) stateLocked() error {
	switch {
	case s.mu.closed:
		return dlog.ErrClosed
	case s.mu.err != nil:
		err := s.mu.err
		s.mu.err, s.parked = nil, true
		s.note(err)
		return err
	case s.mu.gone != nil:
		return s.mu.gone
	case s.mu.atEnd:
		return dlog.ErrEnd
	default:
		return nil
	}
}

// note keeps of an error where Skip goes on.
func (s *Stream) note(err error) {
	if e, ok := errors.AsType[*dlog.CorruptError](err); ok {
		s.skipTo = e.To
	}
	if e, ok := errors.AsType[*dlog.TruncatedError](err); ok {
		s.skipTo = e.First
	}
	if e, ok := errors.AsType[*dlog.BeyondEndError](err); ok {
		s.pos = e.End
	}
}

// Skip goes on behind the damage that the last CorruptError was about, or at the first record after a TruncatedError. It
// returns the new position.
func (s *Stream) Skip() uint64 {
	if s.parked && s.skipTo > 0 {
		s.skip = true
		s.pos = max(s.pos, s.skipTo)
	}
	return s.pos
}

// goOn tells the server, if it waits after an error, to go on.
func (s *Stream) goOn() error {
	if !s.parked {
		return nil
	}
	skip := byte(0)
	if s.skip {
		skip = 1
	}
	s.parked, s.skip, s.skipTo = false, false, 0
	err := s.c.send(kindResume, s.id, skip)
	if errors.Is(err, ErrGone) {
		return nil // as take will find
	}
	return err
}

// credit tells the server that it may send more.
func (s *Stream) credit() error {
	c := s.c
	if err := c.begin(nil); err != nil {
		return err
	}
	defer c.commit()
	c.mu.out = le.AppendUint64(appendHeader(c.mu.out, kindCredit, s.id, 8), uint64(s.owed))
	s.owed = 0
	return nil
}

// Close ends the stream and gives back what it holds.
func (s *Stream) Close() error {
	c := s.c
	c.mu.Lock()
	delete(c.streams, s.id)
	c.mu.Unlock()
	c.post(kindCancel, s.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return dlog.ErrClosed
	}
	s.mu.closed = true
	s.cur.Release()
	for i := range s.mu.queue {
		s.mu.queue[i].Release()
	}
	s.mu.queue, s.mu.head = nil, 0
	return nil
}

// poke lets who waits look again.
func (s *Stream) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// atEnd, fail and end take what the server says.
func (s *Stream) atEnd() {
	s.mu.Lock()
	s.mu.atEnd = true
	s.mu.Unlock()
	s.poke()
}

func (s *Stream) fail(err error) {
	s.mu.Lock()
	s.mu.err, s.mu.atEnd = err, false
	s.mu.Unlock()
	s.poke()
}

func (s *Stream) end(err error) {
	s.mu.Lock()
	s.mu.gone = err
	s.mu.Unlock()
	s.poke()
}

// batch takes a batch, and its payload.
func (c *Client) batch(id uint64, p *pool.Buf) error {
	if len(p.B) < batchSize {
		n := len(p.B)
		p.Release()
		return short(kindBatch, n)
	}
	c.mu.Lock()
	s := c.streams[id]
	c.mu.Unlock()
	r := Records{
		First: le.Uint64(p.B), TxID: int64(le.Uint64(p.B[8:])), Time: int64(le.Uint64(p.B[16:])), Epoch: le.Uint64(p.B[24:]),
		Count: le.Uint32(p.B[32:]), body: p.B[batchSize:], buf: p,
	}
	if s == nil { // it was closed meanwhile
		p.Release()
		return nil
	}
	return s.put(r)
}

// put puts records into the queue, which takes over their buffer.
func (s *Stream) put(r Records) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		r.Release()
		return nil
	}
	if s.mu.bytes >= s.window {
		r.Release()
		return &ProtocolError{Reason: fmt.Sprintf("stream %d is sent more than it has asked for", s.id)}
	}
	if s.mu.head > 64 && s.mu.head*2 > len(s.mu.queue) {
		n := copy(s.mu.queue, s.mu.queue[s.mu.head:])
		clear(s.mu.queue[n:])
		s.mu.queue, s.mu.head = s.mu.queue[:n], 0
	}
	s.mu.bytes += int64(batchSize + len(r.body))
	s.mu.queue = append(s.mu.queue, r)
	s.mu.atEnd = false
	s.poke()
	return nil
}
