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

	"github.com/ardea-stream/ardea/internal/spin"
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
	cur    *file  // that is written to, nil before the first write and after a failure
	other  *batch // that does not gather
	rhythm rhythm

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
		held     bool  // entries have failed, and not all who appended them know it
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
	for _, step := range []func() error{r.list, r.identify, r.bounds, func() error { return r.replay(replay) }, r.settle, r.reclaim} {
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
	tell := done
	if level == Memory {
		tell = nil
	}
	at, wake, err := j.append(e, Checksum(e.Payload), waiter{done: tell, level: level})
	if wake {
		j.Wake()
	}
	if err == nil && level == Memory && done != nil {
		done(at, nil)
	}
	return err
}

// Follower is told what becomes of an entry.
type Follower interface {
	// Reached is called at level OS, if the follower has asked for that, when the entry is written; with Disk when it is
	// synced; or once with an AppendError when either has failed, whatever came before. All calls for all entries come
	// from the writer, those of a level in the order of positions. It must not block and must not append.
	Reached(at Position, level Level, err error)
}

// Checksum returns the checksum of a payload for Follow: whoever calls that with a lock held makes it before.
func Checksum(payload []byte) uint32 { return crc32.Checksum(payload, castagnoli) }

// Follow adds an entry as Append does and tells a follower of it. sum is the payload's Checksum. Where Append waits until
// all who have failed on a disk that is full or read-only know it, Follow returns ErrTelling at once: its caller may hold a
// lock that a follower needs. Without it the caller waits by AwaitTold, looks whether its own entries have failed, and
// tries again.
//
// If wake is true the writer sleeps, and the caller must call Wake: before anything that may block, and best when it has
// woken all others that wait for what it has appended, as those may be faster than a disk.
func (j *Journal) Follow(e *Entry, sum uint32, level Level, f Follower) (wake bool, err error) {
	_, wake, err = j.append(e, sum, waiter{follower: f, level: level})
	return wake, err
}

// AwaitTold waits until all who have failed on a disk that is full or read-only know it. No follower may call it.
func (j *Journal) AwaitTold() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.mu.held && j.openLocked() == nil {
		j.room.Wait()
	}
}

// Wake wakes the writer when Follow has said that it sleeps.
func (j *Journal) Wake() { j.work.Signal() }

// append adds an entry whose waiter is told from the level OS on, and says whether the writer is to be woken.
func (j *Journal) append(e *Entry, sum uint32, w waiter) (_ Position, wake bool, _ error) {
	size := recordSize(len(e.Payload))
	if size > j.o.MaxBatch {
		return 0, false, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(e.Payload), j.MaxPayload())
	}
	spin.Lock(&j.mu.Mutex)
	defer j.mu.Unlock()
	for j.openLocked() == nil && (j.mu.held || len(j.mu.gather.buf)+size > j.o.MaxBatch) {
		if j.mu.held && w.follower != nil {
			return 0, false, ErrTelling
		}
		j.room.Wait()
	}
	if err := j.openLocked(); err != nil {
		return 0, false, err
	}
	j.mu.appended = true
	w.at = j.putLocked(e, kindEntry, sum, size)
	j.mu.gather.add(w)
	wake = j.mu.idle
	j.mu.idle = false
	return w.at, wake, nil
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
func (j *Journal) putLocked(e *Entry, kind uint8, sum uint32, size int) Position {
	keep := markSize
	if kind == kindMark {
		keep = 0
	}
	if int(j.mu.tail.Offset())+size+keep > j.o.FileSize {
		j.mu.noted = j.mu.tail
		j.mu.tail = position(j.mu.tail.File()+1, firstRecord)
		j.mu.seed = j.keeper.seed(j.mu.tail.File())
	}
	at := j.mu.tail
	putRecord(j.mu.gather.grow(at, size), j.mu.seed, at.Offset(), kind, j.mu.noted, e, sum)
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
