package dlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ardea-stream/ardea/dlog/identity"
	"github.com/ardea-stream/ardea/dlog/journal"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/pace"
	"github.com/ardea-stream/ardea/pool"
)

// Store is an open store. All methods may be called by several goroutines.
type Store struct {
	// Immutable.
	o        Options
	dir      string
	segments string // the folder
	held     *identity.Held
	db       *metadata.DB
	journal  *journal.Journal
	window   *window
	handles  *handles
	pacer    *pace.Pacer
	maxBatch int

	told            atomic.Uint64 // journal.Position of the last batch whose log knows that it is durable
	sinceCheckpoint atomic.Int64  // bytes
	counts          counts

	work chan struct{} // wakes the flusher; room for one
	quit chan struct{} // closed by Close
	done chan struct{} // closed when the flusher has ended

	scrubbed chan struct{} // closed when the scrubber has ended; nil if there is none
	idle     idleness

	// reached are the batches that have become durable, and whose logs and appenders do not know it yet. The journal's
	// writer owns it.
	reached []reachedDisk

	logs struct {
		sync.RWMutex
		byID   map[uint64]*Log
		byName map[string]*Log
	}
	dirty struct {
		sync.Mutex
		logs []*Log // with batches that no checkpoint has made durable
	}
	// rows is held while rows of the database are changed.
	rows sync.Mutex
	// files is held while segment files are made, written, synced or removed.
	files   sync.Mutex
	writers *writers         // under files
	scratch []item           // under files
	due     []*Log           // the flusher's
	aged    []*Log           // the flusher's
	trash   uint64           // log that has the files that are to be removed, 0 if there is none; under rows
	noted   journal.Position // from which on the database says that the journal is needed; under files and rows

	state struct {
		sync.Mutex
		closed bool
		err    error // why the store has stopped
	}
}

// trashName names the log that has the files that are to be removed.
const trashName = "ardea: removed files"

// Create makes a log. ErrExists says that there is one of that name, ErrName what is wrong with it.
func (s *Store) Create(name string, o LogOptions) (*Log, error) {
	if o.Retain.Age < 0 || o.Retain.Bytes < 0 {
		return nil, errors.New("dlog: retention is negative")
	}
	return s.create(metadata.Log{Name: name, Retain: o.Retain, Codec: uint8(o.Codec)}, nil)
}

// create adds a log. more adds to the transaction.
func (s *Store) create(row metadata.Log, more func(*metadata.Tx, metadata.Log) error) (*Log, error) {
	if row.Name == trashName {
		return nil, fmt.Errorf("%w: %q is the store's own", ErrName, row.Name)
	}
	row.Created = time.Now().UnixNano()
	s.rows.Lock()
	defer s.rows.Unlock()
	err := s.update(func(tx *metadata.Tx) error {
		row.ID = tx.NextID()
		if err := tx.PutLog(row); err != nil || more == nil {
			return err
		}
		return more(tx, row)
	})
	if err != nil {
		return nil, err
	}
	return s.enroll(row), nil
}

// enroll adds a log to those in memory.
func (s *Store) enroll(row metadata.Log) *Log {
	l := &Log{store: s, id: row.ID}
	l.mu.meta = row
	if row.Sealed {
		l.ap.err = ErrSealed
	}
	s.logs.Lock()
	defer s.logs.Unlock()
	s.logs.byID[l.id] = l
	s.logs.byName[row.Name] = l
	return l
}

// Log returns the log of a name. ErrNotFound says that there is none.
func (s *Store) Log(name string) (*Log, error) {
	if err := s.closedErr(); err != nil {
		return nil, err
	}
	s.logs.RLock()
	defer s.logs.RUnlock()
	if l := s.logs.byName[name]; l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("%w: log %q", ErrNotFound, name)
}

