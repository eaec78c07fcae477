package local

import (
	"fmt"
	"log/slog"
)

// handle takes note of what happened to a member.
func (s *supervisor) handle(e event) {
	e.m.spoke = e.m.spoke || e.life == e.m.life
	switch {
	case e.life != e.m.life:
		s.haunted(e)
	case e.death != nil:
		s.buried(e.m, e.death)
	case e.fault != nil:
		s.fail(fmt.Errorf("local: report of %s: %w", e.m.describe(), e.fault))
	default:
		s.heard(e.m, e.report)
	}
}

// heard takes in a report.
func (s *supervisor) heard(m *member, r *report) {
	switch r.Kind {
	case kindHello:
		if r.Version != protocolVersion {
			s.fail(fmt.Errorf("local: %s speaks version %d, this is %d: the program file has changed", m.describe(), r.Version, protocolVersion))
		}
	case kindServing:
		m.Pprof = r.Text
		m.last.Pprof = m.Pprof
		s.served(m)
	case kindReady:
		m.ready = true
		s.advance()
	case kindSample:
		if !m.bye { // else it was taken before the last word and overtaken by it
			s.sampled(m, r.Sample)
		}
		m.answered = r.Seq
		s.answered(m)
	case kindPublished:
		if s.published[r.Name] == nil {
			s.published[r.Name] = map[uint32][]byte{}
		}
		s.published[r.Name][r.Task] = r.Data
	case kindOversized:
		s.faults = append(s.faults, &PublishError{Component: s.componentOf(r.Task), Task: r.Task, Name: r.Name, Size: r.Size})
	case kindEnding:
		m.ending[r.Task], m.closing[r.Task] = true, true
	case kindEnded:
		delete(m.unended, r.Task)
		s.passEnded(m, r.Task)
	case kindClosed:
		delete(m.closing, r.Task)
	case kindFailed:
		s.failed(m, r)
	case kindProfiled:
		s.profiled(m, r)
	case kindBye:
		s.sampled(m, r.Sample)
		m.bye = true
		s.answered(m)
		s.profiled(m, nil)
		s.advance()
	}
}

func (s *supervisor) failed(m *member, r *report) {
	if m.life > 0 && r.InUse && r.Task == 0 {
		s.o.Logger.Warn("an address of a restarted process is in use", slog.String("process", m.Name()), slog.String("text", r.Text))
		return // it dies of it, and the next one may find it free
	}
	err := error(&TaskError{Process: m.Process, Component: s.componentOf(r.Task), Task: r.Task, Text: r.Text})
	if r.InUse && m.Role == RoleManager && s.phase == phaseManagers {
		err = fmt.Errorf("%w: %w", errAddressInUse, err)
	}
	s.fail(err)
}

func (s *supervisor) componentOf(task uint32) string {
	if c := s.c.plan.ComponentOf(task); c != nil {
		return c.Name
	}
	return ""
}

// buried takes note of a member's death. If its work was not done it is started
// again, or the run ends.
func (s *supervisor) buried(m *member, d *death) {
	m.gone = true
	m.death = *d
	s.answered(m)
	s.profiled(m, nil)
	if s.phase < phaseStopping && (m.Role == RoleManager || !m.finished()) {
		s.bereaved(m)
	}
	s.advance()
}
