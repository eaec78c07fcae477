package logbench

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/disk"
)

// syncer writes and syncs, and nothing else: what one writer is held against.
type syncer struct {
	f  disk.File
	at int64
}

// newSyncer makes a file of bareBytes that is filled with zeros.
func newSyncer(dir string) (*syncer, error) {
	f, err := disk.OS{}.Create(filepath.Join(dir, "file"))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Preallocate(bareBytes), f.SyncData()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &syncer{f: f}, nil
}

// append writes and syncs a record.
func (s *syncer) append(record []byte) error {
	if s.at+int64(len(record)) > bareBytes {
		s.at = 0
	}
	if _, err := s.f.WriteAt(record, s.at); err != nil {
		return err
	}
	s.at += int64(len(record))
	return s.f.SyncData()
}

// single measures how long one writer waits for each record.
func (r *runner) single(ctx context.Context) error {
	f := r.figure(Single, "One writer, 1 KB", "at most 1.3 times a bare write and fdatasync, which is a ratio of 0.77")
	dir, remove, err := r.folder("single")
	if err != nil {
		return err
	}
	defer remove()
	s, err := newSyncer(dir)
	if err != nil {
		return err
	}
	w := work{"one writer", 1, 1, 1, 1000}
	err = r.inStore("single", func(store *dlog.Store) error {
		g, err := r.group(ctx, store, w)
		if err != nil {
			return err
		}
		for i := range r.c.Repeat {
			var limit, measured *outcome
			err := turns(i,
				func() (err error) { limit, err = r.bareOutcome(ctx, s, w); return err },
				func() (err error) { measured, err = r.drive(ctx, g); return err })
			if err != nil {
				return err
			}
			const is = "write and fdatasync of a prepared file"
			r.add(f, "p50", Micros, is, quantile(measured.nanos, 0.5), quantile(limit.nanos, 0.5))
			r.add(f, "p99", Micros, is, quantile(measured.nanos, 0.99), quantile(limit.nanos, 0.99))
		}
		return nil
	})
	return errors.Join(err, s.f.Close())
}

func (r *runner) bareOutcome(ctx context.Context, s *syncer, w work) (*outcome, error) {
	record := newRecord(0, 0, w.bytes)
	return drive(ctx, []appender{func() (int, error) { return len(record), s.append(record) }}, r.c.Duration)
}