// Logs returns the logs whose names begin with a prefix, in the order of names.
func (s *Store) Logs(prefix string) []*Log {
	type named struct {
		name string
		log  *Log
	}
	s.logs.RLock()
	var found []named
	for name, l := range s.logs.byName {
		if strings.HasPrefix(name, prefix) {
			found = append(found, named{name, l})
		}
	}
	s.logs.RUnlock()
	slices.SortFunc(found, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	logs := make([]*Log, len(found))
	for i, f := range found {
		logs[i] = f.log
	}
	return logs
}

// Rename gives a log another name. Its writer and its readers do not notice.
func (s *Store) Rename(from, to string) error {
	l, err := s.Log(from)
	if err != nil {
		return err
	}
	if to == trashName {
		return fmt.Errorf("%w: %q is the store's own", ErrName, to)
	}
	s.rows.Lock()
	defer s.rows.Unlock()
	if l.Name() != from {
		return fmt.Errorf("%w: log %q", ErrNotFound, from)
	}
	if err := l.changeLocked(func(m *metadata.Log) { m.Name = to }); err != nil {
		return err
	}
	s.logs.Lock()
	defer s.logs.Unlock()
	if s.logs.byName[from] == l {
		delete(s.logs.byName, from)
	}
	s.logs.byName[to] = l
	return nil
}

// MaxBatch returns how many bytes a batch may have.
func (s *Store) MaxBatch() int { return s.maxBatch }

// ID returns the store's number, which is random.
func (s *Store) ID() uint64 { return s.held.Store }

// Dir returns the store's folder.
func (s *Store) Dir() string { return s.dir }

// update runs a transaction of the database. A database that has stopped stops the store.
func (s *Store) update(change func(*metadata.Tx) error) error { return s.transact(s.db.Update, change) }

// free is update for a transaction after which there is more room on the disk.
func (s *Store) free(change func(*metadata.Tx) error) error { return s.transact(s.db.Free, change) }

func (s *Store) transact(run func(func(*metadata.Tx) error) error, change func(*metadata.Tx) error) error {
	if err := s.Err(); err != nil {
		return err
	}
	err := metaError(run(change))
	if errors.Is(err, ErrStopped) {
		return s.stop(err)
	}
	return err
}

// stop makes the store append nothing any more, and release nothing of the journal, and returns why.
func (s *Store) stop(err error) error {
	if !errors.Is(err, ErrStopped) {
		err = fmt.Errorf("%w: %w", ErrStopped, err)
	}
	s.state.Lock()
	first := s.state.err == nil && !s.state.closed
	if first {
		s.state.err = err
	}
	s.state.Unlock()
	if first {
		s.window.fail(err)
		s.failed(err)
	}
	return err
}

// failed counts a failure and tells of it.
func (s *Store) failed(err error) {
	s.counts.failures.Add(1)
	s.counts.lastFailure.Store(&err)
	if s.o.Hooks.Failed != nil {
		s.o.Hooks.Failed(err)
	}
}

// Err returns why the store appends nothing any more, nil if it does.
func (s *Store) Err() error {
	s.state.Lock()
	defer s.state.Unlock()
	return s.state.err
}

func (s *Store) closedErr() error {
	s.state.Lock()
	defer s.state.Unlock()
	if s.state.closed {
		return ErrClosed
	}
	return nil
}

// noteFailed notes that a batch could not be made durable. early says that its writer had been told of an earlier level.
func (s *Store) noteFailed(f *Future, early bool, err error) {
	if early {
		s.counts.lostEarly.Add(1)
		s.failed(fmt.Errorf("%d records of log %d from %d on were acknowledged at an earlier level and are lost: %w",
			f.res.Count, f.log.id, f.res.First, err))
	}
	passing := errors.Is(err, journal.ErrFull) || errors.Is(err, journal.ErrReadOnly)
	if errors.Is(err, journal.ErrStopped) || !passing {
		_ = s.stop(err)
	}
}

// batchSynced is called by the journal's writer after every sync.
func (s *Store) batchSynced(entries, bytes int, write, sync time.Duration) {
	s.pacer.Observe(entries, write+sync)
	if s.o.Hooks.Journal.Batch != nil {
		s.o.Hooks.Journal.Batch(entries, bytes, write, sync)
	}
}

// batchTold is called by the journal's writer when it has told of all that it has synced at once.
func (s *Store) batchTold() {
	s.tellReached()
	if s.window.unflushed.Load() > s.window.limit/2 || s.window.isWaiting() {
		s.poke()
	}
}

// tellReached tells of batches that are durable. First each log learns how far it is, once for all of its batches that
// stand one behind the other, and its readers are woken, of which there are few; then appenders are told. So who is told
// of a batch can read it. The journal's writer calls it.
func (s *Store) tellReached() {
	for i, r := range s.reached {
		l := r.f.log
		if i+1 == len(s.reached) || s.reached[i+1].f.log != l {
			l.commit(r.f.res.First+uint64(r.f.res.Count), r.at)
		}
	}
	for i, r := range s.reached {
		r.f.tell(Disk, nil)
		r.f.disown()
		s.reached[i] = reachedDisk{}
		s.journal.Telling(i+1, len(s.reached))
	}
	s.reached = s.reached[:0]
}

// mostReached is of how many batches tellReached tells at a time.
const mostReached = 2048

// poke wakes the flusher.
func (s *Store) poke() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// run is the flusher: it writes segment files, makes checkpoints, and drops what need not be kept.
func (s *Store) run() {
	defer close(s.done)
	var due <-chan time.Time
	if s.o.RetentionEvery > 0 {
		ticker := time.NewTicker(s.o.RetentionEvery)
		defer ticker.Stop()
		due = ticker.C
	}
	for {
		select {
		case <-s.quit:
			return
		case <-due:
			s.retire()
		case <-s.work:
		}
		s.flushDue()
		if (s.sinceCheckpoint.Load() > s.o.CheckpointBytes || s.idle.due.Swap(false)) && s.Err() == nil {
			if err := s.Checkpoint(); err != nil {
				s.failed(fmt.Errorf("checkpoint: %w", err))
			} else {
				s.retire()
			}
		}
	}
}

// Close makes all that was appended durable and closes the store. Readers and writers get ErrClosed then.
func (s *Store) Close() error {
	s.state.Lock()
	if s.state.closed {
		s.state.Unlock()
		return ErrClosed
	}
	s.state.closed = true
	stopped := s.state.err
	s.state.Unlock()
	s.window.fail(ErrClosed)
	close(s.quit)
	s.idle.timer.Stop()
	<-s.done
	if s.scrubbed != nil {
		<-s.scrubbed
	}
	var errs []error
	if stopped == nil {
		errs = append(errs, s.Checkpoint())
	}
	errs = append(errs, s.journal.Close()) // those who wait are told
	if stopped == nil && errs[0] == nil {
		errs = append(errs, s.Checkpoint())
	}
	s.files.Lock()
	errs = append(errs, s.writers.closeAll())
	s.files.Unlock()
	s.wakeAllLogs()
	s.handles.close()
	s.window.close()
	return errors.Join(errors.Join(errs...), s.db.Close(), s.held.Close())
}

// wakeAllLogs lets everybody who waits see that the store is closed.
func (s *Store) wakeAllLogs() {
	s.logs.RLock()
	defer s.logs.RUnlock()
	for _, l := range s.logs.byID {
		l.mu.Lock()
		l.mu.durable.wakeAll()
		l.mu.written.wakeAll()
		l.mu.Unlock()
	}
}

// release gives up a reference to a buffer that there may be.
func release(buf **pool.Buf) {
	if *buf != nil {
		(*buf).Release()
		*buf = nil
	}
}
