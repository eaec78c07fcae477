package local

import (
	"log/slog"
	"time"
)

// hangTicks is how many ticks of the watch a process may stay silent. Time
// passes in ticks, of which a supervisor that was stopped, or had no processor,
// misses all but one: nobody is killed for its own absence.
const hangTicks = 10

// beginWatch begins to look after members that hang.
func (s *supervisor) beginWatch() {
	if s.o.HangTimeout > 0 && !s.o.InProcess {
		s.watch.Reset(max(s.o.HangTimeout/hangTicks, time.Millisecond))
	}
}

// tick asks members for a word that have not said one since the last tick, and
// kills who has been asked for too long. Any word will do.
func (s *supervisor) tick() {
	if s.phase != phaseRunning && s.phase != phaseDraining {
		return
	}
	for _, m := range s.members {
		switch {
		case m.absent() || m.bye || m.hung:
		case m.spoke:
			m.spoke, m.silent = false, 0
		case m.asked == m.answered:
			m.silent = 0
			s.request(m)
		default:
			if m.silent++; m.silent >= s.patienceWith(m) {
				s.o.Logger.Warn("process does not answer and is killed", slog.String("process", m.Name()), slog.Int("pid", m.PID))
				m.hung = true
				m.body.Kill()
			}
		}
	}
}

// patienceWith returns how many ticks a member may be silent. One that is
// starting answers when it is up, however long its program takes to build the topology.
func (s *supervisor) patienceWith(m *member) int {
	if m.ready {
		return hangTicks
	}
	return max(hangTicks, int(hangTicks*s.o.StartTimeout/s.o.HangTimeout))
}
