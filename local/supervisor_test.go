package local

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
)

func TestRestartedProcessGetsWhatIsLeft(t *testing.T) {
	s := newStand(t, Options{TasksPerProcess: 3})
	old := s.last(t, "tasks-1..5")
	figures := []TaskSample{{Task: 1, Metrics: instance.Metrics{Emitted: 10}}, {Task: 3, Metrics: instance.Metrics{Emitted: 4, Received: 5}}, {Task: 5}}
	s.say(old, report{Kind: kindEnded, Task: 1})
	s.say(old, report{Kind: kindSample, Sample: &ProcessSample{Instances: figures, Usage: Usage{UserSeconds: 1, Mallocs: 7, RSSBytes: 3, PeakRSSBytes: 9}}})
	s.die(old, death{exitCode: 2, line: "panic: no", text: "panic: no\n\ngoroutine 1", crashed: true, user: 3})
	if got := s.sample().Totals(); got.Emitted != 10 || got.Executed != 5 || got.Restarts != 0 {
		t.Errorf("totals of a dead process are %+v", got)
	}
	next := s.rise(old)
	if o := next.orders; !slices.Equal(o.Tasks, []uint32{3, 5}) || o.Restarts != 1 || o.Incarnation != old.orders.Incarnation+1 || o.Positions != "positions" {
		t.Errorf("orders are %+v", o)
	}
	if got := s.sample().Totals(); got.Emitted != 10 || got.Executed != 5 || got.Restarts != 1 {
		t.Errorf("totals of a process that begins are %+v", got)
	}
	s.say(next, report{Kind: kindSample, Sample: &ProcessSample{
		Instances: []TaskSample{{Task: 3, Metrics: instance.Metrics{Received: 1}}, {Task: 5, Metrics: instance.Metrics{Received: 2}}},
		Usage:     Usage{UserSeconds: 1, Mallocs: 1, RSSBytes: 2, PeakRSSBytes: 8},
	}})
	got := next.m.last
	if got.PID != next.pid || got.Restarts != 1 || got.LastDeath != "exited with status 2 before its work was done: panic: no\npanic: no\n\ngoroutine 1" {
		t.Errorf("sample is %+v", got)
	}
	if len(got.Instances) != 3 || got.Instances[0].Task != 1 || got.Instances[0].Metrics.Emitted != 10 || !got.Instances[0].Metrics.Ended || got.Instances[2].Metrics.Received != 2 {
		t.Errorf("instances are %+v", got.Instances)
	}
	if got.Earlier != (Counts{Emitted: 4, Received: 5}) || got.Usage != (Usage{UserSeconds: 4, Mallocs: 8, RSSBytes: 2, PeakRSSBytes: 9}) {
		t.Errorf("before were %+v, and used is %+v", got.Earlier, got.Usage)
	}
	if all := s.sample().Totals(); all.Emitted != 10 || all.Executed != 8 {
		t.Errorf("totals are %+v", all)
	}
	if now := s.c.Processes(); now[2].PID != next.pid || now[2].Name() != "tasks-1..5" || !slices.Equal(now[2].Tasks, []uint32{1, 3, 5}) {
		t.Errorf("processes are %+v", now)
	}
	if e := next.m.exit(); e.Restarts != 1 || e.UserSeconds != 3 {
		t.Errorf("exit is %+v", e)
	}
}

func TestIncarnationsOfRunsDoNotMeet(t *testing.T) {
	first, second := newStand(t, Options{}), newStand(t, Options{})
	if a, b := first.bodies[0].orders.Incarnation, second.bodies[0].orders.Incarnation; b-a < 1<<lifeBits || a%(1<<lifeBits) != 0 {
		t.Errorf("incarnations are %d and %d", a, b)
	}
}

