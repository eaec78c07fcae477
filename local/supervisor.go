package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// phase is how far a run has come. It only rises.
type phase int

const (
	phaseManagers  phase = iota // stream managers start
	phaseInstances              // instances start
	phaseRunning
	phaseDraining // spouts have been told to stop
	phaseStopping // instances have been told to stop
	phaseClosing  // stream managers have been told to stop
	phaseKilling  // everybody left has been killed
	phaseEnded    // nobody is left, or it has been given up
)

// secretSize is the length in bytes of what a run's stream managers know each other by.
const secretSize = 32

// killPatience is how long the kernel may take to end a killed process.
const killPatience = 10 * time.Second

// supervisor owns a cluster. Its methods run on the goroutine of run only.
type supervisor struct {
	// Immutable.
	c      *Cluster
	o      Options
	dir    *runDir
	launch launcher
	events chan event

	// Owned by run.
	phase       phase
	members     []*member
	err         error   // the first that ended the run
	faults      []error // that did not end it
	interrupted bool
	up          bool        // all processes have been up; before that the starter owns dir
	deadline    *time.Timer // of the phase
	limit       *time.Timer // of the run
	began       time.Time   // when all processes were up
	finished    time.Time   // when the last task ended, or the run failed
	baseline    Usage       // of this process, at the start
	rounds      []*round
	capture     captures
	control     *control
	published   map[string]map[uint32][]byte
}

func newSupervisor(c *Cluster, o Options, dir *runDir, l launcher, planPath string) *supervisor {
	s := &supervisor{
		c: c, o: o, dir: dir, launch: l, events: make(chan event, 64),
		began: time.Now(), baseline: ownUsage(), published: map[string]map[uint32][]byte{},
		deadline: time.NewTimer(o.StartTimeout),
		limit:    time.NewTimer(time.Hour),
	}
	s.limit.Stop()
	incarnation := incarnations.Add(1)
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails
	for _, p := range processesOf(c.plan, o.TasksPerProcess) {
		m := &member{Process: p, orders: orders{
			Version: protocolVersion, Role: p.Role, Topology: c.plan.Topology, Plan: planPath,
			Container: p.Container, Tasks: p.Tasks, Incarnation: incarnation, Mode: o.Mode,
			HighMark: o.HighMark, LowMark: o.LowMark, HardMark: o.HardMark, Window: o.Window,
			MinBatch: o.MinBatch, MaxBatch: o.MaxBatch, MaxAgeNanos: int64(o.MaxAge),
			LogLevel: int(o.LogLevel.Level()),
		}}
		if p.Role == RoleManager {
			m.orders.Secret = secret
		}
		m.unended = map[uint32]bool{}
		for _, t := range p.Tasks {
			m.unended[t] = true
		}
		m.last.Process = p
		s.members = append(s.members, m)
	}
	return s
}

// run takes the cluster through its life.
func (s *supervisor) run(ctx context.Context) {
	var sampler sync.WaitGroup
	sampler.Go(func() { s.c.sampleEvery(ctx, s.o) })
	s.launchAll(RoleManager)
	interrupt := ctx.Done()
	for s.phase < phaseEnded {
		select {
		case <-interrupt:
			interrupt = nil
			s.interrupt(context.Cause(ctx))
		case e := <-s.events:
			s.handle(e)
		case f := <-s.c.calls:
			f(s)
		case <-s.deadline.C:
			s.expire()
		case <-s.limit.C:
			s.drain()
		}
	}
	s.finish(&sampler)
}

// finish clears away what is left and makes the result.
func (s *supervisor) finish(sampler *sync.WaitGroup) {
	s.deadline.Stop()
	s.limit.Stop()
	final := s.sample()
	final.Elapsed = s.finished.Sub(s.began)
	res := &Result{
		Topology: s.c.plan.Topology, Mode: s.o.Mode, Containers: len(s.c.plan.Containers),
		Elapsed: final.Elapsed, Interrupted: s.interrupted, Sample: final, Published: s.published,
	}
	for _, m := range s.members {
		if m.body == nil {
			continue
		}
		_ = m.body.Commands().Close()
		if !s.o.InProcess {
			res.Exits = append(res.Exits, m.exit())
		}
	}
	s.c.result, s.c.err = res, errors.Join(append([]error{s.err}, s.faults...)...)
	close(s.c.ended)
	s.control.close()
	sampler.Wait()
	s.launch.close()
	if s.up {
		s.c.pprof.close()
		if err := s.dir.remove(); err != nil {
			s.o.Logger.Warn("run directory stays", slog.Any("err", err))
		}
	}
	close(s.c.done)
}

// emit hands an event to the supervisor, or drops it if that has ended.
func (s *supervisor) emit(e event) {
	select {
	case s.events <- e:
	case <-s.c.ended:
	}
}

// launchAll starts the members of a role.
func (s *supervisor) launchAll(r Role) {
	for _, m := range s.members {
		if m.Role != r {
			continue
		}
		b, err := s.launch.launch(m, s.emit)
		if err != nil {
			s.fail(err)
			return
		}
		m.body = b
		m.PID = b.PID()
		m.last.PID = m.PID
	}
}

