package dlog

import (
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// Fork makes a log that has the records of this one before an offset, and goes on by itself from there. The records are
// shared, not copied: the files are removed when no log needs them any more. The offset must lie between the first record
// that is kept and what is durable. The fork keeps as much as this log and compresses as it does; it has no subscriptions
// and begins with this log's epoch. One that shares no record knows no last transaction id.
func (l *Log) Fork(name string, offset uint64) (*Log, error) {
	if err := l.load(); err != nil {
		return nil, err
	}
	s := l.store
	s.files.Lock()
	defer s.files.Unlock()
	if end := l.committed.Load(); offset > end {
		return nil, &BeyondEndError{End: end}
	}
	if err := l.saveLocked(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	row := l.mu.meta
	gone := l.mu.gone
	extents := append([]*extent{}, l.mu.extents...)
	l.mu.Unlock()
	switch {
	case gone:
		return nil, ErrDeleted
	case offset < row.First:
		return nil, &TruncatedError{First: row.First}
	}
	var parts []metadata.Segment
	for _, e := range extents {
		if offset == row.First || e.row.First >= offset || e.row.First == e.end.Offset || e.end.Offset <= row.First {
			continue
		}
		part, err := s.part(l, e, offset)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	row.Name, row.Sealed, row.Parent, row.ForkedAt = name, false, l.id, offset
	return s.create(row, func(tx *metadata.Tx, row metadata.Log) error {
		for _, part := range parts {
			part.Log = row.ID
			if err := tx.PutSegment(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// saveLocked makes what is durable in the journal durable in the log's files. Who calls holds the store's files.
func (l *Log) saveLocked() error {
	s := l.store
	if _, err := s.flushLocked([]*Log{l}); err != nil {
		return err
	}
	var all []saving
	l.mu.Lock()
	for _, e := range l.mu.extents {
		if e.unsynced() {
			all = append(all, saving{l, e, e.end})
		}
	}
	l.mu.Unlock()
	if err := s.saveLocked(all, s.noted); err != nil {
		return s.fileError(err)
	}
	return nil
}

// part returns the row for the part of a file that lies before an offset.
func (s *Store) part(l *Log, e *extent, offset uint64) (metadata.Segment, error) {
	row := e.row
	if row.Next <= offset {
		return row, nil
	}
	var src source
	defer src.close()
	p := l.place(e)
	at, err := src.seek(s, p, segment.ByOffset, int64(offset-1))
	if err != nil {
		return row, s.lookupError(p, err)
	}
	src.at = at
	b, size, err := src.batchNow(64 << 10)
	if err != nil {
		return row, s.lookupError(p, err)
	}
	row.Next, row.Bytes, row.TxID, row.Time = offset, at+int64(size), b.TxID, b.Time
	row.Sealed = false
	return row, nil
}
