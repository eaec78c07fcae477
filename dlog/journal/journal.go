package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
)

const lockName = "LOCK"

// Level says how far an entry must have come before its appender is told. All entries go all the way, whatever their
// level: it decides when one hears of it, and what one can still lose then.
type Level uint8

const (
	// Disk is written and synced: the entry survives a power failure.
	Disk Level = iota
	// OS is handed to the operating system: the entry survives the death of the process, not that of the machine.
	OS
	// Memory is in the memory of the process: the entry does not survive anything.
	Memory
)

// Entry is what a journal keeps. It knows nothing of what most fields mean: it gives them back as they were.
type Entry struct {
	Log     uint64 // the log that it belongs to
	Epoch   uint64 // of the log's writer
	First   uint64 // offset of its first record in the log
	Count   uint32 // records in it
	TxID    int64  // transaction id, given by the application
	Time    int64  // nanoseconds since 1970
	Flags   uint8  // the log's
	Codec   uint8  // how the payload is compressed; the log's
	Payload []byte // at most Journal.MaxPayload bytes
}

// Journal is an open journal. All methods may be called by several goroutines.
type Journal struct {
	// Immutable.
	o      Options
	lock   io.Closer
	keeper *keeper
	done   chan struct{} // closed when the writer has ended

	// Owned by the writer.
	cur   *file  // that is written to, nil before the first write and after a failure
	other *batch // that does not gather

	mu struct {
		sync.Mutex

		gather   *batch
		tail     Position // of the next record
		noted    Position // what records note that are appended now: synced before they are written
		seed     uint32   // of tail's file
		appended bool     // whether anything ever was
		idle     bool     // the writer waits for work
		closing  bool
		err      error // the journal has stopped
	}
	work sync.Cond // the writer waits: for an entry, or for Close
	room sync.Cond // appenders wait: for room in the batch

	written, synced atomic.Uint64 // positions
}

// Open opens the journal of a folder, which is made if it is missing, and gives each entry that it holds to replay, in
// the order of positions, with its payload borrowed until replay returns; nil only checks. What replay returns ends
// Open. A folder that another process holds gives disk.ErrLocked, damage a CorruptError unless Options.Salvage is set.
// When Open returns, every entry that was replayed is durable.
func Open(o Options, replay func(Position, Entry) error) (*Journal, Recovery, error) {
	if err := o.Validate(); err != nil {
		return nil, Recovery{}, err
	}
	o = o.withDefaults()
	if err := o.FS.MkdirAll(o.Dir); err != nil {
		return nil, Recovery{}, fmt.Errorf("open journal %s: %w", o.Dir, err)
	}
	lock, err := o.FS.Lock(filepath.Join(o.Dir, lockName))
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("open journal %s: %w", o.Dir, err)
	}
	r := recoverer{o: o}
	for _, step := range []func() error{r.list, r.identify, r.survey, func() error { return r.replay(replay) }, r.settle, r.reclaim} {
		if err := step(); err != nil {
			return nil, r.report, fmt.Errorf("open journal %s: %w", o.Dir, errors.Join(err, lock.Close()))
		}
	}
	j := start(&r, lock)
	return j, r.report, nil
}

// start starts the goroutines of a journal that was recovered.
func start(r *recoverer, lock io.Closer) *Journal {
	if r.id == 0 {
		r.id = rand.Uint64() | 1
	}
	j := &Journal{o: r.o, lock: lock, done: make(chan struct{}), other: &batch{}}
	j.keeper = newKeeper(r.o, r.id, rand.Uint64(), r.spares)
	j.keeper.mu.oldest = r.next
	if len(r.pieces) > 0 {
		j.keeper.mu.oldest = r.pieces[0].number
	}
	for _, d := range r.report.Quarantined {
		j.keeper.mu.damaged = append(j.keeper.mu.damaged, d.From.File())
	}
	j.work.L, j.room.L = &j.mu, &j.mu
	j.mu.gather = &batch{}
	j.mu.tail, j.mu.noted = position(r.next, firstRecord), r.report.End
	j.mu.seed = j.keeper.seed(r.next)
	j.synced.Store(uint64(r.report.End))
	j.written.Store(uint64(r.report.End))
	j.keeper.prepare(r.next)
	go j.keeper.run()
	go j.write()
	return j
}

