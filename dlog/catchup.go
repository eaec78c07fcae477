package dlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/ardea-stream/ardea/dlog/pace"
	"github.com/ardea-stream/ardea/dlog/segment"
	"github.com/ardea-stream/ardea/pool"
)

// place is where in which file a reader reads: what a log sees of a segment file, at one moment.
type place struct {
	id          segment.ID
	first, next uint64 // offsets
	end         int64  // position in the file behind what may be read
}

func (l *Log) place(e *extent) place {
	return place{id: e.id(l.store.held.Store), first: e.row.First, next: e.end.Offset, end: e.end.At}
}

// placeLocked returns where the record of an offset is.
func (l *Log) placeLocked(offset uint64) (place, bool) {
	for _, e := range slices.Backward(l.mu.extents) {
		if offset >= e.row.First {
			return l.place(e), offset < e.end.Offset
		}
	}
	return place{}, false
}

// knownLocked returns the first offset from another on of which it is known where it is.
func (l *Log) knownLocked(offset uint64) uint64 {
	for _, e := range l.mu.extents {
		if e.end.Offset > offset {
			return max(e.row.First, offset)
		}
	}
	if l.mu.tail.n > 0 {
		return max(l.mu.tail.at(0).first, offset)
	}
	return l.end.Load()
}

// gate is asked before bytes of a file are read: a pacer, or a scrubber.
type gate interface {
	Wait(ctx context.Context, n int) (pace.Turn, error)
}

// source is the segment file that a reader is in, with what was read of it ahead.
type source struct {
	store *Store
	file  *handle
	place place
	at    int64     // position of the next batch
	next  uint64    // its first offset
	buf   *pool.Buf // bytes of the file, nil if none were read
	base  int64     // position of the first of them
}

// enter goes to a file.
func (s *source) enter(store *Store, p place) error {
	if s.file != nil && s.place.id.File == p.id.File {
		s.place = p // more may have been written
		return nil
	}
	s.close()
	f, err := store.handles.get(p.id)
	if errors.Is(err, io.EOF) { // a void seal at its end was cut off meanwhile
		f, err = store.handles.get(p.id)
	}
	if err != nil {
		return err
	}
	*s = source{store: store, file: f, place: p}
	return nil
}

// close leaves the file.
func (s *source) close() {
	if s.file == nil {
		return
	}
	s.store.handles.put(s.file)
	release(&s.buf)
	*s = source{}
}

// seek enters a file and returns the position of the first batch in it that reaches a value.
func (s *source) seek(store *Store, p place, k segment.Key, v int64) (int64, error) {
	if err := s.enter(store, p); err != nil {
		return 0, err
	}
	return s.file.Seek(k, v, p.end)
}

// offsetAt returns the first offset of the batch at a position, or the one behind all.
func (s *source) offsetAt(at int64) (uint64, error) {
	if at >= s.place.end {
		return s.place.next, nil
	}
	s.at = at
	b, _, err := s.batchNow(4 << 10)
	return b.First, err
}

// batchNow is batch without a gate.
func (s *source) batchNow(prefetch int) (segment.Batch, int, error) {
	return s.batch(context.Background(), nil, prefetch) //nolint:forbidigo // there is no gate that could wait
}

// batch returns the batch at the position, which borrows the buffer, and its size. It reads so many bytes ahead, each time
// when the gate lets it, if there is one.
func (s *source) batch(ctx context.Context, g gate, prefetch int) (b segment.Batch, size int, err error) {
	need := 0
	for {
		if s.holds(s.at) {
			b, size, err = segment.Parse(s.buf.B[s.at-s.base:], s.place.id, s.at)
			if !errors.Is(err, segment.ErrShort) {
				return b, size, err
			}
			need = size
		}
		if s.buf != nil && s.base == s.at && len(s.buf.B) >= need && need > 0 {
			return b, 0, io.ErrUnexpectedEOF
		}
		if err := s.readThrough(ctx, g, max(need, prefetch)); err != nil {
			return b, 0, err
		}
		if need > len(s.buf.B) {
			return b, 0, io.ErrUnexpectedEOF
		}
	}
}

// holds says whether the bytes at a position were read ahead.
func (s *source) holds(at int64) bool {
	return s.buf != nil && at >= s.base && at-s.base < int64(len(s.buf.B))
}

// readThrough is read, when the gate lets it. While something is appended the system must not read ahead of that: nobody
// would hold it back.
func (s *source) readThrough(ctx context.Context, g gate, n int) error {
	if g == nil {
		return s.read(n)
	}
	turn, err := g.Wait(ctx, int(min(int64(n), s.place.end-s.at)))
	if err != nil {
		return err
	}
	defer turn.Done()
	s.file.readAhead(!turn.Beside())
	return s.read(n)
}

