package dlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ardea-stream/ardea/dlog/identity"
	"github.com/ardea-stream/ardea/dlog/journal"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/pace"
)

// Recovery is what Open has found.
type Recovery struct {
	Created  bool             // the store is new
	Logs     int              // that there are
	Journal  journal.Recovery // of the journal
	Replayed int              // batches that were in the journal only
	Safe     int              // batches of the journal that were in segment files already
	Orphans  int              // batches of the journal whose logs were deleted
	Missing  []Gap            // records that are lost by damage to the journal; only with Options.Salvage
	Removed  int              // segment files that were to be removed, and are
}

// Gap is records of a log that are lost.
type Gap struct {
	Log      string
	From, To uint64 // To not included
}

// Open opens the store in a folder, and makes it if the folder is empty or missing. It reads what the journal holds that
// is in no segment file: that is the normal start, after a crash or not. A store that is open elsewhere gives a
// LockedError.
func Open(dir string, o Options) (*Store, Recovery, error) {
	var report Recovery
	if err := o.Validate(); err != nil {
		return nil, report, err
	}
	o = o.withDefaults()
	s := &Store{
		o: o, dir: dir, segments: filepath.Join(dir, "segments"),
		work: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	s.idle.least = min(idleBytes, o.CheckpointBytes/4)
	s.idle.after = idleAfter
	s.idle.timer = time.AfterFunc(math.MaxInt64, s.quiet)
	s.idle.timer.Stop()
	var err error
	if s.pacer, err = pace.New(o.Pace); err != nil {
		return nil, report, err
	}
	s.window = newWindow(o.WindowBytes, s.poke)
	s.handles = newHandles(o.FS, s.segments, o.MaxFiles)
	s.writers = newWriters(o.MaxFiles)
	s.logs.byID, s.logs.byName = map[uint64]*Log{}, map[string]*Log{}
	for _, step := range []func(*Recovery) error{s.hold, s.openRows, s.empty, s.openJournal} {
		if err := step(&report); err != nil {
			return nil, report, fmt.Errorf("open store %s: %w", dir, errors.Join(err, s.abandon()))
		}
	}
	s.maxBatch = min(s.journal.MaxPayload(), int(o.WindowBytes))
	s.poke() // the replay may have left something to do
	go s.run()
	if o.ScrubEvery > 0 {
		s.scrubbed = make(chan struct{})
		go s.scrubOften()
	}
	return s, report, nil
}

// abandon gives back what a failed Open has taken.
func (s *Store) abandon() error {
	var errs []error
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	errs = append(errs, s.writers.closeAll())
	s.handles.close()
	s.window.close()
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.held != nil {
		errs = append(errs, s.held.Close())
	}
	return errors.Join(errs...)
}

// hold takes the folder.
func (s *Store) hold(report *Recovery) (err error) {
	s.held, err = identity.Open(s.o.FS, s.dir)
	if errors.Is(err, identity.ErrNotStore) {
		report.Created = true
		s.held, err = identity.Create(s.o.FS, s.dir, identity.New(time.Now()))
	}
	if held, ok := errors.AsType[*identity.HeldError](err); ok {
		return &LockedError{Dir: held.Dir, PID: held.PID}
	}
	if errors.Is(err, identity.ErrDamaged) {
		return &CorruptError{File: filepath.Join(s.dir, "STORE"), Err: err}
	}
	if err != nil {
		return err
	}
	return s.o.FS.MkdirAll(s.segments)
}

// openRows opens the database and lists the logs.
func (s *Store) openRows(report *Recovery) (err error) {
	if err := s.rowsAreThere(); err != nil {
		return err
	}
	s.db, err = metadata.Open(metadata.Options{
		FS: s.o.FS, Dir: filepath.Join(s.dir, "meta"), Hooks: metadata.Hooks{Failed: s.rowsFailed},
	})
	if err != nil {
		return s.rowsError(err)
	}
	err = s.db.Logs(func(row metadata.Log) error {
		if row.Name == trashName {
			s.trash = row.ID
			return nil
		}
		s.enroll(row)
		report.Logs++
		return nil
	})
	if err != nil || s.trash == 0 {
		return metaError(err)
	}
	row, _, err := s.db.Subscription(s.trash, noteName)
	s.noted = journal.Position(row.Offset)
	return metaError(err)
}

// rowsError returns the error for a database that cannot be opened. If that is no error of the disk, something is wrong
// with its files.
func (s *Store) rowsError(err error) error {
	known := metaError(err)
	var path *fs.PathError
	var number syscall.Errno
	if errors.Is(known, ErrStopped) || errors.As(err, &path) && !errors.Is(err, fs.ErrNotExist) || errors.As(err, &number) || errors.Is(err, metadata.ErrLocked) {
		return known
	}
	return &CorruptError{File: filepath.Join(s.dir, "meta"), Err: known}
}

// rowsAreThere fails if the database is gone and records are not: without it nobody would know whose they are.
func (s *Store) rowsAreThere() error {
	rows, err := s.names("meta")
	if err != nil || rows > 0 {
		return err
	}
	for _, folder := range []string{"segments", "journal"} {
		left, err := s.names(folder)
		if err != nil {
			return err
		}
		if left > 0 {
			return &CorruptError{File: filepath.Join(s.dir, "meta"), Err: fmt.Errorf("the database is gone: %w", fs.ErrNotExist)}
		}
	}
	return nil
}

// names returns how many files a folder of the store has, beside a lock.
func (s *Store) names(folder string) (n int, err error) {
	infos, err := s.o.FS.List(filepath.Join(s.dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, info := range infos {
		if info.Name != "LOCK" {
			n++
		}
	}
	return n, err
}

// rowsFailed is called when the database has failed behind everybody's back.
func (s *Store) rowsFailed(err error) {
	if errors.Is(err, metadata.ErrStopped) {
		_ = s.stop(err)
		return
	}
	s.failed(err)
}

// openJournal opens the journal and takes from it what is in no segment file.
func (s *Store) openJournal(report *Recovery) (err error) {
	o := journal.Options{
		FS: s.o.FS, Dir: filepath.Join(s.dir, "journal"), FileSize: s.o.JournalFile, MaxBatch: s.o.MaxBatch,
		From: s.noted, Spares: s.o.spares(), Salvage: s.o.Salvage, Hooks: s.o.Hooks.Journal,
	}
	o.Hooks.Told = s.batchTold
	o.Hooks.Batch = s.batchSynced
	last := journal.Position(0)
	stop := s.flushMeanwhile()
	s.journal, report.Journal, err = journal.Open(o, func(at journal.Position, e journal.Entry) error {
		last = at
		return s.replay(&e, report)
	})
	stop()
	if s.journal != nil {
		s.told.Store(max(uint64(last), s.told.Load()))
	}
	if damage, ok := errors.AsType[*journal.CorruptError](err); ok {
		return &CorruptError{File: damage.File, At: damage.Offset, Err: err}
	}
	return cmp.Or(err, s.Err())
}

// flushMeanwhile writes segment files while the journal is replayed, until stop is called: to verify and take entries is
// work for one processor, to write them for another.
func (s *Store) flushMeanwhile() (stop func()) {
	quit := make(chan struct{})
	var flushing sync.WaitGroup
	flushing.Go(func() {
		for {
			select {
			case <-quit:
				return
			case <-s.work:
				s.flushDue()
			}
		}
	})
	return func() {
		close(quit)
		flushing.Wait()
	}
}

// replay takes an entry of the journal, unless it is in a segment file, or its log was deleted.
func (s *Store) replay(e *journal.Entry, report *Recovery) error {
	l := s.logs.byID[e.Log]
	if l == nil {
		return s.orphan(e, report)
	}
	if err := l.load(); err != nil {
		return err
	}
	next := e.First + uint64(e.Count)
	if next <= l.ap.next {
		report.Safe++
		return nil
	}
	switch {
	case e.First > l.ap.next:
		gap := Gap{Log: l.mu.meta.Name, From: l.ap.next, To: e.First}
		if !s.o.Salvage {
			return &CorruptError{From: gap.From, To: gap.To, Err: fmt.Errorf("records of %q are neither in the journal nor in a file", gap.Log)}
		}
		report.Missing = append(report.Missing, gap)
	case e.First < l.ap.next:
		return &CorruptError{From: e.First, To: next, Err: fmt.Errorf("a batch of %q in the journal overlaps the one before it, which ends at %d", l.mu.meta.Name, l.ap.next)}
	}
	report.Replayed++
	return s.keep(l, e, next)
}

// orphan is an entry of a log that is not there. A log that was deleted has left a tombstone.
func (s *Store) orphan(e *journal.Entry, report *Recovery) error {
	_, deleted, err := s.db.Deleted(e.Log)
	if err != nil {
		return metaError(err)
	}
	if deleted {
		report.Orphans++
		return nil
	}
	gap := Gap{Log: fmt.Sprintf("log %d, of which the database does not know", e.Log), From: e.First, To: e.First + uint64(e.Count)}
	if !s.o.Salvage {
		return &CorruptError{File: filepath.Join(s.dir, "meta"), From: gap.From, To: gap.To, Err: errors.New("the journal has records of " + gap.Log)}
	}
	report.Missing = append(report.Missing, gap)
	return nil
}

// keep puts an entry of the journal into the window. There is nobody else yet but who flushes it.
func (s *Store) keep(l *Log, e *journal.Entry, next uint64) error {
	c, mem, err := s.window.reserve(l, len(e.Payload))
	if err != nil {
		return err
	}
	copy(mem, e.Payload)
	l.mu.Lock()
	*l.mu.tail.push(c) = item{
		c: c, body: mem, first: e.First, next: next, epoch: e.Epoch, txid: e.TxID, time: e.Time, sum: journal.Checksum(mem), codec: e.Codec,
	}
	l.mu.Unlock()
	l.ap.next, l.ap.txid, l.ap.time = next, e.TxID, e.Time
	l.end.Store(next)
	l.committed.Store(next)
	s.soil(l, len(e.Payload))
	return nil
}
