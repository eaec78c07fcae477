package topology

import (
	"context"
	"errors"
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
	// error, like a panic, drops the tuple; it is counted and reported, and
	// the task goes on with the next.
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

// ErrIdle is returned by Next when there is nothing to emit just now. The task
// sends what it has batched and calls Next again after Task.Wake, or after a millisecond.
var ErrIdle = errors.New("topology: spout is idle")

// ErrStopped is returned by Emit once the task's link is gone or the run is
// stopping. Code that emits should return it.
var ErrStopped = errors.New("topology: task is stopping")

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