// read reads so many bytes from the position on, or up to the end.
func (s *source) read(n int) error {
	release(&s.buf)
	n = int(min(int64(n), s.place.end-s.at))
	s.buf, s.base = pool.Get(n), s.at
	s.buf.B = s.buf.B[:n]
	got, err := s.file.ReadAt(s.buf.B, s.at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	s.buf.B = s.buf.B[:got]
	if err == nil && got == 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// read makes rec the records at the position, which are in a file.
func (r *Reader) read(ctx context.Context, p place) error {
	s := &r.src
	if err := s.enter(r.log.store, p); err != nil {
		return r.unreadable(p, err)
	}
	if s.at == 0 || s.next != r.pos {
		if err := s.find(r.pos); err != nil {
			return r.unreadable(p, err)
		}
	}
	b, size, err := s.batch(ctx, s.store.pacer, r.o.Prefetch)
	if err != nil {
		return r.unreadable(p, err)
	}
	if b.First > r.pos || b.Next() <= r.pos {
		return r.unreadable(p, errPlace)
	}
	s.buf.Retain()
	r.rec = Records{First: b.First, Count: b.Count, TxID: b.TxID, Time: b.Time, Epoch: b.Epoch, body: b.Payload, buf: s.buf}
	s.at += int64(size)
	s.next = b.Next()
	return r.open(b.Codec, p.next)
}

var (
	errPlace = errors.New("another batch stands in its place")
	// errMoved says that a file went while it was looked for, and that its records are gone or elsewhere.
	errMoved = errors.New("the records are not there any more")
)

// find goes to the batch that holds an offset. Damage before it does not hide it.
func (s *source) find(offset uint64) error {
	at, err := s.file.Seek(segment.ByOffset, int64(offset), s.place.end)
	if err != nil && isDamage(err) {
		s.at = 0
		if b, ok := s.resume(offset); ok && b.First <= offset {
			return nil
		}
	}
	s.at = at
	return err
}

// isDamage says whether an error of a segment file means that it is not what was written.
func isDamage(err error) bool {
	for _, damage := range []error{segment.ErrCorrupt, segment.ErrEnd, io.ErrUnexpectedEOF, io.EOF, fs.ErrNotExist, errPlace} {
		if errors.Is(err, damage) {
			return true
		}
	}
	return false
}

// noEOF returns an error that nobody takes for the end of the log.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s", io.ErrUnexpectedEOF, err.Error())
	}
	return err
}

// lookupError returns the error for a place that could not be read when something was looked up there.
func (s *Store) lookupError(p place, err error) error {
	if !isDamage(err) {
		return fmt.Errorf("look up a place in a segment file: %w", err)
	}
	damage := &CorruptError{File: segment.FileName(s.segments, p.id.File), From: p.first, To: p.next, Err: noEOF(err)}
	if found, ok := errors.AsType[*segment.CorruptError](err); ok {
		damage.At = found.At
	}
	return damage
}

// unreadable returns the error for records that cannot be read from their file: damage is a CorruptError, which says
// where the next records are that can be read.
func (r *Reader) unreadable(p place, err error) error {
	s, l := &r.src, r.log
	if !isDamage(err) {
		s.close()
		return err
	}
	err = noEOF(err)
	if s.file == nil {
		if errors.Is(err, fs.ErrNotExist) && !l.hasFile(p.id.File) {
			return errMoved
		}
		return r.damaged(segment.FileName(l.store.segments, p.id.File), 0, p.next, err)
	}
	at, to := s.at, p.next
	if b, ok := s.resume(r.pos); ok {
		to = b.First
	}
	s.close()
	return r.damaged(segment.FileName(l.store.segments, p.id.File), at, to, err)
}

// hasFile says whether a file is one of the log's.
func (l *Log) hasFile(file uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.mu.extents, func(e *extent) bool { return e.row.File == file })
}

// resume goes to the next batch behind the position in the file that verifies and does not end before an offset.
func (s *source) resume(offset uint64) (segment.Batch, bool) {
	const step, align = 256 << 10, 8
	for from := s.at + align; from < s.place.end; from += step {
		s.at = from
		if s.read(step+4<<10) != nil { // the header of a batch that begins in this step is in it
			return segment.Batch{}, false
		}
		for i := 0; i < min(step, len(s.buf.B)); i += align {
			b, size, err := segment.Parse(s.buf.B[i:], s.place.id, from+int64(i))
			if errors.Is(err, segment.ErrShort) && size > step/64 {
				rest := source{store: s.store, file: s.file, place: s.place, at: from + int64(i)}
				b, _, err = rest.batchNow(size)
				release(&rest.buf)
			}
			if err == nil && b.Next() > offset {
				s.at = from + int64(i)
				return segment.Batch{First: b.First, Count: b.Count}, true
			}
		}
	}
	return segment.Batch{}, false
}
