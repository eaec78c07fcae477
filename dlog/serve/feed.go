package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ardea-stream/ardea/dlog"
)

// feed is the server's side of a stream. Its goroutine reads the log and sends as much as it has credit for: it may send
// a batch while the credit is above zero, so a client holds at most one batch more than it has asked for.
type feed struct {
	s      *session
	id     uint64
	reader *dlog.Reader
	ctx    context.Context
	cancel context.CancelFunc
	limit  int // bytes of a body

	// Under the link's lock.
	credit  int64
	stopped bool
	resume  bool
	skip    bool
}

// read opens a stream.
func (s *session) read(id uint64, payload []byte) error {
	var r readRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		return &ProtocolError{Reason: "a request to read: " + err.Error()}
	}
	from, err := dlog.ParseFrom(r.From)
	if err != nil {
		return &ProtocolError{Reason: err.Error()}
	}
	s.mu.Lock()
	n, known := len(s.feeds), s.feeds[id] != nil
	s.mu.Unlock()
	if known || r.Credit < 1 {
		return &ProtocolError{Reason: fmt.Sprintf("stream %d is open already, or has no credit", id)}
	}
	reader, err := s.newReader(n, &r, from)
	if err != nil {
		if err := s.awaitRoom(); err != nil {
			return err
		}
		s.sendError(id, err)
		return nil
	}
	if err := s.sendJSON(kindReply, id, &answer{Offset: reader.Position()}); err != nil {
		return errors.Join(err, reader.Close())
	}
	f := &feed{s: s, id: id, reader: reader, credit: r.Credit, limit: max(maxBody, s.store.MaxBatch())}
	f.ctx, f.cancel = context.WithCancel(s.ctx)
	s.mu.Lock()
	s.feeds[id] = f
	s.mu.Unlock()
	s.running.Go(f.run)
	return nil
}

func (s *session) newReader(open int, r *readRequest, from dlog.From) (*dlog.Reader, error) {
	if open >= maxOpen {
		return nil, fmt.Errorf("%w: %d streams", ErrTooMany, maxOpen)
	}
	l, err := s.store.Log(r.Log)
	if err != nil {
		return nil, err
	}
	return l.NewReader(from, dlog.ReadOptions{Uncommitted: r.Uncommitted})
}

// steer gives a stream credit, lets it go on, or ends it. A stream that is not there has ended meanwhile.
func (s *session) steer(h header, p []byte) error {
	want := map[kind]int{kindCredit: 8, kindResume: 1}[h.kind]
	if len(p) != want {
		return short(h.kind, len(p))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.feeds[h.id]
	if f == nil {
		return nil
	}
	switch h.kind {
	case kindCredit:
		n := int64(le.Uint64(p))
		if n < 1 || f.credit+n < f.credit {
			return &ProtocolError{Reason: fmt.Sprintf("a credit of %d bytes", n)}
		}
		f.credit += n
	case kindResume:
		f.resume, f.skip = true, p[0] == 1
	default:
		f.stopped = true
		f.cancel()
		delete(s.feeds, h.id)
	}
	s.room.Broadcast()
	return nil
}

// run sends what is read until the client ends the stream.
func (f *feed) run() {
	defer func() {
		f.cancel()
		_ = f.reader.Close()
	}()
	for {
		err := f.pour()
		if f.ctx.Err() != nil {
			return
		}
		f.s.sendError(f.id, err)
		if !f.await(func() bool { return f.resume }) {
			return
		}
		f.s.mu.Lock()
		skip := f.skip
		f.resume, f.skip = false, false
		f.s.mu.Unlock()
		if skip {
			f.reader.Skip()
		}
	}
}

// pour sends batches until it cannot go on, and returns why.
func (f *feed) pour() error {
	for told := false; ; told = false {
		if !f.await(func() bool { return f.credit > 0 }) {
			return f.ctx.Err()
		}
		rec, err := f.reader.TryNext(f.ctx)
		if errors.Is(err, dlog.ErrEnd) && !told {
			if err := f.s.send(kindEnd, f.id); err != nil {
				return err
			}
			rec, err = f.reader.Next(f.ctx)
		}
		if err != nil {
			return err
		}
		if err := f.send(rec); err != nil {
			return err
		}
	}
}

// await waits until the client has asked for something. It returns false when the stream has ended.
func (f *feed) await(asked func() bool) bool {
	l := f.s.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for !asked() && !f.stopped && l.failedLocked() == nil {
		l.mu.waiting++
		l.room.Wait()
		l.mu.waiting--
	}
	return !f.stopped && l.failedLocked() == nil
}

// send sends a batch.
func (f *feed) send(r *dlog.Records) error {
	body := r.Body()
	if len(body) > f.limit {
		return fmt.Errorf("%w: the batch at %d has %d bytes, a stream brings up to %d", dlog.ErrTooLarge, r.First, len(body), f.limit)
	}
	if err := f.s.begin(func() bool { return f.stopped }); err != nil {
		return err
	}
	defer f.s.commit()
	if f.stopped {
		return nil
	}
	f.credit -= int64(batchSize + len(body))
	out := appendHeader(f.s.mu.out, kindBatch, f.id, batchSize+len(body))
	out = le.AppendUint64(le.AppendUint64(le.AppendUint64(out, r.First), uint64(r.TxID)), uint64(r.Time))
	out = append(le.AppendUint32(le.AppendUint64(out, r.Epoch), r.Count), body...)
	f.s.mu.out = out
	return nil
}
