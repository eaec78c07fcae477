package dlog

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ardea-stream/ardea/dlog/journal"
	"github.com/ardea-stream/ardea/dlog/metadata"
)

// Log is a log of a store. All methods may be called by several goroutines. A log that nobody uses costs little: what is
// in its files is looked up when it is first asked for.
//
// Locks, in the order in which they may be taken: store.files, ap, mu. The journal's writer takes ap only when something has
// failed, since an appender may wait for it with ap held.
type Log struct {
	store *Store
	id    uint64

	end       atomic.Uint64 // offset behind what was appended
	committed atomic.Uint64 // offset behind what is durable
	loaded    atomic.Bool
	dirty     atomic.Bool // it is among the store's dirty logs

	flushing  bool   // it is among those that are being flushed; under the store's files
	lastChunk *chunk // that it has batches in; under the window's lock

	// ap is held by the appender whose turn it is.
	ap struct {
		sync.Mutex

		writer *Writer // the only one that may append
		next   uint64  // offset of the next record
		txid   int64   // of the last batch
		time   int64
		err    error // why nothing can be appended
	}
	mu struct {
		sync.Mutex

		meta    metadata.Log
		extents []*extent // files, by offset; the last one may be written to
		tail    ring      // what is in the window; holds all that is in no file
		flushed uint64    // offset behind what is in files
		gone    bool      // deleted
		durable waiters   // for commits
		written waiters   // for appends
		watches []*watch
	}
}

// Info is what is known of a log.
type Info struct {
	Name      string
	ID        uint64 // never used again
	Created   time.Time
	First     uint64    // offset of the first record that is kept
	End       uint64    // offset of the next record
	Committed uint64    // offset behind the last record that is durable
	TxID      int64     // of the last batch; math.MinInt64 if there was none
	Time      time.Time // of the last batch; zero if there was none
	Epoch     uint64    // of the last writer, 0 if there was none
	Sealed    bool
	Bytes     int64 // of its files, those that it shares with other logs included
	Segments  int   // how many files those are
	Retain    Retention
	Parent    uint64 // ID of the log that it was forked from, 0 for none
	ForkedAt  uint64 // offset up to which it shares its parent's records
}

// load looks up which files the log has, once.
func (l *Log) load() error {
	if l.loaded.Load() {
		return nil
	}
	l.ap.Lock()
	defer l.ap.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loaded.Load() {
		return nil
	}
	if l.mu.gone {
		return ErrDeleted
	}
	var extents []*extent
	err := l.store.db.Segments(l.id, func(row metadata.Segment) error {
		extents = append(extents, newExtent(row))
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up the files of %q: %w", l.mu.meta.Name, metaError(err))
	}
	l.mu.extents = extents
	next := l.mu.meta.First
	l.ap.txid, l.ap.time = noTxID, noTime
	if n := len(extents); n > 0 {
		next = extents[n-1].end.Offset
		l.ap.txid, l.ap.time = extents[n-1].end.TxID, extents[n-1].end.Time
	}
	l.ap.next, l.mu.flushed = next, next
	l.end.Store(next)
	l.committed.Store(next)
	l.loaded.Store(true)
	return nil
}

// ID returns the log's number, which no other log of the store ever has.
func (l *Log) ID() uint64 { return l.id }

// Name returns the log's name.
func (l *Log) Name() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.meta.Name
}

// Info returns what is known of the log.
func (l *Log) Info() (Info, error) {
	if err := l.load(); err != nil {
		return Info{}, err
	}
	l.ap.Lock()
	txid, at := l.ap.txid, l.ap.time
	l.ap.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.gone {
		return Info{}, ErrDeleted
	}
	m := &l.mu.meta
	info := Info{
		Name: m.Name, ID: m.ID, Created: time.Unix(0, m.Created), First: m.First, TxID: txid, Epoch: m.Epoch, Sealed: m.Sealed,
		Segments: len(l.mu.extents), Retain: m.Retain, Parent: m.Parent, ForkedAt: m.ForkedAt,
	}
	info.Committed = l.committed.Load()
	info.End = max(l.end.Load(), info.Committed)
	if at != noTime {
		info.Time = time.Unix(0, at)
	}
	for _, s := range l.mu.extents {
		info.Bytes += s.end.At
	}
	return info, nil
}

// commit notes that all before an offset is durable, and wakes who waits for that. The journal's writer calls it.
func (l *Log) commit(next uint64, at journal.Position) {
	l.committed.Store(next)
	l.store.told.Store(uint64(at))
	if l.mu.durable.waiting() {
		l.mu.Lock()
		l.mu.durable.wakeAll()
		l.mu.Unlock()
	}
}

// rollBack takes away a batch that the journal could not take, and what follows it. Nobody appends meanwhile: the journal
// holds all others up until those who have failed are told. The writer refuses others until its callers know.
func (l *Log) rollBack(f *Future, cause error) {
	first := f.res.First
	l.ap.Lock()
	defer l.ap.Unlock()
	f.writer.failLocked(f, cause)
	l.mu.Lock()
	defer l.mu.Unlock()
	if first >= l.ap.next {
		return
	}
	l.loseLocked(first, cause)
	for l.mu.tail.n > 0 && l.mu.tail.last().first >= first {
		it := l.mu.tail.last()
		l.store.window.settle(it.c, len(it.body))
		l.mu.tail.dropBack()
	}
	l.ap.next = first
	l.end.Store(first)
	l.ap.txid, l.ap.time = noTxID, noTime
	if l.mu.tail.n > 0 {
		l.ap.txid, l.ap.time = l.mu.tail.last().txid, l.mu.tail.last().time
	} else if n := len(l.mu.extents); n > 0 {
		l.ap.txid, l.ap.time = l.mu.extents[n-1].end.TxID, l.mu.extents[n-1].end.Time
	}
	l.mu.written.wakeAll()
	l.mu.durable.wakeAll()
}

// forget takes away those batches of the tail that stand in a chunk, and those before them: all are in files.
func (l *Log) forget(c *chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.tail.dropChunk(c)
}

// change changes the log's row, in the database and then in memory. Only it changes it.
func (l *Log) change(edit func(*metadata.Log)) error {
	l.store.rows.Lock()
	defer l.store.rows.Unlock()
	return l.changeLocked(edit)
}

// changeLocked is change for who holds the store's rows.
func (l *Log) changeLocked(edit func(*metadata.Log)) error {
	return l.changeBy(l.store.update, edit, nil)
}

// changeBy is changeLocked by a transaction of its own kind. also adds to it.
func (l *Log) changeBy(update func(func(*metadata.Tx) error) error, edit func(*metadata.Log), also func(*metadata.Tx) error) error {
	l.mu.Lock()
	row, gone := l.mu.meta, l.mu.gone
	l.mu.Unlock()
	if gone {
		return ErrDeleted
	}
	edit(&row)
	err := update(func(tx *metadata.Tx) error {
		if err := tx.PutLog(row); err != nil || also == nil {
			return err
		}
		return also(tx)
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.meta = row
	return nil
}

// Retain changes what the log keeps.
func (l *Log) Retain(r Retention) error {
	if r.Age < 0 || r.Bytes < 0 {
		return errors.New("dlog: retention is negative")
	}
	return l.change(func(m *metadata.Log) { m.Retain = r })
}