func TestRestartedManagerLearnsWhatHasEnded(t *testing.T) {
	s := newStand(t, Options{})
	s.say(s.last(t, "numbers-1"), report{Kind: kindEnded, Task: 1})
	s.say(s.last(t, "numbers-2"), report{Kind: kindEnded, Task: 2}) // of the other container
	manager := s.last(t, "stream-manager-1")
	s.die(manager, killed)
	s.say(s.last(t, "twice-3"), report{Kind: kindEnded, Task: 3}) // late: it ended before the death
	next := s.rise(manager)
	if o := next.orders; !slices.Equal(o.Ended, []uint32{1, 3}) || o.Restarts != 1 || len(o.Secret) != secretSize {
		t.Errorf("orders are %+v", o)
	}
	s.say(s.last(t, "sum-5"), report{Kind: kindEnded, Task: 5}) // later still
	s.say(s.last(t, "sum-6"), report{Kind: kindEnded, Task: 6})
	if ops, c := next.told(t); !slices.Equal(ops, []op{opEnded}) || !slices.Equal(c.Tasks, []uint32{5}) {
		t.Errorf("it was told %v, %+v", ops, c)
	}
	if ops, _ := s.last(t, "stream-manager-2").told(t); len(ops) != 0 {
		t.Errorf("the other one, which knows, was told %v", ops)
	}
}

func TestDrainIsRepeatedToWhoComesBack(t *testing.T) {
	s := newStand(t, Options{})
	before, after, manager := s.last(t, "numbers-1"), s.last(t, "numbers-2"), s.last(t, "stream-manager-1")
	s.die(before, killed)
	s.drain()
	s.die(after, killed)
	s.die(manager, killed)
	for _, f := range []*fake{before, after} {
		if ops, _ := s.rise(f).told(t); !slices.Equal(ops, []op{opDrain}) {
			t.Errorf("%s was told %v", f.m.Name(), ops)
		}
	}
	if ops, _ := s.rise(manager).told(t); len(ops) != 0 {
		t.Errorf("the stream manager was told %v", ops)
	}
}

func TestBudgetOfRestarts(t *testing.T) {
	s := newStand(t, Options{MaxRestarts: 2})
	f := s.last(t, "sum-5")
	for range 2 {
		s.die(f, killed)
		f = s.rise(f)
		s.say(f, report{Kind: kindReady})
	}
	f.m.restarts[0] = f.m.restarts[0].Add(-2 * DefaultRestartWindow) // long ago
	s.die(f, killed)
	f = s.rise(f)
	s.say(f, report{Kind: kindReady})
	if other := s.last(t, "sum-6"); true {
		s.die(other, killed) // has a budget of its own
		s.rise(other)
	}
	s.die(f, killed)
	died, ok := errors.AsType[*ProcessDiedError](s.supervisor.err)
	if !ok || died.Restarts != 3 || died.Limit != 2 || died.Process.PID != f.pid {
		t.Fatalf("error is %v", s.supervisor.err)
	}
	const want = "was killed by signal: killed: the end; it had been started again 3 times, 2 are allowed within 1m0s: cure the cause, or raise MaxRestarts"
	if !strings.HasSuffix(died.Error(), want) {
		t.Errorf("error is %v", died)
	}
	if len(s.deaths) != 5 || s.phase != phaseStopping {
		t.Errorf("%d deaths, phase %d", len(s.deaths), s.phase)
	}
}

func TestRestartsOfWhatNeverComesUpAreNotForgotten(t *testing.T) {
	s := newStand(t, Options{MaxRestarts: 2})
	f := s.last(t, "sum-5")
	for range 2 {
		s.die(f, killed)
		f = s.rise(f)
		for i := range f.m.restarts {
			f.m.restarts[i] = f.m.restarts[i].Add(-2 * DefaultRestartWindow)
		}
	}
	s.die(f, killed)
	if _, ok := errors.AsType[*ProcessDiedError](s.supervisor.err); !ok {
		t.Errorf("error is %v", s.supervisor.err)
	}
}

func TestPausesDoubleUntilAProcessLasts(t *testing.T) {
	s := newStand(t, Options{MaxRestarts: 1000})
	f := s.last(t, "sum-5")
	for i := range 100 {
		s.die(f, killed)
		most := mostRest
		if i < 7 {
			most = leastRest << i
		}
		if pause := f.m.revival.Sub(f.m.restarts[i]); pause < most/2 || pause > most {
			t.Errorf("pause %d is %v, want %v or half", i, pause, most)
		}
		f = s.rise(f)
	}
	f.m.born = f.m.born.Add(-steadyAfter)
	s.die(f, killed)
	if pause := f.m.revival.Sub(f.m.restarts[100]); pause > leastRest {
		t.Errorf("after a long life the pause is %v", pause)
	}
}

