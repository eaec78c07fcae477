package topology

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Spout is a source of tuples. Its methods are called by one goroutine, in the
// order Open, Next any number of times, Close.
type Spout interface {
	// Open prepares the spout. ctx ends when the task is to stop; a Next that
	// waits must watch it. out stays valid until Close returns. An error
	// ends the run.
	Open(ctx context.Context, task *Task, out *Collector) error
	// Next emits the next tuples, any number, and returns soon: the task
	// handles its other duties between two calls. It returns io.EOF when
	// there will never be more, ErrIdle when there is nothing just now, and
	// any other error to end the run.
	Next() error
	// Close releases what Open took. It is called also when Open or Next failed.
	Close() error
}

// Bolt consumes tuples and may emit others. Its methods are called by one
// goroutine, in the order Open, Execute (and Tick) any number of times, Finish
// if it has one and all inputs ended, Close.
type Bolt interface {
	// Open prepares the bolt. ctx ends when the task is to stop. An error ends the run.
	Open(ctx context.Context, task *Task, out *Collector) error
	// Execute handles one tuple, which is valid until Execute returns. An
	// error, like a panic, drops the tuple, or fails it where tuples are
	// tracked; it is counted and reported, and the task goes on with the next.
	// One that is ErrFatal ends the run.
	Execute(t *Tuple) error
	// Close releases what Open took.
	Close() error
}

// Ticker is a bolt that wants tick tuples: a call every TickEvery, between two
// calls of Execute. Ticks that were missed while Execute ran are not made up.
type Ticker interface {
	// Tick may emit. An error is treated as one of Execute.
	Tick(now time.Time) error
}

// Finisher is a bolt that has something to say when every input has ended: all
// tasks that feed it have returned io.EOF, or finished in turn.
type Finisher interface {
	// Finish may emit; what it emits reaches the consumers before their own Finish.
	Finish() error
}

// Acker is a spout that wants to know what becomes of the tuples that it emits
// by EmitID. Its methods are called between two calls of Next. Exactly one of
// them is called for each of those tuples, unless the task ends before.
type Acker interface {
	// Ack says that the tuple and all that descends from it are done.
	Ack(id uint64)
	// Fail says that the tuple is given up: it failed, timed out or was lost, and
	// the spout is no Replayer, or it has been replayed as often as allowed.
	Fail(id uint64, f *Failure)
}

// Replayer is a spout that can emit again what it has emitted, such as one that
// reads a file or a log, or makes its tuples of a number. The engine replays what
// failed or was lost. The ids that a Replayer gives to EmitID rise; they are its
// positions: an offset in a file, the number of a record.
type Replayer interface {
	// Replay emits the tuple of that id again, by one EmitID with the same id and
	// values. An error ends the run. It is called also after Next has returned
	// io.EOF, and after the context of Open has ended because the spout drains.
	Replay(id uint64) error
	// Seek makes Next go on with the first tuple whose id is at least id. It is
	// called once, after Open and before Next, when a process of the task died
	// before: everything below id is complete, and some above it may be.
	Seek(id uint64) error
}

// Reason says how a tuple failed.
type Reason uint8

// The reasons.
const (
	ReasonFailed   Reason = iota // a bolt failed it
	ReasonTimedOut               // it was not acked within MessageTimeout
	ReasonLost                   // a process or a link on its way died
)

// String returns "failed", "timed out" or "lost".
func (r Reason) String() string {
	switch r {
	case ReasonFailed:
		return "failed"
	case ReasonTimedOut:
		return "timed out"
	default:
		return "lost"
	}
}

// Failure tells of a tuple that is given up.
type Failure struct {
	Reason    Reason
	Tries     int    // how often it was emitted
	Component string // of the bolt that failed it last; empty if none did
	Task      uint32 // of it; 0 if none did
	Cause     string // what the bolt returned, or the value of its panic
	Stack     string // of a panic, else empty
	Payload   []byte // the tuple that the bolt failed, as Tuple.Raw; of a long one the beginning
}

// Error tells the reason and the cause.
func (f *Failure) Error() string {
	if f.Component == "" {
		return fmt.Sprintf("topology: tuple %v, emitted %d times", f.Reason, f.Tries)
	}
	return fmt.Sprintf("topology: tuple failed in task %d of %s, emitted %d times: %s", f.Task, f.Component, f.Tries, f.Cause)
}

// ErrIdle is returned by Next when there is nothing to emit just now. The task
// sends what it has batched and calls Next again after Task.Wake, or after a millisecond.
var ErrIdle = errors.New("topology: spout is idle")

// ErrStopped is returned by Emit once the task's link is gone or the run is
// stopping. Code that emits should return it.
var ErrStopped = errors.New("topology: task is stopping")

// ErrFatal is the class of errors of Execute and Tick that end the run: it makes no
// sense to go on with the next tuple. Code wraps it:
//
//	return fmt.Errorf("%w: %w", topology.ErrFatal, err)
var ErrFatal = errors.New("topology: the task cannot go on")

// Task tells a spout or bolt who it is.
type Task struct {
	Topology    string
	Component   string
	ID          uint32 // global, from 1
	Index       int    // among the component's tasks, from 0
	Parallelism int    // number of the component's tasks
	Config      map[string]string
	Logger      *slog.Logger // never nil; carries topology, component and task

	// Wake makes an idle spout's Next be called at once. Any goroutine may call it.
	Wake func()
	// Publish hands a named result to whoever runs the topology; the last one
	// of a name and task wins. data is copied. It is meant for totals and
	// summaries of up to a megabyte, not for streams.
	Publish func(name string, data []byte)
}
