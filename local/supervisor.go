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
	revival     *time.Timer // of the member that is to be started again next
	watch       *time.Ticker
	zombies     []*zombie
	deaths      []Death
	began       time.Time // when all processes were up
	finished    time.Time // when the last task ended, or the run failed
	baseline    Usage     // of this process, at the start
	rounds      []*round
	capture     captures
	control     *control
	published   map[string]map[uint32][]byte
}

func newSupervisor(c *Cluster, o Options, dir *runDir, l launcher, planPath, positions string) *supervisor {
	s := &supervisor{
		c: c, o: o, dir: dir, launch: l, events: make(chan event, 64),
		began: time.Now(), baseline: ownUsage(), published: map[string]map[uint32][]byte{},
		deadline: time.NewTimer(o.StartTimeout),
		limit:    time.NewTimer(time.Hour),
		revival:  time.NewTimer(time.Hour),
		watch:    time.NewTicker(time.Hour),
	}
	s.limit.Stop()
	s.revival.Stop()
	s.watch.Stop()
	incarnation := incarnations.Add(1) << lifeBits
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails
	for _, p := range processesOf(c.plan, o.TasksPerProcess) {
		m := &member{Process: p, orders: orders{
			Version: protocolVersion, Role: p.Role, Topology: c.plan.Topology, Plan: planPath,
			Container: p.Container, Tasks: p.Tasks, Incarnation: incarnation, Mode: o.Mode,
			HighMark: o.HighMark, LowMark: o.LowMark, HardMark: o.HardMark, Window: o.Window,
			MinBatch: o.MinBatch, MaxBatch: o.MaxBatch, MaxAgeNanos: int64(o.MaxAge),
			LogLevel: int(o.LogLevel.Level()), Positions: positions,
		}}
		if p.Role == RoleManager {
			m.orders.Secret = secret
			m.orders.Store = storeOf(c.plan, o, p.Container)
		}
		m.unended, m.ending, m.closing = map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}
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
		case <-s.revival.C:
			s.revive(time.Now())
		case <-s.watch.C:
			s.tick()
		}
	}
	s.finish(&sampler)
}

// finish clears away what is left and makes the result.
func (s *supervisor) finish(sampler *sync.WaitGroup) {
	s.deadline.Stop()
	s.limit.Stop()
	s.revival.Stop()
	s.watch.Stop()
	final := s.sample()
	final.Elapsed = s.finished.Sub(s.began)
	res := &Result{
		Topology: s.c.plan.Topology, Mode: s.o.Mode, Containers: len(s.c.plan.Containers),
		Elapsed: final.Elapsed, Interrupted: s.interrupted, Sample: final, Published: s.published,
		Deaths: s.deaths,
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
	for _, z := range s.zombies {
		_ = z.body.Commands().Close()
	}
	s.c.result, s.c.err = res, errors.Join(append([]error{s.err}, s.faults...)...)
	close(s.c.ended)
	s.control.close()
	sampler.Wait()
	s.launch.close()
	if s.up {
		s.c.pprof.close()
		s.c.metrics.close()
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
		if err := s.start(m); err != nil {
			s.fail(err)
			return
		}
	}
}

// start starts a member. Its events say which of its processes they are about.
func (s *supervisor) start(m *member) error {
	life := m.life
	b, err := s.launch.launch(m, func(e event) {
		e.life = life
		s.emit(e)
	})
	if err != nil {
		return err
	}
	m.body, m.born = b, time.Now()
	m.PID = b.PID()
	m.last.PID = m.PID
	return nil
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
		if s.all(RoleManager, (*member).absent) && s.all(RoleInstance, (*member).absent) && len(s.zombies) == 0 {
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
	s.beginWatch()
	s.o.Logger.Info("topology runs", slog.String("topology", s.c.plan.Topology),
		slog.Int("containers", len(s.c.plan.Containers)), slog.Int("processes", len(s.members)), slog.String("dir", s.dir.path))
	s.list()
	s.announcePprof()
	s.announceMetrics()
	close(s.c.up)
}

// list tells everybody who asks which processes there are, once all have been up.
func (s *supervisor) list() {
	if !s.up {
		return
	}
	all := make([]Process, len(s.members))
	for i, m := range s.members {
		all[i] = m.Process
	}
	s.c.processes.Store(&all)
	if err := s.describe(); err != nil {
		s.o.Logger.Warn("other programs cannot find this run as it is", slog.Any("err", err))
	}
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
	s.buryZombies()
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
		for _, z := range s.zombies {
			late = append(late, &member{Process: z.Process})
		}
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