func TestNobodyIsStartedAgainWhenTheRunStops(t *testing.T) {
	s := newStand(t, Options{})
	resting, late := s.last(t, "sum-5"), s.last(t, "stream-manager-1")
	s.die(resting, killed)
	s.fail(ErrKilled)
	n := len(s.bodies)
	s.revive(resting.m.revival)
	s.die(late, killed)
	if len(s.bodies) != n || !late.m.revival.IsZero() {
		t.Error("somebody was started again")
	}
	if !errors.Is(s.supervisor.err, ErrKilled) {
		t.Errorf("error is %v", s.supervisor.err)
	}
}

func TestProcessThatDiesWhenItsWorkIsDoneIsNotStartedAgain(t *testing.T) {
	s := newStand(t, Options{})
	for _, f := range slices.Clone(s.bodies) {
		if f.m.Role == RoleInstance {
			s.say(f, report{Kind: kindEnded, Task: f.m.Tasks[0]})
			s.die(f, killed) // before its last word
		}
	}
	if s.phase != phaseClosing || s.supervisor.err != nil || len(s.deaths) != 6 {
		t.Errorf("phase %d, error %v, %d deaths", s.phase, s.supervisor.err, len(s.deaths))
	}
}

func TestTaskThatDiesWhileItsStreamsEndOnlyEndsThem(t *testing.T) {
	s := newStand(t, Options{TasksPerProcess: 3})
	f := s.last(t, "tasks-1..5")
	s.say(f, report{Kind: kindEnding, Task: 1})
	s.say(f, report{Kind: kindEnded, Task: 1})
	s.say(f, report{Kind: kindClosed, Task: 1})
	s.say(f, report{Kind: kindEnding, Task: 3})
	for _, unclosed := range [][]uint32{{3}, nil} { // who has only ends to say closes nothing
		s.die(f, killed)
		if d := s.deaths[len(s.deaths)-1]; !slices.Equal(d.Unclosed, unclosed) {
			t.Errorf("unclosed are %v, want %v", d.Unclosed, unclosed)
		}
		f = s.rise(f)
		if o := f.orders; !slices.Equal(o.Tasks, []uint32{3, 5}) || !slices.Equal(o.Ending, []uint32{3}) {
			t.Errorf("orders are %+v", o)
		}
	}
	s.say(f, report{Kind: kindEnded, Task: 3})
	s.say(f, report{Kind: kindEnding, Task: 5})
	s.say(f, report{Kind: kindEnded, Task: 5})
	n := len(s.bodies)
	s.die(f, killed)
	if d := s.deaths[len(s.deaths)-1]; !slices.Equal(d.Unclosed, []uint32{5}) || len(s.bodies) != n || !f.m.finished() || s.supervisor.err != nil {
		t.Errorf("death %+v, error %v", d, s.supervisor.err)
	}
}

func TestStartThatFailsIsTriedAgain(t *testing.T) {
	s := newStand(t, Options{MaxRestarts: 3})
	f := s.last(t, "sum-5")
	s.die(f, killed)
	s.fakes.err = errors.New("no more processes")
	s.revive(f.m.revival)
	if f.m.life != 0 || f.m.revival.IsZero() || s.supervisor.err != nil {
		t.Fatalf("life %d, error %v", f.m.life, s.supervisor.err)
	}
	s.fakes.err = nil
	f = s.rise(f)
	if f.orders.Restarts != 1 {
		t.Errorf("orders are %+v", f.orders)
	}
	s.die(f, killed)
	s.fakes.err = errors.New("no more processes")
	s.revive(f.m.revival)
	if s.supervisor.err == nil || !strings.Contains(s.supervisor.err.Error(), "cannot be started again: no more processes") {
		t.Errorf("error is %v", s.supervisor.err)
	}
}

func TestRestartedProcessMayFindAnAddressInUse(t *testing.T) {
	s := newStand(t, Options{})
	f := s.last(t, "stream-manager-1")
	s.die(f, killed)
	f = s.rise(f)
	s.say(f, report{Kind: kindFailed, Text: "in use", InUse: true})
	s.say(f, report{Kind: kindBye})
	s.die(f, death{exitCode: 1})
	s.rise(f)
	in := s.last(t, "sum-5")
	s.die(in, killed)
	in = s.rise(in)
	s.say(in, report{Kind: kindFailed, Task: 5, Text: "in use", InUse: true}) // of the user's code
	if _, ok := errors.AsType[*TaskError](s.supervisor.err); !ok {
		t.Errorf("error is %v", s.supervisor.err)
	}
}

