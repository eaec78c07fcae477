package dlog

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ardea-stream/ardea/dlog/journal"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// manyFiles is from how many files on one sync of all is cheaper than a sync of each.
const manyFiles = 16

// Checkpoint makes all that is durable in the journal durable in segment files, and lets the journal go. The store does
// it by itself.
func (s *Store) Checkpoint() error {
	s.files.Lock()
	defer s.files.Unlock()
	return s.checkpointLocked()
}

// saving is a file that a checkpoint makes durable.
type saving struct {
	log *Log
	e   *extent
	end segment.Mark
}

// checkpointLocked is Checkpoint for who holds the store's files. The order is what keeps all safe: what the journal was
// told of, written, synced, noted, and only then released.
func (s *Store) checkpointLocked() (err error) {
	if err := s.Err(); err != nil {
		return err
	}
	if s.writers.closed {
		return ErrClosed
	}
	began := time.Now()
	upTo := journal.Position(s.told.Load())
	logs := s.takeDirty()
	defer func() { s.returnDirty(logs, err) }()
	s.sinceCheckpoint.Store(0)
	if _, err := s.flushLocked(logs); err != nil {
		return err
	}
	var all []saving
	for _, l := range logs {
		l.mu.Lock()
		for _, e := range l.mu.extents {
			if e.unsynced() && !l.mu.gone {
				all = append(all, saving{l, e, e.end})
			}
		}
		l.mu.Unlock()
	}
	if err := s.saveLocked(all, upTo); err != nil {
		return s.fileError(err)
	}
	s.journal.Release(upTo)
	s.counts.checkpoints.Add(1)
	if s.o.Hooks.Checkpoint != nil {
		s.o.Hooks.Checkpoint(len(all), time.Since(began))
	}
	return nil
}

// noteName names the row that notes from where on the journal is needed: a subscription of the trash. In the same
// transaction as how far files are durable, it makes database and journal vouch for each other: if either has lost its
// last writes, the journal's file of the note is not there.
const noteName = "journal"

// note is the part of a transaction that lets the journal go up to a position. Who calls holds the store's rows.
func (s *Store) note(tx *metadata.Tx, upTo journal.Position) error {
	if upTo.File() == s.noted.File() {
		return nil
	}
	if err := s.makeTrash(tx); err != nil {
		return err
	}
	return tx.PutSubscription(metadata.Subscription{
		Log: s.trash, Name: noteName, Offset: uint64(upTo), Updated: time.Now().UnixNano(),
	})
}

// saveLocked syncs files, notes how far they are durable, and that the journal is needed from a position on only.
func (s *Store) saveLocked(all []saving, upTo journal.Position) error {
	if len(all) == 0 && upTo.File() == s.noted.File() {
		return nil
	}
	if err := s.syncLocked(all); err != nil {
		return err
	}
	s.rows.Lock()
	defer s.rows.Unlock()
	err := s.update(func(tx *metadata.Tx) error {
		for _, v := range all {
			if err := tx.PutSegment(v.e.durable(v.end)); err != nil {
				return err
			}
		}
		return s.note(tx, upTo)
	})
	if err != nil {
		return err
	}
	s.noted = upTo
	for _, v := range all {
		v.log.mu.Lock()
		v.e.row, v.e.named = v.e.durable(v.end), true
		v.log.mu.Unlock()
	}
	return nil
}

// syncLocked syncs files and their names.
func (s *Store) syncLocked(all []saving) error {
	unnamed := false
	together := len(all) >= manyFiles
	if together {
		if err := s.o.FS.SyncAll(s.segments); err != nil {
			return unsaved(err)
		}
	}
	for _, v := range all {
		unnamed = unnamed || !v.e.named
		sync := (*segment.Writer).Sync
		w := s.writers.get(v.e)
		if together && w != nil {
			sync = (*segment.Writer).Synced
		}
		if w == nil {
			var err error
			if w, err = s.writerOf(v.e); err != nil {
				return err
			}
		}
		if err := sync(w); err != nil {
			return s.lost(v.e, err)
		}
	}
	if unnamed && !together {
		if err := s.o.FS.SyncDir(s.segments); err != nil {
			return unsaved(err)
		}
	}
	return nil
}

// soil notes that a log has got n bytes that a checkpoint must make durable. It is called before the journal has them.
func (s *Store) soil(l *Log, n int) {
	since := s.sinceCheckpoint.Add(int64(n) + itemSize)
	if since > s.o.CheckpointBytes {
		s.poke()
	}
	if since > s.idle.least && !s.idle.armed.Load() && !s.idle.armed.Swap(true) {
		s.idle.timer.Reset(s.idle.after)
	}
	if l.dirty.Load() || l.dirty.Swap(true) {
		return
	}
	s.dirty.Lock()
	defer s.dirty.Unlock()
	s.dirty.logs = append(s.dirty.logs, l)
}

// A checkpoint is made when so much was appended, and then nothing for a while.
const (
	idleBytes = 4 << 20
	idleAfter = time.Second
)

// idleness notices that nothing is appended any more. An append arms the timer; while it is armed appends do not touch
// it, and when it fires it looks whether there were any.
type idleness struct {
	least int64         // bytes that call for a checkpoint
	after time.Duration // that nothing was appended
	timer *time.Timer
	armed atomic.Bool
	seen  int64 // bytes since the last checkpoint when the timer fired last; the timer's
	due   atomic.Bool
}

// quiet is what the timer calls.
func (s *Store) quiet() {
	since := s.sinceCheckpoint.Load()
	switch {
	case s.closedErr() != nil:
	case since <= s.idle.least:
		s.idle.armed.Store(false)
	case since != s.idle.seen:
		s.idle.seen = since
		s.idle.timer.Reset(s.idle.after)
	default:
		s.idle.seen = 0
		s.idle.armed.Store(false)
		s.idle.due.Store(true)
		s.poke()
	}
}

// takeDirty returns the dirty logs, which are clean for the moment.
func (s *Store) takeDirty() []*Log {
	s.dirty.Lock()
	defer s.dirty.Unlock()
	logs := s.dirty.logs
	s.dirty.logs = nil
	for _, l := range logs {
		l.dirty.Store(false)
	}
	return logs
}

// returnDirty makes those logs dirty again that a checkpoint has not made clean.
func (s *Store) returnDirty(logs []*Log, failure error) {
	for _, l := range logs {
		l.mu.Lock()
		left := failure != nil || l.mu.tail.n > 0 && l.mu.tail.last().next > l.mu.flushed
		l.mu.Unlock()
		if left {
			s.soil(l, 0)
		}
	}
}

// metaError translates an error of the database.
func metaError(err error) error {
	for _, same := range []struct{ theirs, ours error }{
		{metadata.ErrExists, ErrExists},
		{metadata.ErrName, ErrName},
		{metadata.ErrNotFound, ErrDeleted},
		{metadata.ErrDeleted, ErrDeleted},
		{metadata.ErrClosed, ErrClosed},
		{metadata.ErrCorrupt, ErrCorrupt},
		{metadata.ErrStopped, ErrStopped},
		{metadata.ErrFull, ErrFull},
		{metadata.ErrUnwritable, ErrReadOnly},
	} {
		if errors.Is(err, same.theirs) && !errors.Is(err, same.ours) { // a full disk can have stopped it
			err = fmt.Errorf("%w: %w", same.ours, err)
		}
	}
	return err
}
