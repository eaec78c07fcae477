package serve

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ardea-stream/ardea/dlog"
)

// Writer appends to a log. See dlog.Writer for epochs and fencing. After the first failure of a batch a Writer appends
// nothing more, and fails with that error: so what was sent behind the batch does not take its place. Open another one to
// go on.
type Writer struct {
	c      *Client
	id     uint64
	epoch  uint64
	failed atomic.Pointer[error]
}

// OpenWriter makes the caller the only one who appends to a log; see dlog.Log.OpenWriter.
func (c *Client) OpenWriter(ctx context.Context, log string, epoch uint64) (*Writer, error) {
	a, id, err := c.call(ctx, &request{Verb: verbOpen, Log: log, Epoch: epoch})
	if err != nil {
		return nil, err
	}
	return &Writer{c: c, id: id, epoch: a.Epoch}, nil
}

// Epoch returns the writer's epoch.
func (w *Writer) Epoch() uint64 { return w.epoch }

// Append sends a batch: a body in its encoded form with so many records, which it copies. It waits while the server is
// behind. All that can be wrong with the batch, and that another writer has taken over, says the Future.
func (w *Writer) Append(body []byte, count uint32, txid int64, level dlog.Level) (*Future, error) {
	switch {
	case count == 0 || len(body) == 0:
		return nil, fmt.Errorf("%w: it has no records", dlog.ErrBatch)
	case len(body) > w.c.maxBatch:
		return nil, fmt.Errorf("%w: %d bytes, at most %d", dlog.ErrTooLarge, len(body), w.c.maxBatch)
	case level > dlog.Memory:
		return nil, fmt.Errorf("serve: there is no level %d", level)
	}
	if err := w.failed.Load(); err != nil {
		return nil, *err
	}
	c := w.c
	if err := c.begin(nil); err != nil {
		return nil, err
	}
	defer c.commit()
	f := futures.Get().(*Future)
	f.w, f.err = w, nil
	c.nextID++
	c.appends[c.nextID] = f
	out := appendHeader(c.mu.out, kindAppend, c.nextID, appendSize+len(body))
	out = le.AppendUint64(le.AppendUint64(out, w.id), uint64(txid))
	out = le.AppendUint32(out, count)
	out = append(out, byte(level), 0, 0, 0, 0, 0, 0, 0)
	out = append(out, body...)
	c.mu.out = out
	return f, nil
}

// fail makes the writer append nothing more.
func (w *Writer) fail(err error) { w.failed.CompareAndSwap(nil, &err) }

// Flush waits until all that was appended before, by anybody, is durable.
func (w *Writer) Flush(ctx context.Context) error {
	_, _, err := w.c.call(ctx, &request{Verb: verbFlush, Writer: w.id})
	return err
}

// Seal ends the log; see dlog.Writer.Seal.
func (w *Writer) Seal(ctx context.Context) error {
	_, _, err := w.c.call(ctx, &request{Verb: verbSeal, Writer: w.id})
	return err
}

// Close gives the writer up. Batches on their way are not touched. It does not wait.
func (w *Writer) Close() {
	w.fail(dlog.ErrClosed)
	c := w.c
	c.mu.Lock()
	c.nextID++ // nobody waits for the answer
	id := c.nextID
	c.mu.Unlock()
	c.post(kindCall, id, fmt.Appendf(nil, `{"verb":%q,"writer":%d}`, verbClose, w.id)...)
}

// Future is a batch on its way. One goroutine may wait for it, once; nobody needs to.
type Future struct {
	w     *Writer
	res   dlog.Result
	err   error
	ready chan struct{}
}

var futures = sync.Pool{New: func() any { return &Future{ready: make(chan struct{}, 1)} }}

// Wait waits until the batch has reached its level, or has failed. It must not be called again once it has returned
// something else than the error of the context.
func (f *Future) Wait(ctx context.Context) (dlog.Result, error) {
	select {
	case <-f.ready:
	default:
		select {
		case <-f.ready:
		case <-ctx.Done():
			return dlog.Result{}, ctx.Err()
		}
	}
	res, err := f.res, f.err
	f.w, f.res, f.err = nil, dlog.Result{}, nil
	futures.Put(f)
	return res, err
}

// tell tells who waits. err is nil if res says what became of the batch.
func (f *Future) tell(err error) {
	f.err = err
	f.ready <- struct{}{}
}

// appended takes the result of an append.
func (c *Client) appended(id uint64, p []byte) error {
	if len(p) != resultSize {
		return short(kindAppended, len(p))
	}
	c.mu.Lock()
	f := c.appends[id]
	delete(c.appends, id)
	c.mu.Unlock()
	if f == nil {
		return &ProtocolError{Reason: "the result of an append that there was not"}
	}
	f.res = dlog.Result{
		First: le.Uint64(p), TxID: int64(le.Uint64(p[8:])), Time: int64(le.Uint64(p[16:])), Count: le.Uint32(p[24:]), Level: dlog.Level(p[28]),
	}
	f.tell(nil)
	return nil
}
