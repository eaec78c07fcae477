package dlog

import (
	"errors"
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// flushBytes is how much is handed to a segment file at once.
const flushBytes = 1 << 20

// flushDue writes what must leave the window.
func (s *Store) flushDue() {
	for s.Err() == nil {
		s.due = s.window.due(s.due[:0])
		waiting := s.window.isWaiting()
		if len(s.due) == 0 {
			if waiting {
				s.window.flushed(nil) // what is in the way can be dropped now, or is not durable yet
			}
			return
		}
		s.files.Lock()
		wrote, err := s.flushLocked(s.due)
		s.files.Unlock()
		s.window.flushed(err)
		clear(s.due)
		if err != nil {
			s.failed(fmt.Errorf("write segment files: %w", err))
			return
		}
		if !wrote {
			return // nothing of it is durable yet; the next batch that is wakes the flusher
		}
	}
}

// flushLocked writes all durable batches of some logs to their files, and says whether there were any. Who calls holds
// the store's files.
func (s *Store) flushLocked(logs []*Log) (wrote bool, err error) {
	if err := s.Err(); err != nil {
		return false, err // a file that has failed must not be touched again
	}
	var some, fresh []*Log
	defer func() {
		for _, l := range some {
			l.flushing = false
		}
	}()
	for _, l := range logs {
		if l.flushing || !l.needsWriting() {
			continue
		}
		l.flushing = true
		some = append(some, l)
		e := l.active()
		if e == nil || !s.usable(e) || s.full(e) || !l.follows(e) {
			fresh = append(fresh, l)
		}
	}
	if len(fresh) > 0 {
		if err := s.rollLocked(fresh); err != nil {
			return false, s.fileError(err)
		}
	}
	for _, l := range some {
		if err := s.writeLocked(l); err != nil {
			return false, s.fileError(err)
		}
	}
	return len(some) > 0, nil
}

// full says whether a log is to go on in another file than this one.
func (s *Store) full(e *extent) bool {
	if e.end.Offset == e.row.First {
		return false
	}
	return e.end.At >= s.o.SegmentBytes || s.o.SegmentAge > 0 && time.Since(time.Unix(0, e.row.Created)) > s.o.SegmentAge
}

// usable says whether a file that was there when the store was opened can be written on. One that is damaged is left as
// it is, and its log goes on in another; what can be read of it can still be. So is one that goes on behind its durable
// end: it may be one whose sync has failed, and a later sync of it would not tell what was lost.
func (s *Store) usable(e *extent) bool {
	if e.ended || e.opened {
		return !e.ended
	}
	path := segment.FileName(s.segments, e.row.File)
	if size, err := s.sizeOf(path); err == nil && (size > e.end.At || !e.exists) {
		e.ended = true
		return false
	}
	if !e.exists {
		return true
	}
	_, err := s.writerOf(e)
	if err == nil || !isDamage(err) {
		return true
	}
	e.ended = true
	s.failed(&CorruptError{File: path, From: e.row.First, To: e.row.Next, Err: err})
	return false
}

// sizeOf returns how many bytes a file has.
func (s *Store) sizeOf(path string) (int64, error) {
	f, err := s.o.FS.Open(path)
	if err != nil {
		return 0, err
	}
	size, err := f.Size()
	return size, errors.Join(err, f.Close())
}

// sealLocked makes durable what was written to a file, and ends it with an index if what stands in it verifies. It
// returns its row.
func (s *Store) sealLocked(e *extent) (metadata.Segment, error) {
	w, err := s.writerOf(e)
	if err != nil {
		return metadata.Segment{}, err
	}
	err = w.Seal()
	if errors.Is(err, segment.ErrCorrupt) {
		s.failed(&CorruptError{File: segment.FileName(s.segments, e.row.File), From: e.row.First, To: e.row.Next, Err: err})
		if err := w.Sync(); err != nil {
			return metadata.Segment{}, s.lost(e, err)
		}
		return e.durable(w.End()), nil
	}
	if err != nil {
		return metadata.Segment{}, s.lost(e, err)
	}
	row := e.durable(w.End())
	row.Sealed = true
	return row, nil
}

// rollLocked seals the files that some logs write to, each if it has one, and gives each a new one.
func (s *Store) rollLocked(logs []*Log) (err error) {
	sealed := make([]metadata.Segment, len(logs))
	defer func() {
		if err != nil {
			s.unseal(logs, sealed)
		}
	}()
	unnamed := false
	for i, l := range logs {
		e := l.active()
		if e == nil || e.ended {
			continue
		}
		if sealed[i], err = s.sealLocked(e); err != nil {
			return err
		}
		unnamed = unnamed || !e.named
	}
	if unnamed {
		if err := s.o.FS.SyncDir(s.segments); err != nil {
			return unsaved(err)
		}
	}
	fresh := make([]metadata.Segment, len(logs))
	now := time.Now().UnixNano()
	s.rows.Lock()
	defer s.rows.Unlock()
	void, err := s.voidLocked(logs)
	if err != nil {
		return err
	}
	err = s.update(func(tx *metadata.Tx) error {
		for _, d := range void {
			if err := d.change(tx); err != nil {
				return err
			}
		}
		for i, l := range logs {
			if sealed[i].File != 0 {
				if err := tx.PutSegment(sealed[i]); err != nil {
					return err
				}
			}
			fresh[i] = l.nextRow(tx.NextFile(), now)
			if err := tx.PutSegment(fresh[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, l := range logs {
		l.mu.Lock()
		if sealed[i].File != 0 {
			e := l.mu.extents[len(l.mu.extents)-1]
			e.row, e.named = sealed[i], true
			err = errors.Join(err, s.writers.close(e))
			s.handles.forget(e.row.File) // to be opened with its index
		}
		if n := len(l.mu.extents); n > 0 && l.mu.extents[n-1].void(l) {
			l.mu.extents = l.mu.extents[:n-1]
		}
		l.mu.extents = append(l.mu.extents, newExtent(fresh[i]))
		l.mu.Unlock()
	}
	for _, d := range void {
		d.remove()
	}
	return err
}

// voidLocked returns what gives up those files of some logs that nothing was ever durable in and that cannot be written
// to. Who calls holds the store's files and rows.
func (s *Store) voidLocked(logs []*Log) (all []*discarding, err error) {
	for _, l := range logs {
		e := l.active()
		if e == nil || !e.void(l) {
			continue
		}
		d, err := s.discardLocked(l.id, []uint64{e.row.File})
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// unseal makes files be written to again that were sealed when the rest of a roll failed: their seals are void, and are
// cut off when the files are opened to be written.
func (s *Store) unseal(logs []*Log, sealed []metadata.Segment) {
	for i, l := range logs {
		if e := l.active(); e != nil && e.row.File == sealed[i].File {
			_ = s.writers.close(e) // all of it was synced
			s.handles.forget(e.row.File)
		}
	}
}

// nextRow returns the row of a file in which the log will go on.
func (l *Log) nextRow(file uint64, now int64) metadata.Segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.mu.flushed
	if i := l.mu.tail.find(at); i < l.mu.tail.n {
		at = l.mu.tail.at(i).first // later than what is in files where damage was left out, or truncated
	}
	row := metadata.Segment{
		Log: l.id, File: file, Owner: l.id, OwnerFirst: at, First: at, Next: at, TxID: noTxID, Time: noTime, Created: now,
	}
	if n := len(l.mu.extents); n > 0 {
		row.TxID, row.Time = l.mu.extents[n-1].end.TxID, l.mu.extents[n-1].end.Time
	}
	return row
}

// writerOf returns the writer of the file that a log writes to, opening the file if need be.
func (s *Store) writerOf(e *extent) (*segment.Writer, error) {
	if w := s.writers.get(e); w != nil {
		return w, nil
	}
	if s.writers.closed {
		return nil, ErrClosed
	}
	path, id := segment.FileName(s.segments, e.row.File), e.id(s.held.Store)
	var w *segment.Writer
	var err error
	if e.exists {
		w, err = segment.Append(s.o.FS, path, id, e.end)
	} else {
		w, err = segment.Create(s.o.FS, path, id)
	}
	if err != nil {
		return nil, err
	}
	e.exists, e.opened = true, true
	return w, s.writers.add(e, w)
}

// writeLocked writes what a log has to be written.
func (s *Store) writeLocked(l *Log) error {
	e := l.active()
	for {
		s.scratch = l.unwritten(s.scratch[:0], flushBytes)
		if len(s.scratch) == 0 {
			return nil
		}
		if s.scratch[0].first != e.end.Offset { // behind a gap
			if err := s.rollLocked([]*Log{l}); err != nil {
				return err
			}
			e = l.active()
		}
		w, err := s.writerOf(e)
		if err == nil {
			err = writeBatches(w, s.scratch)
		}
		if err != nil {
			return errors.Join(err, s.writers.close(e)) // what is behind its end is cut when it is opened again
		}
		l.mu.Lock()
		if e.end.Offset == e.row.First {
			e.row.FirstTxID, e.row.FirstTime = s.scratch[0].txid, s.scratch[0].time
		}
		e.end = w.End()
		l.mu.flushed = e.end.Offset
		l.mu.Unlock()
		for i := range s.scratch {
			s.window.settle(s.scratch[i].c, len(s.scratch[i].body))
		}
		clear(s.scratch)
	}
}

func writeBatches(w *segment.Writer, items []item) error {
	for i := range items {
		it := &items[i]
		err := w.Put(&segment.Batch{
			Epoch: it.epoch, First: it.first, Count: uint32(it.next - it.first), TxID: it.txid, Time: it.time,
			Codec: it.codec, Payload: it.body,
		}, it.sum)
		if err != nil {
			return err
		}
	}
	return w.Write()
}

// lost says of a file whose sync has failed that nothing more will be durable in it.
func (s *Store) lost(e *extent, err error) error {
	return errors.Join(fmt.Errorf("segment file %016x: %w", e.row.File, err), s.writers.close(e))
}

// errUnsaved says that a sync of several files, or of their names, has failed.
var errUnsaved = errors.New("what was written may be lost")

func unsaved(err error) error { return fmt.Errorf("%w: %w", errUnsaved, err) }

// fileError returns an error of writing segment files. All stop the store, as what was written may be lost, and the journal
// has it; but for a disk that is full or read-only, if it is no sync that has found that.
func (s *Store) fileError(err error) error {
	if errors.Is(err, segment.ErrFailed) || errors.Is(err, errUnsaved) {
		return s.stop(err)
	}
	switch {
	case errors.Is(err, ErrStopped):
	case errors.Is(err, ErrFull) || errors.Is(err, ErrReadOnly) || errors.Is(err, ErrClosed):
		return err
	case disk.IsFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case disk.IsReadOnly(err):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return s.stop(err)
}