// MaxPayload returns how many bytes an entry's payload may have.
func (j *Journal) MaxPayload() int { return j.o.MaxBatch/alignment*alignment - recordHeader }

// Append adds an entry. It borrows the entry until it returns, and waits while the batch that gathers is full. done,
// which may be nil, is called exactly once, with the entry's position when the entry has reached the level, or with an
// AppendError; in the order of positions among those of a level. At level Memory it is called before Append returns, else
// on the writer: it must not block and must not call Append. If Append returns an error it was not called and never
// will be.
func (j *Journal) Append(e *Entry, level Level, done func(Position, error)) error {
	size := recordSize(len(e.Payload))
	if size > j.o.MaxBatch {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(e.Payload), j.MaxPayload())
	}
	sum := crc32.Checksum(e.Payload, castagnoli)
	j.mu.Lock()
	for j.openLocked() == nil && len(j.mu.gather.buf)+size > j.o.MaxBatch {
		j.room.Wait()
	}
	if err := j.openLocked(); err != nil {
		j.mu.Unlock()
		return err
	}
	tell := done
	if level == Memory {
		tell = nil
	}
	j.mu.appended = true
	at := j.putLocked(record{Entry: *e, kind: kindEntry}, sum, size)
	j.mu.gather.add(waiter{tell, at, level})
	if j.mu.idle {
		j.mu.idle = false
		j.work.Signal()
	}
	j.mu.Unlock()
	if level == Memory && done != nil {
		done(at, nil)
	}
	return nil
}

// openLocked returns why nothing can be appended, nil if it can.
func (j *Journal) openLocked() error {
	if j.mu.closing {
		return ErrClosed
	}
	return j.mu.err
}

// putLocked encodes a record behind the others of the batch that gathers, and goes to the next file if it does not fit
// into this one.
func (j *Journal) putLocked(r record, sum uint32, size int) Position {
	keep := markSize
	if r.kind == kindMark {
		keep = 0
	}
	if int(j.mu.tail.Offset())+size+keep > j.o.FileSize {
		j.mu.noted = j.mu.tail
		j.mu.tail = position(j.mu.tail.File()+1, firstRecord)
		j.mu.seed = j.keeper.seed(j.mu.tail.File())
	}
	at := j.mu.tail
	r.synced = j.mu.noted
	putRecord(j.mu.gather.grow(at, size), j.mu.seed, at.Offset(), &r, sum)
	j.mu.tail += Position(size)
	return at
}

// Synced returns the position up to which everything is durable: each entry before it survives a power failure.
func (j *Journal) Synced() Position { return Position(j.synced.Load()) }

// Written returns the position up to which everything was handed to the operating system.
func (j *Journal) Written() Position { return Position(j.written.Load()) }

// End returns the position of the next entry.
func (j *Journal) End() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mu.tail
}

// Err returns why the journal has stopped, nil if it has not.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mu.err
}

// Release says that no entry before a position is needed any more. Files that hold only such entries are recycled, in
// the background; those after Synced are kept whatever the position. A file that Open has found damaged is set aside.
func (j *Journal) Release(upTo Position) {
	j.keeper.releaseBelow(min(upTo, j.Synced()).File())
}

// Close writes what was appended, notes that the journal was closed, and gives the folder back. It returns an error if
// any of it has failed: what is durable, appenders were told. A journal that is closed already gives ErrClosed.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.mu.closing {
		j.mu.Unlock()
		return ErrClosed
	}
	j.mu.closing = true
	j.work.Signal()
	j.room.Broadcast()
	j.mu.Unlock()
	<-j.done
	err := j.Err()
	if j.cur != nil {
		err = errors.Join(err, j.cur.Close())
	}
	return errors.Join(err, j.keeper.close(), j.lock.Close())
}
