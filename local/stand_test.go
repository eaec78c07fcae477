package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
)

// fakes launches members that are nothing but a record of what they were told.
type fakes struct {
	bodies []*fake
	err    error // of the next launches
}

type fake struct {
	m        *member
	orders   orders
	emit     func(event)
	pid      int
	commands bytes.Buffer
	killed   bool
}

func (f *fakes) launch(m *member, emit func(event)) (body, error) {
	if f.err != nil {
		return nil, f.err
	}
	b := &fake{m: m, orders: m.orders, emit: emit, pid: 1000 + len(f.bodies)}
	f.bodies = append(f.bodies, b)
	return b, nil
}

func (*fakes) close() {}

func (f *fake) PID() int                 { return f.pid }
func (f *fake) Commands() io.WriteCloser { return nopCloser{&f.commands} }
func (f *fake) Kill()                    { f.killed = true }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// told returns what a member was told since the last time.
func (f *fake) told(t *testing.T) (ops []op, last command) {
	t.Helper()
	for lines := bufio.NewScanner(&f.commands); lines.Scan(); ops = append(ops, last.Op) {
		last = command{}
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			t.Fatal(err)
		}
	}
	return ops, last
}

// last returns the process of a name that was launched last.
func (f *fakes) last(t *testing.T, name string) *fake {
	t.Helper()
	for _, b := range slices.Backward(f.bodies) {
		if b.m.Name() == name {
			return b
		}
	}
	t.Fatalf("no process %s", name)
	return nil
}

// stand is a supervisor without a goroutine, whose events a test hands it.
type stand struct {
	*supervisor
	*fakes
	t *testing.T
}

// newStand brings up two spout tasks and four bolt tasks in two containers.
func newStand(t *testing.T, o Options) *stand {
	t.Helper()
	b := topology.NewBuilder("stand")
	b.Spout("numbers", func() topology.Spout { return nil }, topology.Output("n"), topology.Parallelism(2))
	b.Bolt("twice", func() topology.Bolt { return nil }, topology.Shuffle("numbers"), topology.Output("n"), topology.Parallelism(2))
	b.Bolt("sum", func() topology.Bolt { return nil }, topology.Fields("twice", "n"), topology.Parallelism(2))
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	logical := plan.NewLogical(top)
	p := plan.New(logical, plan.PackRoundRobin(logical, 2), 1, 1, func(uint32) (string, string) { return "", "" })
	dir, err := openRunDir(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.remove() })
	c := &Cluster{
		plan: p, pprof: &ownPprof{}, metrics: &ownMetrics{}, calls: make(chan func(*supervisor)), up: make(chan struct{}),
		ended: make(chan struct{}), done: make(chan struct{}),
	}
	f := &fakes{}
	s := &stand{supervisor: newSupervisor(c, o.withDefaults(topology.Delivery{}), dir, f, "plan", "positions"), fakes: f, t: t}
	t.Cleanup(func() {
		for _, timer := range []*time.Timer{s.deadline, s.limit, s.revival} {
			timer.Stop()
		}
		s.watch.Stop()
	})
	s.launchAll(RoleManager)
	for i := 0; i < len(f.bodies); i++ { // more come when the managers are ready
		s.say(f.bodies[i], report{Kind: kindReady})
	}
	if s.phase != phaseRunning {
		t.Fatalf("phase is %d", s.phase)
	}
	return s
}

// say has a process report, as its reader would.
func (s *stand) say(f *fake, r report) { s.deliver(f, event{m: f.m, report: &r}) }

// die has a process end.
func (s *stand) die(f *fake, d death) { s.deliver(f, event{m: f.m, death: &d}) }

// deliver sends an event the way that the launcher was given, and has it handled.
func (s *stand) deliver(f *fake, e event) {
	f.emit(e)
	s.handle(<-s.events)
}

// rise lets the pause of a member that died pass and returns its next process.
func (s *stand) rise(f *fake) *fake {
	s.t.Helper()
	if !f.m.revival.IsZero() { // else it came with another, whose pause was longer
		s.revive(f.m.revival)
	}
	next := s.last(s.t, f.m.Name())
	if next == f {
		s.t.Fatalf("%s was not started again: %v", f.m.Name(), s.supervisor.err)
	}
	return next
}

var killed = death{exitCode: -1, signal: 9, line: "the end"}
