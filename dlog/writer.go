package dlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/dlog/journal"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/internal/spin"
	"github.com/ardea-stream/ardea/pool"
)

// What a log without batches has for the last one.
const (
	noTxID = math.MinInt64
	noTime = math.MinInt64
)

// Writer appends to a log. A log has one at a time: opening another fences the one before. Several goroutines may use
// it; batches then stand in the order in which the calls came to their turn.
type Writer struct {
	log   *Log
	epoch uint64
	codec codec.Codec

	failed *failure // that its callers do not know of yet; under the log's ap
}

// OpenWriter makes the caller the only one who appends. Epoch 0 stands for one more than the highest that the log has
// seen; of an epoch that it has seen already the newest writer counts, and a lower one gives a FencedError. The epoch is
// durable when OpenWriter returns, so that no earlier one is let in after a restart either.
func (l *Log) OpenWriter(epoch uint64) (*Writer, error) {
	if err := l.load(); err != nil {
		return nil, err
	}
	s := l.store
	s.rows.Lock()
	defer s.rows.Unlock()
	l.mu.Lock()
	m := l.mu.meta
	l.mu.Unlock()
	switch {
	case m.Sealed:
		return nil, ErrSealed
	case epoch == 0 && m.Epoch == math.MaxUint64:
		return nil, &FencedError{Epoch: epoch, Seen: m.Epoch}
	case epoch == 0:
		epoch = m.Epoch + 1
	case epoch < m.Epoch:
		return nil, &FencedError{Epoch: epoch, Seen: m.Epoch}
	}
	if epoch != m.Epoch {
		if err := l.changeLocked(func(m *metadata.Log) { m.Epoch = epoch }); err != nil {
			return nil, err
		}
	}
	w := &Writer{log: l, epoch: epoch, codec: codec.Codec(m.Codec)}
	l.ap.Lock()
	defer l.ap.Unlock()
	if l.ap.err != nil {
		return nil, l.ap.err
	}
	l.ap.writer = w
	return w, nil
}

// Epoch returns the writer's epoch.
func (w *Writer) Epoch() uint64 { return w.epoch }

// Log returns the log that it appends to.
func (w *Writer) Log() *Log { return w.log }

// Append appends a batch and returns at once, unless the window or the journal is full, with a Future that tells when the
// batch has reached the level. It borrows the batch until it returns. After an error nothing was appended.
//
// No batch passes one that has failed before it: when a batch fails, all that the writer has appended after it fail too,
// and Append refuses others with an error of the same kind until somebody knows: until Wait has returned the error of
// each batch that failed, or Flush has returned it. Callbacks know when they are called. Of a batch that was acknowledged
// at an earlier level, and then failed, the next Append or Flush tells, once.
func (w *Writer) Append(b *Batch, level Level) (*Future, error) {
	f := newFuture(w, level, nil)
	if err := w.append(f, b.body, nil, b.count, b.txid, b.ready, nil); err != nil {
		futures.Put(f)
		return nil, err
	}
	return f, nil
}

// AppendAll appends batches one behind the other, and returns a Future that tells when the last of them has reached the
// level; those before it have then, too. After an error of a batch, those before it were appended: n says how many. If
// one of those could not be made durable meanwhile, no others are appended, n is 0, and the error is ErrUnknown: some of
// them may be in the log.
func (w *Writer) AppendAll(batches []*Batch, level Level) (last *Future, n int, err error) {
	watch := w.log.watch()
	defer w.log.unwatch(watch)
	var untold sync.WaitGroup
	told := func(Result, error) { untold.Done() }
	for i, b := range batches {
		if i == len(batches)-1 {
			told = nil
		} else {
			untold.Add(1)
		}
		last = newFuture(w, level, told)
		if err := w.append(last, b.body, nil, b.count, b.txid, b.ready, watch); err != nil {
			futures.Put(last)
			if told != nil {
				untold.Done()
			}
			untold.Wait() // what has failed with it is told soon
			if lost := w.log.lost(watch); lost != nil {
				return nil, 0, lost
			}
			return nil, i, err
		}
	}
	return last, len(batches), nil
}

