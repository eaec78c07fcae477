package pipe

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
	"github.com/ardea-stream/ardea/topology"
)

// queueAppends is how many batches wait for the disk.
const queueAppends = 64

// parcel is a batch on its way to the log.
type parcel struct {
	body    []byte
	count   uint32
	anchors []topology.Anchor // of the tuples in it, where they are tracked
	err     error             // why it was not appended
}

// appender appends batches on a goroutine of its own, in the order in which it is given them: as many at a time as there
// are. What was on its way when the connection ended is sent again, so that it may be in the log twice.
type appender struct {
	sink Sink
	line line
	log  *slog.Logger
	in   chan *parcel

	// Of the goroutine, once open has returned.
	w      *serve.Writer
	opened bool // before
	epoch  uint64
	txid   int64

	mu struct {
		sync.Mutex

		changed chan struct{} // closed when done changes
		done    []*parcel
		err     error // lasts
	}
}

func newAppender(s Sink, log *slog.Logger) *appender {
	a := &appender{sink: s, line: line{dir: s.Dir, host: s.Host}, log: log, in: make(chan *parcel, queueAppends), epoch: s.Epoch}
	a.mu.changed = make(chan struct{})
	return a
}

// open becomes the writer of the log. It waits for a store that nobody serves.
func (a *appender) open(ctx context.Context) error {
	var rest pause
	for {
		err := a.connect(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !passes(err):
			return &LogError{Dir: a.sink.Dir, Log: a.sink.Log, Err: err}
		}
		a.log.Debug("log cannot be appended to now", slog.String("dir", a.sink.Dir), slog.String("log", a.sink.Log), slog.Any("err", err))
		if err := rest.wait(ctx); err != nil {
			return err
		}
	}
}

func (a *appender) connect(ctx context.Context) error {
	c, err := a.line.dial(ctx)
	if err != nil {
		return err
	}
	w, err := c.OpenWriter(ctx, a.sink.Log, a.epoch)
	switch {
	case errors.Is(err, dlog.ErrNotFound) && a.opened:
		return errors.Join(ErrReplaced, err)
	case errors.Is(err, dlog.ErrNotFound):
		if err = c.Create(ctx, a.sink.Log, dlog.LogOptions{}); err == nil || errors.Is(err, dlog.ErrExists) {
			w, err = c.OpenWriter(ctx, a.sink.Log, a.epoch)
		}
	}
	if err != nil {
		return err
	}
	info, err := c.Info(ctx, a.sink.Log)
	if err != nil {
		return err
	}
	a.opened = true
	a.w, a.epoch, a.txid = w, w.Epoch(), max(info.TxID, 0) // the same epoch again: whoever has a higher one has taken over
	return nil
}

// run appends until in is closed, an error that lasts, or the end of the context.
func (a *appender) run(ctx context.Context) {
	for {
		group, more := a.next(ctx)
		if len(group) > 0 {
			a.append(ctx, group)
		}
		if !more || ctx.Err() != nil {
			return
		}
	}
}

// next waits for batches and returns all that there are.
func (a *appender) next(ctx context.Context) (group []*parcel, more bool) {
	select {
	case p, more := <-a.in:
		if !more {
			return nil, false
		}
		group = append(group, p)
	case <-ctx.Done():
		return nil, false
	}
	for {
		select {
		case p, more := <-a.in:
			if !more {
				return group, false
			}
			group = append(group, p)
		default:
			return group, true
		}
	}
}

// append appends batches, or fails them.
func (a *appender) append(ctx context.Context, group []*parcel) {
	for len(group) > 0 && ctx.Err() == nil {
		if err := a.failure(); err != nil {
			a.finish(group, err)
			return
		}
		if a.w == nil {
			err := a.open(ctx)
			switch {
			case err == nil:
			case lasts(err):
				a.stop(err)
				continue
			default:
				a.finish(group, err)
				return
			}
		}
		n, err := a.send(ctx, group)
		a.finish(group[:n], nil)
		group = group[n:]
		if err == nil {
			continue
		}
		a.w = nil
		switch {
		case passes(err): // all the rest is sent again
		case lasts(err):
			a.stop(&LogError{Dir: a.sink.Dir, Log: a.sink.Log, Err: err})
		default:
			a.finish(group, err)
			return
		}
	}
}

// send appends batches and waits until they are durable. It returns how many are, and why the next one is not.
func (a *appender) send(ctx context.Context, group []*parcel) (n int, err error) {
	var futures []*serve.Future
	for _, p := range group {
		f, err := a.w.Append(p.body, p.count, a.txid, dlog.Disk)
		if err != nil {
			if len(futures) == 0 {
				return 0, err
			}
			break // the futures say why, or the next call
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		_, fault := f.Wait(ctx)
		switch {
		case err != nil: // each is waited for
		case fault != nil:
			err = fault
		default:
			n++
		}
	}
	return n, err
}

// finish hands batches back.
func (a *appender) finish(group []*parcel, err error) {
	if len(group) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range group {
		p.err = err
	}
	a.mu.done = append(a.mu.done, group...)
	close(a.mu.changed)
	a.mu.changed = make(chan struct{})
}

// stop has everything fail from now on.
func (a *appender) stop(err error) {
	a.log.Error("log takes no more records", slog.Any("err", err))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.err = err
}

// failure returns why nothing can be appended any more, nil if it can.
func (a *appender) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mu.err
}

// take returns the batches that were handed back.
func (a *appender) take() []*parcel {
	a.mu.Lock()
	defer a.mu.Unlock()
	done := a.mu.done
	a.mu.done = nil
	return done
}
