package local

import (
	"log/slog"
	"maps"
	"slices"
	"time"
)

// maxDeaths is how many deaths are remembered for the result.
const maxDeaths = 100

// Death is the end of a process before its work was done.
type Death struct {
	Process

	// Elapsed is when it was noticed, as in Sample.
	Elapsed  time.Duration `json:"elapsed_ns"`
	Restarts int           `json:"restarts"`         // how often the process had been started again before
	ExitCode int           `json:"exit_code"`        // -1 if a signal killed it
	Signal   string        `json:"signal,omitempty"` // that killed it
	Hung     bool          `json:"hung,omitempty"`   // it was killed because it did not answer
	Line     string        `json:"line,omitempty"`   // of its standard error that tells most
	// Unclosed are the tasks whose work was done and whose Close has not returned,
	// ascending. They do not begin again, and nobody calls Close in their place.
	Unclosed []uint32 `json:"unclosed,omitempty"`
	// Stderr is the end of its standard error, up to 8 KiB, or the beginning of
	// what it wrote when it crashed, with the stack.
	Stderr string `json:"stderr,omitempty"`
}

// Cause says in a line how the process ended.
func (d *Death) Cause() string { return howEnded(d.ExitCode, d.Signal, d.Line, d.Hung) }

// mourn keeps how a member's process ended.
func (s *supervisor) mourn(m *member) *Death {
	d := Death{
		Process: m.Process, Restarts: m.life, ExitCode: m.death.exitCode, Hung: m.hung,
		Line: m.death.line, Stderr: m.death.text, Unclosed: slices.Sorted(maps.Keys(m.closing)),
	}
	if s.up {
		d.Elapsed = time.Since(s.began)
	}
	if m.death.signal != 0 {
		d.Signal = m.death.signal.String()
	}
	m.lastDeath = d.Cause()
	if m.death.crashed {
		m.lastDeath += "\n" + d.Stderr
	}
	m.last.LastDeath = m.lastDeath
	if len(s.deaths) == maxDeaths {
		s.deaths = slices.Delete(s.deaths, 0, 1)
	}
	s.deaths = append(s.deaths, d)
	s.o.Logger.Warn("process has died", slog.String("process", m.Name()), slog.Int("pid", m.PID), slog.String("cause", d.Cause()))
	if len(d.Unclosed) > 0 {
		s.o.Logger.Warn("tasks that have ended were not closed", slog.String("process", m.Name()), slog.Any("tasks", d.Unclosed))
	}
	return &d
}

// err is the error that a death means which ends the run.
func (d *Death) err() *ProcessDiedError {
	return &ProcessDiedError{
		Process: d.Process, Signal: d.Signal, ExitCode: d.ExitCode, Line: d.Line, Hung: d.Hung, Restarts: d.Restarts,
	}
}