// handle takes note of what happened to a member.
func (s *supervisor) handle(e event) {
	switch {
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
	case kindEnded:
		delete(m.unended, r.Task)
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

// buried takes note of a member's death, which is an error unless its work was done.
func (s *supervisor) buried(m *member, d *death) {
	m.gone = true
	m.death = *d
	s.answered(m)
	s.profiled(m, nil)
	if !m.finished() || m.Role == RoleManager {
		s.fail(m.died())
	}
	s.advance()
}

// advance moves on to the next phase if everybody is there.
func (s *supervisor) advance() {
	switch s.phase {
	case phaseManagers:
		if s.all(RoleManager, func(m *member) bool { return m.ready }) {
			s.phase = phaseInstances
			s.launchAll(RoleInstance)
		}
	case phaseInstances:
		if s.all(RoleInstance, func(m *member) bool { return m.ready }) {
			s.begin()
			s.advance()
		}
	case phaseRunning, phaseDraining:
		if s.all(RoleInstance, (*member).finished) {
			s.stop()
		}
	case phaseStopping:
		if s.all(RoleInstance, (*member).absent) {
			s.tell(phaseClosing, RoleManager)
			s.advance()
		}
	case phaseClosing, phaseKilling:
		if s.all(RoleManager, (*member).absent) && s.all(RoleInstance, (*member).absent) {
			s.phase = phaseEnded
		}
	case phaseEnded:
	}
}

func (s *supervisor) all(r Role, is func(*member) bool) bool {
	return !slices.ContainsFunc(s.members, func(m *member) bool { return m.Role == r && !is(m) })
}

// begin makes the cluster a running one.
func (s *supervisor) begin() {
	s.phase = phaseRunning
	s.up = true
	s.deadline.Stop()
	s.began = time.Now()
	if s.o.Duration > 0 {
		s.limit.Reset(s.o.Duration)
	}
	for _, m := range s.members {
		s.c.processes = append(s.c.processes, m.Process)
	}
	s.o.Logger.Info("topology runs", slog.String("topology", s.c.plan.Topology),
		slog.Int("containers", len(s.c.plan.Containers)), slog.Int("processes", len(s.members)), slog.String("dir", s.dir.path))
	if err := s.describe(); err != nil {
		s.o.Logger.Warn("other programs cannot find this run", slog.Any("err", err))
	}
	s.announcePprof()
	close(s.c.up)
}

// interrupt drains a running cluster and gives up one that is still starting.
func (s *supervisor) interrupt(cause error) {
	if s.phase < phaseRunning {
		s.fail(cause)
		return
	}
	s.interrupted = s.phase < phaseStopping
	s.drain()
}

// drain tells the spouts to stop. What follows comes by itself.
func (s *supervisor) drain() {
	if s.phase != phaseRunning {
		return
	}
	s.phase = phaseDraining
	s.deadline.Reset(s.o.DrainTimeout)
	for _, m := range s.members {
		if m.Role == RoleInstance {
			m.send(command{Op: opDrain})
		}
	}
}

// fail ends the run with its first error.
func (s *supervisor) fail(err error) {
	if s.phase >= phaseStopping {
		return
	}
	s.err = err
	s.stop()
}

// stop ends everything: the instances first, so that they do not miss their stream managers.
func (s *supervisor) stop() {
	s.finished = time.Now()
	s.limit.Stop()
	s.tell(phaseStopping, RoleInstance)
	s.advance()
}

// tell begins a phase by telling the members of a role to stop.
func (s *supervisor) tell(p phase, r Role) {
	s.phase = p
	s.deadline.Reset(s.o.StopTimeout)
	for _, m := range s.members {
		if m.Role == r && !m.absent() {
			m.send(command{Op: opStop})
		}
	}
}

// kill kills everybody who is left.
func (s *supervisor) kill() {
	if s.phase >= phaseKilling {
		return
	}
	s.phase = phaseKilling
	s.deadline.Reset(killPatience)
	for _, m := range s.members {
		m.kill()
	}
	s.advance()
}

// expire handles the end of a phase's time.
func (s *supervisor) expire() {
	switch s.phase {
	case phaseManagers, phaseInstances:
		late := slices.DeleteFunc(slices.Clone(s.members), func(m *member) bool { return m.ready || m.absent() })
		s.fail(fmt.Errorf("local: not up after %v: %s; does the program come to ardea.Main or ardea.Run when it is started again with the same arguments and no input?",
			s.o.StartTimeout, describeAll(late)))
	case phaseDraining:
		s.fail(s.drainTimeout())
	case phaseStopping, phaseClosing:
		for _, m := range s.members {
			if !m.absent() {
				s.o.Logger.Warn("process does not stop and is killed", slog.String("process", m.Name()), slog.Int("pid", m.PID))
			}
		}
		s.kill()
	case phaseKilling:
		late := slices.DeleteFunc(slices.Clone(s.members), (*member).absent)
		s.err = errors.Join(s.err, fmt.Errorf("local: cannot be ended: %s", describeAll(late)))
		s.phase = phaseEnded
	case phaseRunning, phaseEnded:
	}
}

func (s *supervisor) drainTimeout() *DrainTimeoutError {
	e := &DrainTimeoutError{Timeout: s.o.DrainTimeout}
	for _, m := range s.members {
		if m.finished() || m.Role == RoleManager {
			continue
		}
		left := m.Process
		left.Tasks = slices.Sorted(maps.Keys(m.unended))
		left.Components = nil
		for _, t := range left.Tasks {
			left.Components = append(left.Components, s.componentOf(t))
		}
		e.Unfinished = append(e.Unfinished, left)
	}
	return e
}

func describeAll(members []*member) string {
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = m.describe()
	}
	return strings.Join(texts, "; ")
}