// AppendShared appends a body that stands in a counted buffer, and calls done exactly once when it has reached the level
// or has failed: on the journal's writer, where it must be quick, must not block and must not append. The log shares the
// buffer: nobody may change it any more. AppendShared waits only when the window or the journal is full. If it returns an
// error, done is not called. The body must hold count records; that is checked as far as a checked build does.
func (w *Writer) AppendShared(buf *pool.Buf, body []byte, count uint32, txid int64, level Level, done func(Result, error)) error {
	f := newFuture(w, level, done)
	if err := w.append(f, body, buf, count, txid, false, nil); err != nil {
		futures.Put(f)
		return err
	}
	return nil
}

// append appends a body. Ready ones were made by a Batch, or are trusted. after, if there is one, must not have lost
// anything.
func (w *Writer) append(
	f *Future, body []byte, shared *pool.Buf, count uint32, txid int64, checked bool, after *watch,
) error {
	if count == 0 || len(body) == 0 {
		return fmt.Errorf("%w: it has no records", ErrBatch)
	}
	if !checked && shared == nil {
		if err := codec.Validate(body, count); err != nil {
			return fmt.Errorf("%w: %w", ErrBatch, err)
		}
	}
	s := w.log.store
	if len(body) > s.maxBatch {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(body), s.maxBatch)
	}
	var plain *pool.Buf
	used := codec.None
	if w.codec != codec.None {
		plain = pool.Get(len(body))
		defer plain.Release()
		packed, err := codec.Encode(plain.B, body, w.codec)
		if err != nil {
			return fmt.Errorf("compress a batch: %w", err)
		}
		if len(packed) < len(body) {
			body, shared, used = packed, nil, w.codec
		}
	}
	if err := w.place(f, &body, shared); err != nil {
		return err
	}
	err := w.enter(f, body, count, txid, used, after)
	if err != nil {
		s.window.settle(f.c, len(body))
	}
	return err
}

// place puts a body into the window. A shared buffer becomes part of it, if it is not much larger than the body.
func (w *Writer) place(f *Future, body *[]byte, shared *pool.Buf) (err error) {
	win := w.log.store.window
	if shared != nil && len(*body) >= cap(shared.B)/4 && len(*body) >= 4<<10 {
		shared.Retain()
		if f.c, err = win.adopt(w.log, shared, len(*body)); err != nil {
			shared.Release()
		}
		return err
	}
	c, mem, err := win.reserve(w.log, len(*body))
	if err != nil {
		return err
	}
	copy(mem, *body)
	f.c, *body = c, mem
	return nil
}

// enter gives a batch that stands in the window its offset and its time, hands it to the journal, and wakes those who
// wait for it: readers first, as they need no disk.
func (w *Writer) enter(f *Future, body []byte, count uint32, txid int64, used codec.Codec, after *watch) error {
	l, now, sum := w.log, time.Now().UnixNano(), journal.Checksum(body)
	e := &journal.Entry{Log: l.id, Epoch: w.epoch, Count: count, TxID: txid, Time: now, Codec: uint8(used), Payload: body}
	spin.Lock(&l.ap.Mutex)
	wake, err := w.enterLocked(f, e, sum, after)
	for errors.Is(err, journal.ErrTelling) {
		l.ap.Unlock() // whose batches have failed needs it to know
		l.store.journal.AwaitTold()
		l.ap.Lock()
		wake, err = w.enterLocked(f, e, sum, after)
	}
	l.ap.Unlock()
	if err != nil {
		return err
	}
	if l.mu.written.waiting() {
		l.mu.Lock()
		l.mu.written.wakeAll()
		l.mu.Unlock()
	}
	if wake {
		l.store.journal.Wake()
	}
	return nil
}

