package journal

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/internal/invariants"
)

// write is the writer. A batch is written when the one before it has been synced, so that what a record notes as synced
// was.
func (j *Journal) write() {
	defer close(j.done)
	for b := j.nextBatch(); b != nil; b = j.nextBatch() {
		j.commit(b)
		b.reset()
		if !j.rhythm.halves {
			j.yield() // those who were told append again: their entries share the next sync
		}
	}
	if b := j.closingBatch(); b != nil {
		j.commit(b)
	}
}

// nextBatch waits until something was appended and takes it. It returns nil when the journal is closing and nothing is
// left.
func (j *Journal) nextBatch() *batch {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.mu.gather.buf) == 0 {
		if j.mu.closing {
			return nil
		}
		j.mu.idle = true
		j.work.Wait()
	}
	j.mu.idle = false
	return j.swapLocked()
}

// swapLocked takes the batch that gathers and lets the other gather, which is empty. What is appended from now on is
// written when this batch has been synced, and notes it.
func (j *Journal) swapLocked() *batch {
	b := j.mu.gather
	j.mu.gather, j.other = j.other, b
	if j.mu.tail.Offset() > firstRecord {
		j.mu.noted = j.mu.tail
	}
	j.room.Broadcast()
	return b
}

// closingBatch returns a batch of a mark, if there is anything to mark. It says to the next Open that all before it was
// synced, so that damage there is no torn tail.
func (j *Journal) closingBatch() *batch {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mu.err != nil || !j.mu.appended || j.mu.tail.Offset() == firstRecord {
		return nil
	}
	j.putLocked(&Entry{}, kindMark, 0, markSize)
	return j.swapLocked()
}

// commit writes and syncs a batch and tells its waiters.
func (j *Journal) commit(b *batch) {
	for i := range b.parts {
		if err := j.turn(b.parts[i].at.File()); err != nil {
			j.fail(b, i, ErrNotWritten, err)
			return
		}
		if err := j.commitPart(b, i); err != nil {
			j.fail(b, i, ErrUnknown, err)
			return
		}
	}
}

// turn goes on to another file. What is in the file before it has been synced: closing it saves nothing that could fail.
func (j *Journal) turn(number uint32) error {
	if j.cur != nil && j.cur.number == number {
		return nil
	}
	f, err := j.keeper.take(number)
	if err != nil {
		return err
	}
	invariants.Check(f.number == number, "journal: file %08x is ready, not %08x", f.number, number)
	old := j.cur
	j.cur = f
	if old != nil {
		return old.Close()
	}
	return nil
}

// commitPart writes and syncs the part of a batch that goes to the current file. The first error is the last thing that
// happens to that file: neither the write nor the sync is tried again.
func (j *Journal) commitPart(b *batch, i int) error {
	buf, waiters := b.part(i)
	at := b.parts[i].at
	end := at + Position(len(buf))
	began := time.Now()
	if _, err := j.cur.WriteAt(buf, int64(at.Offset())); err != nil {
		return fmt.Errorf("write at %v: %w", at, err)
	}
	j.written.Store(uint64(end))
	if b.early {
		tell(waiters, OS, nil)
	}
	wrote := time.Now()
	if err := j.cur.SyncData(); err != nil {
		return fmt.Errorf("%w at %v: %w", errSync, at, err)
	}
	j.synced.Store(uint64(end))
	took := time.Since(wrote)
	if j.o.Hooks.Batch != nil {
		j.o.Hooks.Batch(b.parts[i].entries, len(buf), wrote.Sub(began), took)
	}
	j.rhythm.synced(took)
	j.rhythm.decide(b.entries + j.gathered())
	tell(waiters, Disk, nil)
	j.told()
	return nil
}

// told says that all who waited for something have been told.
func (j *Journal) told() {
	if j.o.Hooks.Told != nil {
		j.o.Hooks.Told()
	}
}

// errSync says that it was a sync that has failed.
var errSync = errors.New("sync")

// passing adds the class to an error that the journal outlives: the disk is full, or cannot be written to. A sync that
// fails on a disk that is read-only is none of those, as the system makes disks read-only that have failed.
func passing(err error) (error, bool) {
	switch {
	case disk.IsFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err), true
	case disk.IsReadOnly(err) && !errors.Is(err, errSync):
		return fmt.Errorf("%w: %w", ErrReadOnly, err), true
	}
	return err, false
}

// fail ends what a failure ends. The current file gets no more records if any were tried; where the journal ended is
// noted by the first record of the next file, so that nothing that failed is found later than it. On a disk that is full
// or read-only the journal goes on there, when it can; else it stops. All who wait are told.
func (j *Journal) fail(b *batch, i int, outcome, err error) {
	err, goOn := passing(err)
	from := b.parts[i].at
	failure := &AppendError{From: from, Outcome: outcome, Err: err}
	if j.o.Hooks.Failed != nil {
		j.o.Hooks.Failed(failure)
	}
	next := from.File()
	if outcome == ErrUnknown { //nolint:errorlint // it is a value, not an error that came from somewhere
		next++
		err := j.cur.Close()
		j.cur = nil
		failure.Err = errors.Join(failure.Err, err)
	}
	gathered := j.dropGathered(failure, next, goOn)
	if goOn {
		defer j.resume()
	}
	_, waiters := b.part(i)
	tell(waiters, Disk, failure)
	rest := &AppendError{From: position(next, firstRecord), Outcome: ErrNotWritten, Err: failure.Err}
	for k := i + 1; k < len(b.parts); k++ {
		_, waiters := b.part(k)
		tell(waiters, Disk, rest)
	}
	tell(gathered, Disk, rest)
	j.told()
}

// dropGathered empties the batch that gathers, whose records were encoded for places that no longer follow what is
// synced, and returns its waiters. The journal will go on in file next, or stops. Until all who have failed know it,
// nobody appends: else an entry could follow others of its log that are not there, unknown to its appender.
func (j *Journal) dropGathered(failure *AppendError, next uint32, goOn bool) []waiter {
	j.mu.Lock()
	defer j.mu.Unlock()
	waiters := slices.Clone(j.mu.gather.waiters)
	j.mu.gather.reset()
	j.mu.tail, j.mu.noted = position(next, firstRecord), j.Synced()
	j.mu.seed = j.keeper.seed(next)
	if goOn {
		j.mu.held = true
	} else {
		j.mu.err = fmt.Errorf("%w: %w", ErrStopped, failure)
	}
	j.room.Broadcast()
	return waiters
}

// resume lets others append again after a failure that does not stop the journal.
func (j *Journal) resume() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.mu.held = false
	j.room.Broadcast()
}
