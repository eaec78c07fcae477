package dlog

import (
	"errors"
	"io/fs"
	"time"

	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// A segment file is removed only when the database says so, never because nothing is known of it. The transaction in
// which the last log gives a file up gives it to the trash, a log of the store's own; then the file is removed, and when
// its name is safely gone the trash forgets it. What a crash leaves in the trash Open removes.

// discarding is files that some log gives up, in a transaction.
type discarding struct {
	store *Store
	log   uint64
	files []uint64 // that it gives up
	last  []uint64 // those that no other log uses
}

// discardLocked finds out which files are to be removed when a log gives them up. Who calls holds files and rows.
func (s *Store) discardLocked(log uint64, files []uint64) (*discarding, error) {
	d := &discarding{store: s, log: log, files: files}
	for _, file := range files {
		users, err := s.db.FileUsers(file)
		if err != nil {
			return nil, metaError(err)
		}
		if users <= 1 {
			d.last = append(d.last, file)
		}
	}
	return d, nil
}

// change is the part of the transaction.
func (d *discarding) change(tx *metadata.Tx) error {
	for _, file := range d.files {
		if err := tx.DeleteSegment(d.log, file); err != nil {
			return err
		}
	}
	if len(d.last) == 0 {
		return nil
	}
	if err := d.store.makeTrash(tx); err != nil {
		return err
	}
	for _, file := range d.last {
		if err := tx.PutSegment(metadata.Segment{Log: d.store.trash, File: file, Owner: d.store.trash}); err != nil {
			return err
		}
	}
	return nil
}

// makeTrash makes the trash if there is none. Who calls holds the store's rows.
func (s *Store) makeTrash(tx *metadata.Tx) error {
	if s.trash != 0 {
		return nil
	}
	id := tx.NextID()
	err := tx.PutLog(metadata.Log{ID: id, Name: trashName, Created: time.Now().UnixNano()})
	if err == nil {
		s.trash = id
	}
	return err
}

// remove removes the files when the transaction is done. What fails is left to the next Open.
func (d *discarding) remove() {
	for _, file := range d.files {
		d.store.handles.forget(file)
	}
	if err := d.store.removeFiles(d.last); err != nil {
		d.store.failed(err)
	}
}

// removeFiles removes files that are in the trash.
func (s *Store) removeFiles(files []uint64) error {
	if len(files) == 0 {
		return nil
	}
	for _, file := range files {
		if err := s.o.FS.Remove(segment.FileName(s.segments, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.counts.retired.Add(1)
		if s.o.Hooks.Retired != nil {
			s.o.Hooks.Retired(file)
		}
	}
	if err := s.o.FS.SyncDir(s.segments); err != nil {
		return err
	}
	return s.free(func(tx *metadata.Tx) error {
		for _, file := range files {
			if err := tx.DeleteSegment(s.trash, file); err != nil {
				return err
			}
		}
		return nil
	})
}

// empty removes what a crash has left in the trash.
func (s *Store) empty(report *Recovery) error {
	if s.trash == 0 {
		return nil
	}
	var files []uint64
	err := s.db.Segments(s.trash, func(row metadata.Segment) error {
		files = append(files, row.File)
		return nil
	})
	if err != nil {
		return metaError(err)
	}
	report.Removed = len(files)
	return s.removeFiles(files)
}

// Truncate removes all records before an offset, which must not be behind what is durable. Files are removed when no
// record in them is left, in this log and in those that share them.
func (l *Log) Truncate(offset uint64) error {
	if err := l.load(); err != nil {
		return err
	}
	l.store.files.Lock()
	defer l.store.files.Unlock()
	return l.truncateLocked(offset)
}

// truncateLocked is Truncate for who holds the store's files.
func (l *Log) truncateLocked(offset uint64) error {
	s := l.store
	if end := l.committed.Load(); offset > end {
		return &BeyondEndError{End: end}
	}
	l.mu.Lock()
	flushed, first := l.mu.flushed, l.mu.meta.First
	l.mu.Unlock()
	if offset <= first {
		return nil
	}
	if offset > flushed { // so that all that stays follows what is in files
		_, err := s.flushLocked([]*Log{l})
		if errors.Is(err, ErrFull) && flushed > first { // what can go gives room
			if err := l.truncateLocked(flushed); err != nil {
				return err
			}
			_, err = s.flushLocked([]*Log{l})
		}
		if err != nil {
			return err
		}
	}
	s.rows.Lock()
	defer s.rows.Unlock()
	gone, left, heir := l.divide(offset)
	files := make([]uint64, len(gone))
	for i, e := range gone {
		files[i] = e.row.File
	}
	d, err := s.discardLocked(l.id, files)
	if err != nil {
		return err
	}
	err = l.changeBy(s.free, func(m *metadata.Log) { m.First = offset }, func(tx *metadata.Tx) error {
		if heir != nil {
			heir.File = tx.NextFile()
			if err := tx.PutSegment(*heir); err != nil {
				return err
			}
		}
		return d.change(tx)
	})
	if err != nil {
		return err
	}
	if heir != nil {
		left = append(left, newExtent(*heir))
	}
	l.mu.Lock()
	l.mu.extents = left
	l.mu.Unlock()
	for _, e := range gone {
		err = errors.Join(err, s.writers.close(e))
	}
	d.remove()
	return err
}

// divide parts the log's files into those that lie before an offset and the others. If none is left, the row of an heir
// keeps where the log ends, and its last transaction id and time; its file is made when there is something to write.
func (l *Log) divide(offset uint64) (gone, left []*extent, heir *metadata.Segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range l.mu.extents {
		last := i == len(l.mu.extents)-1
		if e.end.Offset > offset || last && e.end.Offset == e.row.First && e.row.Owner == l.id {
			left = append(left, e)
		} else {
			gone = append(gone, e)
		}
	}
	if len(left) > 0 || len(gone) == 0 {
		return gone, left, nil
	}
	end := gone[len(gone)-1].end
	return gone, nil, &metadata.Segment{
		Log: l.id, Owner: l.id, OwnerFirst: end.Offset, First: end.Offset, Next: end.Offset, TxID: end.TxID, Time: end.Time,
		Created: time.Now().UnixNano(),
	}
}

// Delete deletes a log with its records and subscriptions. Its writer and its readers get ErrDeleted. Records that other
// logs share stay theirs.
func (s *Store) Delete(name string) error {
	l, err := s.Log(name)
	if err != nil {
		return err
	}
	if err := l.load(); err != nil {
		return err
	}
	s.files.Lock()
	defer s.files.Unlock()
	s.rows.Lock()
	defer s.rows.Unlock()
	if l.Name() != name {
		return ErrDeleted
	}
	l.mu.Lock()
	gone, extents := l.mu.gone, l.mu.extents
	l.mu.Unlock()
	if gone {
		return ErrDeleted
	}
	files := make([]uint64, len(extents))
	for i, e := range extents {
		files[i] = e.row.File
	}
	d, err := s.discardLocked(l.id, files)
	if err != nil {
		return err
	}
	err = s.free(func(tx *metadata.Tx) error {
		if err := d.change(tx); err != nil {
			return err
		}
		return tx.DeleteLog(l.id)
	})
	if err != nil {
		return err
	}
	s.logs.Lock()
	delete(s.logs.byID, l.id)
	if s.logs.byName[name] == l {
		delete(s.logs.byName, name)
	}
	s.logs.Unlock()
	l.vanish()
	for _, e := range extents {
		err = errors.Join(err, s.writers.close(e))
	}
	d.remove()
	return err
}

// vanish makes a log that was deleted known as such to all who use it, and gives up its part of the window.
func (l *Log) vanish() {
	l.ap.Lock()
	defer l.ap.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ap.err = ErrDeleted
	l.mu.gone = true
	for i := l.mu.tail.find(l.mu.flushed); i < l.mu.tail.n; i++ {
		it := l.mu.tail.at(i)
		l.store.window.settle(it.c, len(it.body))
	}
	l.mu.tail, l.mu.extents = ring{}, nil
	l.mu.durable.wakeAll()
	l.mu.written.wakeAll()
}
