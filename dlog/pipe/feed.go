package pipe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
)

// feed reads one log, on a goroutine of its own, and puts what it reads into the task's queue.
type feed struct {
	src  *Source
	line line
	many bool // it is one of several stores
	out  chan<- item
	wake func()
	log  *slog.Logger

	// Of the goroutine.
	next  uint64 // offset of the record that is read next
	begun bool   // next is known
	logID uint64
	seek  uint64 // where it begins at the earliest

	// Of the task's goroutine.
	pos   uint64 // offset of the record that is emitted next
	ended bool

	mu struct {
		sync.Mutex

		low, committed uint64 // all below is done, or stored
		known          bool   // low is known
	}
}

// item is what a feed tells: where it begins, records, or its end.
type item struct {
	feed *feed
	recs *serve.Records // retained
	pos  uint64         // where it begins, if recs is nil and err too
	err  error          // the last word; io.EOF at the end of the log
}

// run reads until the end of the log, an error that lasts, or the end of the context.
func (f *feed) run(ctx context.Context) {
	var rest pause
	for {
		before := f.next
		err := f.read(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case !passes(err) && !f.isMissing(err):
			_ = f.put(ctx, item{feed: f, err: f.name(err)}) // fails when nobody wants to know
			return
		}
		if f.next != before {
			rest.reset()
		}
		f.log.Debug("log cannot be read now", slog.String("dir", f.line.dir), slog.String("log", f.src.Log), slog.Any("err", err))
		if rest.wait(ctx) != nil {
			return
		}
	}
}

// isMissing reports whether an error says that there is no log yet, and it is worth to wait for it.
func (f *feed) isMissing(err error) bool {
	return errors.Is(err, dlog.ErrNotFound) && !f.begun && f.src.Follow
}

// name says which log an error is about.
func (f *feed) name(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, dlog.ErrEnd):
		return io.EOF
	case errors.Is(err, dlog.ErrNotFound) && !f.begun && f.many:
		return io.EOF // no task of that container emits on the stream
	case errors.Is(err, dlog.ErrNotFound) && f.begun:
		err = errors.Join(ErrReplaced, err)
	}
	return &LogError{Dir: f.line.dir, Log: f.src.Log, Offset: f.next, Err: err}
}

// read reads with one connection.
func (f *feed) read(ctx context.Context) error {
	c, err := f.line.dial(ctx)
	if err != nil {
		return err
	}
	if err := f.begin(ctx, c); err != nil {
		return err
	}
	s, err := c.Read(ctx, f.src.Log, dlog.Offset(f.next), serve.ReadOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	take := s.Next
	if !f.src.Follow {
		take = s.TryNext
	}
	for {
		recs, err := take(ctx)
		if err != nil {
			return err
		}
		next := recs.Next()
		if err := f.put(ctx, item{feed: f, recs: recs.Retain()}); err != nil {
			return err
		}
		f.next = next
	}
}

// begin finds out where to begin, the first time, and later that the log is still the same one.
func (f *feed) begin(ctx context.Context, c *serve.Client) error {
	info, err := c.Info(ctx, f.src.Log)
	if err != nil {
		return err
	}
	if f.begun {
		if info.ID != f.logID {
			return ErrReplaced
		}
		return nil
	}
	at, err := c.Subscribe(ctx, f.src.Log, f.src.Subscription, f.src.From)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.mu.low, f.mu.committed, f.mu.known = max(at, f.seek), at, true
	f.mu.Unlock()
	f.next, f.logID, f.begun = max(at, f.seek), info.ID, true
	return f.put(ctx, item{feed: f, pos: f.next})
}

// put puts an item into the queue, and waits for room.
func (f *feed) put(ctx context.Context, it item) error {
	select {
	case f.out <- it:
		f.wake()
		return nil
	case <-ctx.Done():
		it.release()
		return ctx.Err()
	}
}

func (it *item) release() {
	if it.recs != nil {
		it.recs.Release()
		it.recs = nil
	}
}

// done notes that all below an offset is done.
func (f *feed) done(low uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.low = max(f.mu.low, low)
}

// commit stores the position, if it has changed. With dial it connects first where there is no connection.
func (f *feed) commit(ctx context.Context, dial bool) error {
	f.mu.Lock()
	low, changed := f.mu.low, f.mu.known && f.mu.low > f.mu.committed
	f.mu.Unlock()
	c := f.line.client()
	if !changed || c == nil && !dial {
		return nil
	}
	if dial && (c == nil || isDone(c)) {
		var err error
		if c, err = f.line.dial(ctx); err != nil {
			return err
		}
	}
	if err := c.Commit(ctx, f.src.Log, f.src.Subscription, low); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.committed = low
	return nil
}

func isDone(c *serve.Client) bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}
