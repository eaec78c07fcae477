package local

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// leastRest and mostRest bound the pause before a restart, which doubles
	// while a member's processes die soon after their start.
	leastRest = 10 * time.Millisecond
	mostRest  = time.Second
	// steadyAfter is how long a process must live to end such a series.
	steadyAfter = time.Second
	// lifeBits are those of an incarnation that count the restarts within a run.
	lifeBits = 16
)

// bereaved decides what follows the death of a member whose work was not done.
func (s *supervisor) bereaved(m *member) {
	now := time.Now()
	d := s.mourn(m)
	switch {
	case !s.mayRestart():
		s.fail(d.err())
	case m.Role == RoleInstance && len(m.unended) == 0:
		m.bye = true // only its last word is missing
		s.answered(m)
	case s.spent(m, now):
		err := d.err()
		err.Limit, err.Window = s.o.MaxRestarts, s.o.RestartWindow
		s.fail(err)
	default:
		s.rest(m, now)
	}
}

// mayRestart reports whether members are started again at all.
func (s *supervisor) mayRestart() bool {
	return (s.phase == phaseRunning || s.phase == phaseDraining) && s.o.MaxRestarts > 0 && !s.o.InProcess
}

// spent reports whether a member has used up its restarts. Those of a member
// that never comes up are not forgotten: each try may take longer than the window.
func (s *supervisor) spent(m *member, now time.Time) bool {
	if m.ready {
		m.restarts = slices.DeleteFunc(m.restarts, func(t time.Time) bool { return now.Sub(t) > s.o.RestartWindow })
	}
	return len(m.restarts) >= s.o.MaxRestarts || m.life == 1<<lifeBits-1
}

// rest has a member started again after a pause, which keeps a process that
// dies at once, or many that die of the same, from taking all the time there is.
func (s *supervisor) rest(m *member, now time.Time) {
	if now.Sub(m.born) >= steadyAfter {
		m.shortLife = 0
	}
	pause := mostRest
	if m.shortLife < 10 {
		pause = min(leastRest<<m.shortLife, mostRest)
	}
	pause = pause/2 + rand.N(pause/2)
	m.shortLife++
	m.revival = now.Add(pause)
	m.restarts = append(m.restarts, now)
	s.o.Logger.Warn("process will be started again", slog.String("process", m.Name()), slog.Duration("pause", pause))
	s.armRevival(now)
}

// armRevival sets the timer to the next member's turn.
func (s *supervisor) armRevival(now time.Time) {
	var next time.Time
	for _, m := range s.members {
		if !m.revival.IsZero() && (next.IsZero() || m.revival.Before(next)) {
			next = m.revival
		}
	}
	s.revival.Stop()
	if !next.IsZero() {
		s.revival.Reset(next.Sub(now))
	}
}

// revive starts the members whose pause is over.
func (s *supervisor) revive(now time.Time) {
	for _, m := range s.members {
		if m.revival.IsZero() || now.Before(m.revival) {
			continue
		}
		m.revival = time.Time{}
		if !s.mayRestart() {
			continue // somebody else's death has ended the run
		}
		if err := s.restart(m); err != nil {
			s.unstartable(m, err, now)
		}
	}
	s.armRevival(now)
}

// unstartable deals with a member that cannot be started for lack of something:
// memory, processes or files, which may come back.
func (s *supervisor) unstartable(m *member, err error, now time.Time) {
	if s.spent(m, now) {
		s.fail(fmt.Errorf("local: %s cannot be started again: %w", m.describe(), err))
		return
	}
	s.o.Logger.Warn("process cannot be started", slog.String("process", m.Name()), slog.Any("err", err))
	s.rest(m, now)
}

// restart starts a member's next process. If that fails nothing has changed.
func (s *supervisor) restart(m *member) error {
	before := *m
	s.renew(m)
	if err := s.start(m); err != nil {
		*m = before
		return err
	}
	s.o.Logger.Warn("process was started again", slog.String("process", m.Name()), slog.Int("pid", m.PID), slog.Int("restarts", m.life))
	if s.phase == phaseDraining && m.Role == RoleInstance {
		m.send(command{Op: opDrain}) // the one before has not lived to heed it
	}
	s.list()
	return nil
}

// renew makes a member ready for its next process.
func (s *supervisor) renew(m *member) {
	m.life++
	m.orders.Incarnation++
	m.orders.Restarts = m.life
	m.orders.Tasks = slices.DeleteFunc(slices.Clone(m.Tasks), func(t uint32) bool { return !m.unended[t] })
	m.orders.Ending = slices.DeleteFunc(slices.Clone(m.orders.Tasks), func(t uint32) bool { return !m.ending[t] })
	m.closing = map[uint32]bool{}
	if m.Role == RoleManager {
		m.orders.Ended = s.endedIn(m.Container)
	}
	m.retired = s.retired(m)
	m.earlier = m.earlier.add(m.last.counts(m.retired))
	user, system := m.used.UserSeconds+m.death.user, m.used.SystemSeconds+m.death.system
	m.used = m.last.Usage
	m.used.UserSeconds, m.used.SystemSeconds = max(m.used.UserSeconds, user), max(m.used.SystemSeconds, system)
	m.used.RSSBytes = 0
	m.ready, m.bye, m.gone, m.forced, m.hung, m.death = false, false, false, false, false, death{}
	m.spoke, m.silent = false, 0
	m.answered, m.askAgain = m.asked, false
	m.Pprof = ""
	m.last = ProcessSample{
		Process: m.Process, Usage: m.used, Restarts: m.life, LastDeath: m.lastDeath, Earlier: m.earlier,
		Instances: m.ordered(s.blank(m.orders.Tasks)),
	}
}

// retired are the last figures of a member's tasks that have ended.
func (s *supervisor) retired(m *member) []TaskSample {
	figures := s.blank(slices.DeleteFunc(slices.Clone(m.Tasks), func(t uint32) bool { return m.unended[t] }))
	for i := range figures {
		for _, said := range m.last.Instances {
			if said.Task == figures[i].Task {
				figures[i] = said
			}
		}
		figures[i].Metrics.Ended = true // which it may not have said yet
	}
	return figures
}

// blank are the figures of tasks that have not said anything.
func (s *supervisor) blank(tasks []uint32) []TaskSample {
	figures := make([]TaskSample, len(tasks))
	for i, t := range tasks {
		figures[i].Task = t
		if c := s.c.plan.ComponentOf(t); c != nil {
			figures[i].Component, figures[i].Spout = c.Name, c.Spout
		}
	}
	return figures
}

// endedIn lists the tasks of a container that have ended all their streams.
// Those of other containers need not be repeated: their stream managers do so,
// behind the data that still waits for the link.
func (s *supervisor) endedIn(container uint32) []uint32 {
	var ended []uint32
	for _, m := range s.members {
		for _, t := range m.Tasks {
			if m.Container == container && !m.unended[t] {
				ended = append(ended, t)
			}
		}
	}
	return ended
}

// passEnded tells a stream manager that was started again of a task that has
// ended since: it may have ended under the one before, and have taken its time to say so.
func (s *supervisor) passEnded(m *member, task uint32) {
	for _, manager := range s.members {
		if manager.Role == RoleManager && manager.Container == m.Container && manager.life > 0 {
			manager.send(command{Op: opEnded, Tasks: []uint32{task}})
		}
	}
}
