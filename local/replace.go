package local

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
)

// ErrNotReplaceable is wrapped by the errors of Cluster.Replace but ErrEnded.
var ErrNotReplaceable = errors.New("local: the process cannot be replaced")

// zombie is a process that has been replaced while it lives, or hangs. What it
// says is nothing to anybody; it is killed when the run stops, if it is still there.
type zombie struct {
	Process

	m    *member
	life int
	body body
}

// Replace starts a successor of the process of a task and leaves the old one
// alone, which may hang where no signal reaches it. Stream managers take the
// successor's link for that of the old one, and refuse the old one from then
// on. It counts as a restart, without regard to Options.MaxRestarts, and loses
// as much. What is left of the old process at the end of the run is killed.
//
// The error is ErrEnded or wraps ErrNotReplaceable, and says why nothing was done.
func (c *Cluster) Replace(task uint32) error {
	reply := make(chan error, 1)
	if !c.call(func(s *supervisor) { reply <- s.replace(task) }) {
		return ErrEnded
	}
	return <-reply
}

func (s *supervisor) replace(task uint32) error {
	i := slices.IndexFunc(s.members, func(m *member) bool { return slices.Contains(m.Tasks, task) })
	refuse := func(why string) error {
		return fmt.Errorf("%w: task %d %s", ErrNotReplaceable, task, why)
	}
	switch {
	case s.phase >= phaseStopping:
		return ErrEnded
	case i < 0:
		return refuse("is not in the plan")
	case s.o.InProcess:
		return refuse("is a goroutine: run it as a process")
	case !s.members[i].unended[task] || s.members[i].bye:
		return refuse("has ended")
	case s.members[i].gone:
		return refuse("has died and is started again by itself")
	}
	m := s.members[i]
	old := &zombie{Process: m.Process, m: m, life: m.life, body: m.body}
	assigned := m.orders.Pprof
	m.orders.Pprof = anyPort(assigned) // the other one is taken
	err := s.restart(m)
	m.orders.Pprof = assigned
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotReplaceable, err)
	}
	s.zombies = append(s.zombies, old)
	s.forgo(m)
	s.profiled(m, nil)
	return nil
}

// anyPort returns a host's address with a port that the kernel chooses, empty for none.
func anyPort(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return net.JoinHostPort(host, "0")
}

// haunted takes note of what happened to a member's process that was replaced.
func (s *supervisor) haunted(e event) {
	switch {
	case e.death != nil:
		s.zombies = slices.DeleteFunc(s.zombies, func(z *zombie) bool { return z.m == e.m && z.life == e.life })
		s.o.Logger.Info("replaced process has ended", slog.String("process", e.m.Name()))
		s.advance()
	case e.report != nil && e.report.Kind == kindFailed:
		s.o.Logger.Info("replaced process has given up", slog.String("process", e.m.Name()), slog.String("text", e.report.Text))
	}
}

// buryZombies kills the processes that were replaced.
func (s *supervisor) buryZombies() {
	for _, z := range s.zombies {
		z.body.Kill()
	}
}