func TestSamplesDoNotWaitForTheDead(t *testing.T) {
	s := newStand(t, Options{})
	answer := func(f *fake) {
		if ops, c := f.told(t); slices.Contains(ops, opSample) {
			s.say(f, report{Kind: kindSample, Seq: c.Seq, Sample: &ProcessSample{Manager: &dataplane.Metrics{}}})
		}
	}
	victim := s.last(t, "sum-5")
	for range 2 { // the second time one request is under way, and another is wanted
		first := &round{reply: make(chan *Sample, 1)}
		s.ask(first)
		second := &round{reply: make(chan *Sample, 1)}
		s.ask(second)
		s.die(victim, killed)
		for range 2 {
			for _, f := range slices.Clone(s.bodies) {
				if f != victim {
					answer(f)
				}
			}
		}
		if len(first.reply) != 1 || len(second.reply) != 1 {
			t.Fatal("a round waits for a dead process")
		}
		victim = s.rise(victim)
		third := &round{reply: make(chan *Sample, 1)}
		s.ask(third)
		for _, f := range slices.Clone(s.bodies) {
			answer(f)
		}
		if len(third.reply) != 1 {
			t.Fatal("a round waits for a process that has answered")
		}
	}
}

func TestProfilesOfARestartedProcess(t *testing.T) {
	s := newStand(t, Options{})
	answer := func(wanted op) {
		for _, f := range slices.Clone(s.bodies) {
			if ops, c := f.told(t); slices.Contains(ops, wanted) {
				s.say(f, report{Kind: kindProfiled, Seq: c.Seq})
			}
		}
	}
	reply := make(chan captured, 1)
	s.startCapture([]ProfileKind{ProfileCPU}, func(*Process) bool { return true }, reply)
	answer(opRecord)
	if r := <-reply; r.err != nil {
		t.Fatal(r.err)
	}
	victim := s.last(t, "sum-5")
	s.die(victim, killed)
	next := s.rise(victim)
	s.stopCapture(t.TempDir(), reply)
	if ops, _ := next.told(t); len(ops) != 0 {
		t.Errorf("who does not record was told %v", ops)
	}
	answer(opWrite)
	fault, ok := errors.AsType[*ProfileError]((<-reply).err)
	if !ok || fault.Process.Name() != "sum-5" {
		t.Errorf("error is %v", fault)
	}
}

func TestZombieIsNotHeard(t *testing.T) {
	s := newStand(t, Options{})
	old := s.last(t, "sum-5")
	r := &round{reply: make(chan *Sample, 1)}
	s.ask(r)
	for _, f := range s.bodies {
		if f != old {
			_, c := f.told(t)
			s.say(f, report{Kind: kindSample, Seq: c.Seq})
		}
	}
	if err := s.replace(5); err != nil {
		t.Fatal(err)
	}
	next := s.last(t, "sum-5")
	if next == old || next.orders.Incarnation != old.orders.Incarnation+1 || next.orders.Restarts != 1 || old.killed {
		t.Fatalf("orders are %+v", next.orders)
	}
	if len(r.reply) != 1 {
		t.Error("a round waits for the zombie")
	}
	s.say(old, report{Kind: kindEnded, Task: 5})
	s.say(old, report{Kind: kindPublished, Task: 5, Name: "x"})
	s.say(old, report{Kind: kindOversized, Task: 5, Name: "x"})
	s.say(old, report{Kind: kindSample, Seq: 99, Sample: &ProcessSample{Usage: Usage{Mallocs: 1}}})
	s.say(old, report{Kind: kindFailed, Task: 5, Text: "refused"})
	s.say(old, report{Kind: kindBye, Sample: &ProcessSample{}})
	s.deliver(old, event{m: old.m, fault: errors.New("nonsense")})
	if m := next.m; m.bye || !m.unended[5] || m.last.Usage.Mallocs != 0 || m.answered != m.asked || s.supervisor.err != nil || len(s.faults)+len(s.published) != 0 {
		t.Errorf("the zombie was heard: %+v, %v", m, s.supervisor.err)
	}
	if now := s.c.Processes(); now[slices.IndexFunc(now, func(p Process) bool { return p.Name() == "sum-5" })].PID != next.pid {
		t.Errorf("processes are %+v", now)
	}
	s.die(next, killed) // is started again, zombie or not
	s.rise(next)
	s.fail(ErrKilled)
	if !old.killed {
		t.Error("the zombie lives on")
	}
	for _, f := range []*fake{s.last(t, "numbers-1"), s.last(t, "numbers-2"), s.last(t, "twice-3"), s.last(t, "twice-4"), s.last(t, "sum-5"), s.last(t, "sum-6")} {
		s.die(f, death{})
	}
	s.die(s.last(t, "stream-manager-1"), death{})
	s.die(s.last(t, "stream-manager-2"), death{})
	if s.phase != phaseClosing {
		t.Errorf("phase is %d though the zombie is there", s.phase)
	}
	s.die(old, killed)
	if s.phase != phaseEnded {
		t.Errorf("phase is %d though nobody is there", s.phase)
	}
}

