package local

import (
	"io"
	"syscall"
)

// member is a process of the cluster as the supervisor sees it. It belongs to the supervisor.
type member struct {
	Process

	orders orders
	body   body
	last   ProcessSample

	ready    bool
	unended  map[uint32]bool // tasks that have not ended
	bye      bool            // it has said its last word, of its own accord or when told to stop
	gone     bool            // nothing of it runs any more
	forced   bool            // it was killed because it did not stop
	death    death
	asked    uint64 // last sample asked for
	answered uint64 // last sample answered
	askAgain bool   // a newer sample is wanted once the one asked for has come
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
	user, system float64
}

// event is something that happened to a member.
type event struct {
	m      *member
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

// died is the error that the member's end means while it had work to do.
func (m *member) died() *ProcessDiedError {
	e := &ProcessDiedError{Process: m.Process, ExitCode: m.death.exitCode, Line: m.death.line}
	if m.death.signal != 0 {
		e.Signal = m.death.signal.String()
	}
	return e
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
		Process: m.Process, ExitCode: m.death.exitCode, Forced: m.forced,
		UserSeconds: m.death.user, SystemSeconds: m.death.system,
	}
	if m.death.signal != 0 {
		e.Signal = m.death.signal.String()
	}
	return e
}
