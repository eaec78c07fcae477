package local

import (
	"io"
	"syscall"
	"time"
)

// member is a process of the cluster as the supervisor sees it, over all its
// restarts. It belongs to the supervisor.
type member struct {
	Process // its tasks stay, the pid is that of the last start

	orders  orders
	body    body
	last    ProcessSample
	unended map[uint32]bool // tasks that have not ended
	ending  map[uint32]bool // tasks whose work is done, whether their streams have ended or not

	// Of the process that was started last.
	life     int // how many were started before
	born     time.Time
	ready    bool
	bye      bool // it has said its last word, of its own accord or when told to stop
	gone     bool // nothing of it runs any more
	forced   bool // it was killed because it did not stop
	hung     bool // it was killed because it did not answer
	spoke    bool // since the last tick of the watch
	silent   int  // ticks without a word since it was asked for one
	death    death
	asked    uint64          // last sample asked for
	answered uint64          // last sample answered
	closing  map[uint32]bool // tasks of ending that have not returned from Close
	askAgain bool            // a newer sample is wanted once the one asked for has come

	// Of those before.
	revival   time.Time   // when the next is to be started, zero if none is
	restarts  []time.Time // within Options.RestartWindow
	shortLife int         // deaths soon after a start, in a row
	lastDeath string
	earlier   Counts
	used      Usage        // by them, in seconds as the kernel counts
	retired   []TaskSample // of the tasks that had ended
}

// body is what a launcher makes of a member: a process, or goroutines.
type body interface {
	// PID is the process's id.
	PID() int
	// Commands leads to the member. Closing it makes the member go at once.
	Commands() io.WriteCloser
	// Kill ends it now. Goroutines it can only ask to end.
	Kill()
}

// death is how a member ended.
type death struct {
	exitCode     int // -1 if a signal killed it
	signal       syscall.Signal
	line         string // of standard error
	text         string // end of standard error, or what a crash wrote there
	crashed      bool   // text is what a crash wrote
	user, system float64
}

// event is something that happened to a member.
type event struct {
	m      *member
	life   int     // of the member's processes, the one that it happened to
	report *report // it said this
	fault  error   // it spoke nonsense
	death  *death  // it is gone; the last event
}

// absent reports whether nothing of the member runs: not yet or no more.
func (m *member) absent() bool { return m.gone || m.body == nil }

// finished reports whether the member has done its work and said its last word.
func (m *member) finished() bool { return m.bye && len(m.unended) == 0 }

// send gives the member a command. It cannot block: no more than a handful of
// commands are ever unread, and a pipe holds many. One that fails is followed
// by the event of the member's death.
func (m *member) send(c command) {
	if !m.absent() {
		w := lineWriter{w: m.body.Commands()}
		_ = w.write(c)
	}
}

// kill ends the member now and notes that it took force.
func (m *member) kill() {
	if !m.absent() {
		m.forced = true
		m.body.Kill()
	}
}

// listen turns reports into events until they end.
func listen(m *member, reports io.Reader, emit func(event)) {
	in := newLineReader(reports)
	for {
		r := &report{}
		if err := in.read(r); err != nil {
			if !isEnd(err) {
				emit(event{m: m, fault: err})
				_, _ = io.Copy(io.Discard, reports) // so that it does not block before it is told to stop
			}
			return
		}
		emit(event{m: m, report: r})
	}
}

// exit is what the result says of the member's end.
func (m *member) exit() Exit {
	e := Exit{
		Process: m.Process, ExitCode: m.death.exitCode, Forced: m.forced, Restarts: m.life,
		UserSeconds: m.used.UserSeconds + m.death.user, SystemSeconds: m.used.SystemSeconds + m.death.system,
	}
	if m.death.signal != 0 {
		e.Signal = m.death.signal.String()
	}
	return e
}