// enterLocked is the part of enter that is one append's at a time. wake says that the journal's writer must be woken.
func (w *Writer) enterLocked(f *Future, e *journal.Entry, sum uint32, after *watch) (wake bool, err error) {
	if err := w.mayAppendLocked(e.TxID); err != nil {
		return false, err
	}
	if after != nil && after.lost != nil {
		return false, after.lost
	}
	l := w.log
	e.First, e.Time = l.ap.next, max(e.Time, l.ap.time)
	next := e.First + uint64(e.Count)
	f.size = len(e.Payload)
	f.res = Result{First: e.First, Count: e.Count, TxID: e.TxID, Time: e.Time}
	l.mu.Lock()
	*l.mu.tail.push(f.c) = item{
		c: f.c, body: e.Payload, first: e.First, next: next, epoch: e.Epoch, txid: e.TxID, time: e.Time, sum: sum, codec: e.Codec,
	}
	l.mu.Unlock()
	l.store.soil(l, len(e.Payload))
	f.told = f.level == Memory
	res, done, level := f.res, f.done, f.level
	wake, err = l.store.journal.Follow(e, sum, level, f)
	if err != nil {
		l.mu.Lock()
		l.mu.tail.dropBack()
		l.mu.Unlock()
		if errors.Is(err, journal.ErrTelling) {
			return false, err
		}
		return false, appendError(err)
	}
	l.ap.next, l.ap.txid, l.ap.time = next, e.TxID, e.Time
	if after != nil {
		after.upTo = next
	}
	l.end.Store(next)
	if level == Memory {
		res.Level = Memory
		if done != nil {
			done(res, nil)
		} else {
			f.res.Level = Memory
			f.ready <- struct{}{}
		}
	}
	return wake, nil
}

// mayAppendLocked says whether the writer may append a batch now.
func (w *Writer) mayAppendLocked(txid int64) error {
	ap := &w.log.ap
	switch {
	case ap.err != nil:
		return ap.err
	case ap.writer != w:
		return &FencedError{Epoch: w.epoch, Seen: w.log.seen()}
	case w.failed != nil:
		return w.refuseLocked()
	case txid < ap.txid:
		return fmt.Errorf("%w: %d, the last one was %d", ErrTxID, txid, ap.txid)
	}
	return nil
}

// seen returns the highest epoch that the log has seen.
func (l *Log) seen() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.meta.Epoch
}

// Flush waits until all that was appended before the call, by anybody, is durable. If batches of the writer have failed of
// which nobody knows yet it returns why, and the writer appends again.
func (w *Writer) Flush(ctx context.Context) error {
	before := w.log.watch()
	defer w.log.unwatch(before)
	w.log.ap.Lock()
	failed := w.failed
	w.failed = nil
	w.log.ap.Unlock()
	if failed != nil {
		return failed.err
	}
	return w.log.waitDurable(ctx, before)
}

// waitDurable waits until all that is watched is durable, or will never be.
func (l *Log) waitDurable(ctx context.Context, before *watch) error {
	x := newWaiter()
	for {
		l.mu.Lock()
		l.mu.durable.add(&x)
		l.mu.Unlock()
		done := l.committed.Load() >= before.upTo // asked first: others may have taken the place of what is lost
		if lost := l.lost(before); done || lost != nil {
			return lost
		}
		select {
		case <-x.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Seal ends the log: nothing is appended any more, by anybody, and readers that come to its end are told so. All that
// was appended is durable when it returns.
func (w *Writer) Seal(ctx context.Context) error {
	l := w.log
	l.ap.Lock()
	err := w.mayAppendLocked(math.MaxInt64)
	if err == nil {
		l.ap.err = ErrSealed
	}
	l.ap.Unlock()
	if err != nil {
		return err
	}
	before := l.watch()
	defer l.unwatch(before)
	if err = l.waitDurable(ctx, before); err == nil {
		err = l.change(func(m *metadata.Log) { m.Sealed = true })
	}
	l.ap.Lock()
	defer l.ap.Unlock()
	if err != nil && errors.Is(l.ap.err, ErrSealed) {
		l.ap.err = nil
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.durable.wakeAll()
	l.mu.written.wakeAll()
	return err
}

// appendError translates an error of the journal.
func appendError(err error) error {
	var kind error
	switch {
	case errors.Is(err, journal.ErrFull):
		kind = ErrFull
	case errors.Is(err, journal.ErrReadOnly):
		kind = ErrReadOnly
	case errors.Is(err, journal.ErrClosed):
		kind = ErrClosed
	case errors.Is(err, journal.ErrTooLarge):
		kind = ErrTooLarge
	default:
		kind = ErrStopped
	}
	if errors.Is(err, journal.ErrUnknown) {
		kind = fmt.Errorf("%w: %w", ErrUnknown, kind)
	}
	return fmt.Errorf("%w: %w", kind, err)
}
