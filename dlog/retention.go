package dlog

import (
	"errors"
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/dlog/metadata"
)

// retire drops what the logs need not keep: whole files, the oldest first.
func (s *Store) retire() {
	s.logs.RLock()
	logs := s.aged[:0]
	for _, l := range s.logs.byID {
		l.mu.Lock()
		if l.mu.meta.Retain != (Retention{}) {
			logs = append(logs, l)
		}
		l.mu.Unlock()
	}
	s.logs.RUnlock()
	for i, l := range logs {
		if err := s.retireLog(l, time.Now()); err != nil && !errors.Is(err, ErrDeleted) {
			s.failed(fmt.Errorf("retention of log %d: %w", l.id, err))
		}
		logs[i] = nil
	}
	s.aged = logs[:0]
}

// retireLog drops what a log need not keep.
func (s *Store) retireLog(l *Log, now time.Time) error {
	if err := l.load(); err != nil {
		return err
	}
	s.files.Lock()
	defer s.files.Unlock()
	upTo := l.expired(now.UnixNano())
	if upTo > 0 && s.o.KeepForSubscriptions {
		err := s.db.Subscriptions(l.id, func(sub metadata.Subscription) error {
			upTo = min(upTo, sub.Offset)
			return nil
		})
		if err != nil {
			return metaError(err)
		}
	}
	return l.truncateLocked(upTo)
}

// expired returns the offset up to which the log's files need not be kept. A file goes when its last record is too old,
// or when those behind it are as large as what is to be kept; by its size the last file never goes.
func (l *Log) expired(now int64) (upTo uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keep := l.mu.meta.Retain
	behind := int64(0)
	for _, e := range l.mu.extents {
		behind += e.end.At
	}
	for i, e := range l.mu.extents {
		behind -= e.end.At
		old := keep.Age > 0 && e.end.Time < now-int64(keep.Age)
		much := keep.Bytes > 0 && behind >= keep.Bytes && i < len(l.mu.extents)-1
		if !old && !much {
			return upTo
		}
		upTo = e.end.Offset
	}
	return upTo
}
