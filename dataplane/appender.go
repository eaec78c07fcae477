package dataplane

import (
	"context"
	"sync"

	"github.com/panjf2000/gnet/v2"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/wire"
)

// appender is the goroutine that hands frames to logs, where it may have to wait for room, in the order in which the
// event loop gave them to it. What becomes of them it is told by goroutines of the store, and tells the event loop.
//
// Its memory is bounded by the credit of the tasks whose frames it has.
type appender struct {
	settled gnet.Runnable
	ctx     context.Context // of Run, for what is posted; set before anything is pushed
	ended   chan struct{}   // closed when run has returned

	mu      sync.Mutex
	changed sync.Cond // of queue, closed and under
	queue   []*held   // to be appended
	spare   []*held   // memory for queue
	closed  bool
	under   int            // frames that were pushed and are not complete
	done    []*held        // complete, and not fetched
	fetched []*held        // memory for done; the event loop's while it works on what it has fetched
	el      gnet.EventLoop // that is told
	told    bool           // and will fetch
}

func newAppender(settled func()) *appender {
	a := &appender{ended: make(chan struct{})}
	a.changed.L = &a.mu
	a.settled = gnet.RunnableFunc(func(context.Context) error {
		settled()
		return nil
	})
	return a
}

// push takes a frame. It does not wait. The event loop calls it, and names itself.
func (a *appender) push(x *held, el gnet.EventLoop) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.el = el
	a.under++
	a.queue = append(a.queue, x)
	if len(a.queue) == 1 {
		a.changed.Broadcast()
	}
}

// run appends until stop is called and nothing is left.
func (a *appender) run() {
	defer close(a.ended)
	for {
		batch := a.next()
		if batch == nil {
			return
		}
		for i, x := range batch {
			err := x.s.writer.AppendShared(x.buf, x.buf.B[wire.HeaderSize:], x.h.Count, x.s.txid, dlog.Disk, x.done)
			if err != nil {
				a.complete(x, err)
			}
			batch[i] = nil
		}
		a.mu.Lock()
		a.spare = batch[:0]
		a.mu.Unlock()
	}
}

// next waits for frames. It returns nil at the end.
func (a *appender) next() []*held {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) == 0 {
		if a.closed {
			return nil
		}
		a.changed.Wait()
	}
	batch := a.queue
	a.queue, a.spare = a.spare, nil
	return batch
}

// complete says what has become of a frame, on any goroutine.
func (a *appender) complete(x *held, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	x.err = err
	a.done = append(a.done, x)
	if a.under--; a.under == 0 {
		a.changed.Broadcast()
	}
	if !a.told {
		a.told = true
		_ = a.el.Execute(a.ctx, a.settled) // fails only when the engine shuts down: stop fetches them then
	}
}

// completed returns the frames that are complete, until the next call. Only the event loop may call it, and who stops it.
func (a *appender) completed() []*held {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.fetched)
	a.done, a.fetched = a.fetched[:0], a.done
	a.told = false
	return a.fetched
}

// stop waits until all frames are complete. Nothing may be pushed any more.
func (a *appender) stop() {
	a.mu.Lock()
	a.closed = true
	a.changed.Broadcast()
	a.mu.Unlock()
	<-a.ended
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.under > 0 {
		a.changed.Wait()
	}
}

// appendToLogs is the appender's goroutine.
func (m *Manager) appendToLogs(ctx context.Context) {
	m.label(ctx, stageAppend)
	m.loop.logs.app.run()
}
