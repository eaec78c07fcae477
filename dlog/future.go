package dlog

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/ardea-stream/ardea/dlog/journal"
)

// Level says how far a batch must have come before its writer is told.
type Level = journal.Level

// The levels. A batch goes all the way whatever its level: it decides when one hears of it, and what can be lost then.
const (
	// Disk is written and synced: the batch survives a power failure.
	Disk = journal.Disk
	// OS is handed to the operating system: the batch survives the death of the process, not that of the machine.
	OS = journal.OS
	// Memory is in the memory of the process: the batch does not survive anything.
	Memory = journal.Memory
)

// Result says what became of a batch.
type Result struct {
	First uint64 // offset of its first record
	Count uint32 // records
	TxID  int64  // its transaction id
	Time  int64  // when it was appended, ns since 1970
	Level Level  // that it has reached
}

// Future is a batch on its way. One goroutine may wait for it, once; nobody needs to.
type Future struct {
	writer *Writer
	log    *Log
	res    Result
	err    error
	told   bool // who appended it was told; owned by Append until the journal has it, then by the journal's writer
	level  Level
	c      *chunk
	size   int // of the body
	done   func(Result, error)
	failed *failure // that its writer is to know of by Wait; nil if none
	ready  chan struct{}
	owners atomic.Int32 // the journal and the waiter; the last one puts it back
}

var futures sync.Pool

// reachedDisk is a batch that is durable.
type reachedDisk struct {
	f  *Future
	at journal.Position
}

func newFuture(w *Writer, level Level, done func(Result, error)) *Future {
	f, _ := futures.Get().(*Future)
	if f == nil {
		f = &Future{ready: make(chan struct{}, 1)}
	}
	f.writer, f.log, f.level, f.done, f.told, f.err, f.failed = w, w.log, level, done, false, nil, nil
	f.owners.Store(2)
	if done != nil {
		f.owners.Store(1)
	}
	return f
}

// Wait waits until the batch has reached its level, or has failed. With a context that cannot end it is cheaper, as a
// thousand goroutines that listen to one context get in each other's way. It must not be called again once it has returned
// something else than the error of the context. An error says that the batch is not in the log; whether it may be there
// after the store has been opened again says ErrUnknown.
func (f *Future) Wait(ctx context.Context) (Result, error) {
	if ended := ctx.Done(); ended == nil {
		<-f.ready
	} else {
		select {
		case <-f.ready:
		case <-ended:
			select {
			case <-f.ready: // both, and the result is what counts
			default:
				return Result{}, ctx.Err()
			}
		}
	}
	res, err := f.res, f.err
	if f.failed != nil {
		f.writer.seen(f.failed)
	}
	f.disown()
	return res, err
}

// disown gives up one of the owners' parts.
func (f *Future) disown() {
	if f.owners.Add(-1) == 0 {
		f.writer, f.log, f.c, f.done, f.failed = nil, nil, nil, nil, nil
		futures.Put(f)
	}
}

// tell tells who appended the batch, unless that has happened.
func (f *Future) tell(level Level, err error) {
	if f.told {
		return
	}
	f.told = true
	f.res.Level, f.err = level, err
	switch {
	case f.done == nil:
		f.ready <- struct{}{}
	case err != nil:
		f.done(Result{}, err)
	default:
		f.done(f.res, nil)
	}
}

// Reached is what the journal's writer calls. What has become durable waits for batchTold, which tells of all of it.
func (f *Future) Reached(at journal.Position, reached journal.Level, err error) {
	l := f.log
	switch {
	case err != nil:
		early := f.told
		cause := appendError(err)
		l.rollBack(f, cause)
		l.store.noteFailed(f, early, err)
		f.tell(f.level, cause)
		f.disown()
	case reached == journal.OS:
		f.tell(OS, nil)
	default:
		s := l.store
		if s.reached = append(s.reached, reachedDisk{f, at}); len(s.reached) == mostReached {
			s.tellReached()
		}
	}
}