func TestReplaceSaysWhyNot(t *testing.T) {
	s := newStand(t, Options{})
	check := func(task uint32, want string) {
		t.Helper()
		if err := s.replace(task); !errors.Is(err, ErrNotReplaceable) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	check(99, "not in the plan")
	s.say(s.last(t, "numbers-1"), report{Kind: kindEnded, Task: 1})
	check(1, "has ended")
	s.die(s.last(t, "sum-5"), killed)
	check(5, "started again by itself")
	s.fakes.err = errors.New("no memory")
	check(6, "no memory")
	if m := s.last(t, "sum-6").m; m.life != 0 || len(s.zombies) != 0 {
		t.Errorf("something was done: %+v", m)
	}
	s.o.InProcess = true
	check(6, "goroutine")
	s.fail(ErrKilled)
	if err := s.replace(6); !errors.Is(err, ErrEnded) {
		t.Errorf("error is %v", err)
	}
	if got := anyPort("host:80") + anyPort(""); got != "host:0" {
		t.Errorf("address is %q", got)
	}
}

func TestWhoDoesNotAnswerIsKilledInTicksOfTheSupervisor(t *testing.T) {
	s := newStand(t, Options{})
	silent := s.last(t, "sum-5")
	ticks := 0
	tick := func(except ...*fake) {
		ticks++
		s.tick()
		for _, f := range slices.Clone(s.bodies) {
			if ops, c := f.told(t); len(ops) > 0 && !slices.Contains(except, f) {
				s.say(f, report{Kind: kindSample, Seq: c.Seq, Sample: &ProcessSample{}})
			}
		}
	}
	for range 30 {
		tick()
	}
	for !silent.killed && ticks < 100 {
		tick(silent)
	}
	if ticks -= 30; ticks < hangTicks || ticks > hangTicks+2 {
		t.Errorf("killed after %d ticks", ticks)
	}
	for _, f := range s.bodies {
		if f.killed != (f == silent) {
			t.Errorf("%s: killed is %v", f.m.Name(), f.killed)
		}
	}
	s.die(silent, killed)
	if d := s.deaths[0]; !d.Hung || d.Cause() != "did not answer and was killed: the end" {
		t.Errorf("death is %+v", d)
	}
	next := s.rise(silent)
	for range 5 * hangTicks { // it is starting
		tick(next)
	}
	if next.killed {
		t.Error("a process that is starting was killed")
	}
	s.say(next, report{Kind: kindReady})
	s.say(next, report{Kind: kindPublished, Task: 5, Name: "x"}) // a word, if no answer
	for range hangTicks - 1 {
		tick(next)
	}
	if next.killed {
		t.Error("a process that has said something was killed")
	}
	s.fail(ErrKilled)
	for range 3 * hangTicks {
		tick(next)
	}
	if next.killed {
		t.Error("a process was killed that was told to stop")
	}
}

func TestRunFileFollowsRestarts(t *testing.T) {
	s := newStand(t, Options{})
	control, err := serveControl(t.Context(), s.c, filepath.Join(s.dir.path, controlName))
	if err != nil {
		t.Skip(err) // the path of the test's directory is too long for a socket
	}
	defer control.close()
	f := s.last(t, "sum-5")
	s.die(f, killed)
	next := s.rise(f)
	r, err := RunIn(context.WithoutCancel(t.Context()), s.dir.path)
	if err != nil || !slices.ContainsFunc(r.Processes, func(p Process) bool { return p.PID == next.pid }) {
		t.Errorf("the run is %+v, %v", r, err)
	}
}
