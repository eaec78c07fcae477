package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/pool"
)

// Client uses the store of another process. All methods may be called by several goroutines, those of one stream by one
// at a time. Each call is carried out when those before it were; a call that waits for the store, such as an append while
// the disk is slow, holds up what follows it on the same connection.
//
// When the connection ends everything fails with ErrGone. A Client does not connect again: Dial another, open writers and
// streams anew, and go on from what Info and Position say.
type Client struct {
	*link

	store    uint64
	maxBatch int
	maxReply int
	running  sync.WaitGroup

	// Under the link's lock.
	nextID  uint64
	calls   map[uint64]chan result
	appends map[uint64]*Future
	streams map[uint64]*Stream
}

// result is what a call gives.
type result struct {
	a   answer
	err error
}

// Dial connects to the process that serves the store in a folder. ErrNotServed says that there is none.
func Dial(ctx context.Context, dir string) (*Client, error) { return DialPath(ctx, SocketPath(dir)) }

// DialPath is Dial for a socket that was put somewhere else.
func DialPath(ctx context.Context, path string) (*Client, error) {
	conn, err := connect(ctx, path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: %w", ErrNotServed, err)
	}
	if err != nil {
		return nil, err
	}
	c := &Client{
		link: newLink(conn), calls: map[uint64]chan result{}, appends: map[uint64]*Future{}, streams: map[uint64]*Stream{},
	}
	c.running.Go(c.write)
	if err := c.greet(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("serve: %s: %w", path, err)
	}
	c.running.Go(c.listen)
	return c, nil
}

// greet exchanges hellos.
func (c *Client) greet(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { c.end(ctx.Err()) })()
	if err := c.send(kindHello, 0, le.AppendUint32(le.AppendUint64(nil, magic), version)...); err != nil {
		return err
	}
	h, p, err := c.next(maxSmall, fromServer)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return gone(err)
	}
	defer p.Release()
	if h.kind == kindFailed {
		return c.failed(0, p.B)
	}
	if h.kind != kindHello || len(p.B) < serverHelloSize || le.Uint64(p.B) != magic || le.Uint32(p.B[8:]) != version {
		return &ProtocolError{Reason: "the server's first frame is no hello of this version"}
	}
	c.maxBatch, c.store = int(le.Uint32(p.B[12:])), le.Uint64(p.B[16:])
	c.maxReply = max(maxBody, c.maxBatch) + batchSize
	c.greeted()
	return nil
}

// Close ends the connection, and with it its streams and writers. It does no harm when the connection has ended.
func (c *Client) Close() error {
	c.end(ErrGone)
	c.running.Wait()
	return nil
}

// Done returns a channel that is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// ID returns the store's number.
func (c *Client) ID() uint64 { return c.store }

// MaxBatch returns how many bytes a batch may have.
func (c *Client) MaxBatch() int { return c.maxBatch }

// listen takes what the server sends until the connection ends.
func (c *Client) listen() {
	var err error
	for err == nil {
		var h header
		var p *pool.Buf
		if h, p, err = c.next(c.maxReply, fromServer); err == nil {
			err = c.take(h, p)
		}
	}
	err = gone(err)
	c.end(err)
	c.mu.Lock()
	err = c.mu.err
	calls, appends, streams := c.calls, c.appends, c.streams
	c.calls, c.appends, c.streams = nil, nil, nil
	c.mu.Unlock()
	for _, answer := range calls {
		answer <- result{err: err}
	}
	for _, f := range appends {
		f.tell(err)
	}
	for _, s := range streams {
		s.end(err)
	}
}

// take takes a frame, and the payload.
func (c *Client) take(h header, p *pool.Buf) error {
	if h.kind == kindBatch {
		return c.batch(h.id, p)
	}
	defer p.Release()
	switch h.kind {
	case kindAppended:
		return c.appended(h.id, p.B)
	case kindReply:
		var r result
		if err := json.Unmarshal(p.B, &r.a); err != nil {
			return &ProtocolError{Reason: "an answer: " + err.Error()}
		}
		c.answer(h.id, r)
		return nil
	case kindEnd:
		c.mu.Lock()
		s := c.streams[h.id]
		c.mu.Unlock()
		if s != nil {
			s.atEnd()
		}
		return nil
	case kindFailed:
		return c.failed(h.id, p.B)
	default:
		return &ProtocolError{Reason: fmt.Sprintf("a frame of kind %d at the wrong time", h.kind)}
	}
}

// failed takes an error, which is about the connection or about whatever has the id.
func (c *Client) failed(id uint64, p []byte) error {
	err, ok := parseError(p)
	if !ok {
		return &ProtocolError{Reason: "an error that cannot be read"}
	}
	if id == 0 {
		return err
	}
	c.mu.Lock()
	f, s, called := c.appends[id], c.streams[id], c.calls[id] != nil
	delete(c.appends, id)
	c.mu.Unlock()
	switch {
	case f != nil:
		f.w.fail(err)
		f.tell(err)
	case called || s == nil:
		c.answer(id, result{err: err})
	default:
		s.fail(err)
	}
	return nil
}

// answer gives a result to who has called, if that one still waits.
func (c *Client) answer(id uint64, r result) {
	c.mu.Lock()
	waits := c.calls[id]
	delete(c.calls, id)
	c.mu.Unlock()
	if waits != nil {
		waits <- r
	}
}

// call calls and waits for the answer.
func (c *Client) call(ctx context.Context, r *request) (answer, uint64, error) {
	return c.ask(ctx, kindCall, r, nil)
}

// ask sends a frame that is answered, and waits for the answer. s, if there is one, is the stream that it opens.
func (c *Client) ask(ctx context.Context, k kind, v any, s *Stream) (answer, uint64, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return answer{}, 0, err
	}
	if len(b) > maxSmall {
		return answer{}, 0, fmt.Errorf("%w: the names are too long", dlog.ErrName)
	}
	if err := c.begin(func() bool { return ctx.Err() != nil }); err != nil {
		return answer{}, 0, err
	}
	waits := make(chan result, 1)
	c.nextID++
	id := c.nextID
	c.calls[id] = waits
	if s != nil {
		s.id = id
		c.streams[id] = s
	}
	c.mu.out = append(appendHeader(c.mu.out, k, id, len(b)), b...)
	c.commit()
	select {
	case got := <-waits:
		return got.a, id, got.err
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.calls, id)
		return answer{}, id, ctx.Err()
	}
}
