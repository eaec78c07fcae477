package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// until samples a run until what is asked for is seen.
func until(t *testing.T, c *local.Cluster, what string, seen func(*local.Sample) bool) *local.Sample {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // somebody may be stopped
		s, _ := c.Sample(ctx)
		cancel()
		if seen(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not seen in %+v", what, s)
		}
	}
}

// processOf returns the figures of the process of that name.
func processOf(s *local.Sample, name string) *local.ProcessSample {
	i := slices.IndexFunc(s.Processes, func(p local.ProcessSample) bool { return p.Name() == name })
	return &s.Processes[i]
}

// awaitRestart waits until a process has been started again so often and, if it is an instance, tuples flow in all tasks.
func awaitRestart(t *testing.T, c *local.Cluster, name string, restarts int) {
	t.Helper()
	until(t, c, "restart of "+name, func(s *local.Sample) bool { p := processOf(s, name); return p.Restarts >= restarts && p.Elapsed > 0 })
	awaitFlow(t, c)
}

// kill kills a process and waits until nothing of it is left.
func kill(t *testing.T, pid int) {
	t.Helper()
	signal(t, pid, syscall.SIGKILL)
	awaitGone(t, pid)
}

func awaitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(patience); syscall.Kill(pid, 0) == nil; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is left", pid)
		}
	}
}

// checkRestarts checks what the result says of restarts, by process, and that nobody was forced to end.
func checkRestarts(t *testing.T, c *local.Cluster, res *local.Result, want map[string]int) {
	t.Helper()
	deaths := map[string]int{}
	for _, d := range res.Deaths {
		deaths[d.Name()]++
	}
	for i, e := range res.Exits {
		s := res.Sample.Processes[i]
		if n := want[e.Name()]; e.Restarts != n || s.Restarts != n || deaths[e.Name()] != n {
			t.Errorf("%s: %d restarts, %d deaths, want %d", e.Name(), e.Restarts, deaths[e.Name()], n)
		}
		if e.ExitCode != 0 || e.Forced || e.PID != c.Processes()[i].PID || s.PID != e.PID {
			t.Errorf("%s ended so: %+v", e.Name(), e)
		}
	}
}

func TestKilledProcessIsStartedAgain(t *testing.T) {
	for _, containers := range []int{1, 2} {
		for _, name := range []string{"stream-manager-1", "numbers-1", "twice-4", "sum-5"} {
			t.Run(fmt.Sprintf("%s of %d containers", name, containers), func(t *testing.T) {
				leaktest.Check(t)
				o := options(t, "endless")
				o.Containers = containers
				c := start(t.Context(), t, "endless", o)
				awaitFlow(t, c)
				var pids []int
				for n := 1; n <= 2; n++ {
					victim := find(t, c, name)
					pids = append(pids, victim.PID)
					kill(t, victim.PID)
					awaitRestart(t, c, name, n)
				}
				if now := find(t, c, name); slices.Contains(pids, now.PID) {
					t.Errorf("processes still hold pid %d", now.PID)
				}
				r, err := local.RunIn(t.Context(), filepath.Dir(c.Plan().Containers[0].Socket))
				if err != nil || !slices.EqualFunc(r.Processes, c.Processes(), func(a, b local.Process) bool { return a.PID == b.PID }) {
					t.Errorf("the run is found as %+v, %v", r, err)
				}
				c.Drain()
				res, err := wait(t, c)
				if err != nil {
					t.Fatal(err)
				}
				checkRestarts(t, c, res, map[string]int{name: 2})
				if d := res.Deaths[0]; d.PID != pids[0] || d.Signal != "killed" || d.Elapsed <= 0 {
					t.Errorf("death is %+v", d)
				}
			})
		}
	}
}

// Every process is killed, one after the other, without waiting for the ones before.
func TestEverybodyIsKilledUnderLoad(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "endless")
	o.TasksPerProcess = 2
	c := start(t.Context(), t, "endless", o)
	awaitFlow(t, c)
	want := map[string]int{}
	for _, p := range c.Processes() {
		signal(t, p.PID, syscall.SIGKILL)
		want[p.Name()] = 1
	}
	until(t, c, "restart of all", func(s *local.Sample) bool {
		return !slices.ContainsFunc(s.Processes, func(p local.ProcessSample) bool { return p.Restarts == 0 || p.Elapsed == 0 })
	})
	awaitFlow(t, c)
	c.Drain()
	res, err := wait(t, c)
	if err != nil {
		t.Fatal(err)
	}
	checkRestarts(t, c, res, want)
}

func TestDeathDuringTheDrain(t *testing.T) {
	for _, name := range []string{"stream-manager-2", "numbers-2", "twice-4", "sum-5"} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			c := start(t.Context(), t, "endless", options(t, "endless"))
			awaitFlow(t, c)
			victim := find(t, c, name)
			freeze(t, victim.PID)
			c.Drain()
			until(t, c, "a spout that has heeded the drain", func(s *local.Sample) bool { return processOf(s, "numbers-1").Instances[0].Metrics.Ended })
			signal(t, victim.PID, syscall.SIGKILL)
			res, err := wait(t, c)
			if err != nil {
				t.Fatal(err)
			}
			checkRestarts(t, c, res, map[string]int{name: 1})
		})
	}
}

// A bolt that is stopped holds up the drain, so that the run is told to stop; then it dies, and a stream manager with it.
func TestDeathDuringTheStopIsNoMatter(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "endless")
	o.DrainTimeout = 200 * time.Millisecond
	c := start(t.Context(), t, "endless", o)
	awaitFlow(t, c)
	victim, manager := find(t, c, "twice-4"), find(t, c, "stream-manager-1")
	freeze(t, victim.PID)
	c.Drain()
	awaitGone(t, find(t, c, "sum-6").PID) // its inputs have not ended, so it was told to stop
	signal(t, manager.PID, syscall.SIGKILL)
	signal(t, victim.PID, syscall.SIGKILL)
	res, err := wait(t, c)
	if _, ok := errors.AsType[*local.DrainTimeoutError](err); !ok {
		t.Errorf("error is %v", err)
	}
	if all := res.Sample.Totals(); all.Restarts != 0 || len(res.Deaths) != 0 {
		t.Errorf("%d restarts, deaths %+v", all.Restarts, res.Deaths)
	}
}

// Spouts crash as soon as there is a certain file, and again whenever they are started.
func TestCrashThatRepeatsEndsTheRun(t *testing.T) {
	leaktest.Check(t)
	trigger := filepath.Join(t.TempDir(), "fall")
	t.Setenv(envTrigger, trigger)
	o := options(t, "fall")
	o.MaxRestarts = 2
	c := start(t.Context(), t, "fall", o)
	awaitFlow(t, c)
	if err := os.WriteFile(trigger, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := wait(t, c)
	died, ok := errors.AsType[*local.ProcessDiedError](err)
	if !ok || died.ExitCode != 2 || died.Restarts != 2 || died.Limit != 2 || died.Line != "panic: a goroutine of the user's falls" {
		t.Fatalf("error is %v", err)
	}
	if len(res.Deaths) < 3 || !strings.Contains(res.Deaths[0].Stderr, "topologies_test.go") {
		t.Errorf("deaths are %+v", res.Deaths)
	}
	p := processOf(res.Sample, died.Process.Name())
	if !strings.HasPrefix(p.LastDeath, "exited with status 2 before its work was done: panic: a goroutine of the user's falls\npanic: ") ||
		!strings.Contains(p.LastDeath, "topologies_test.go") {
		t.Errorf("last death is %q", p.LastDeath)
	}
}

// Two tasks share a process. The spout's has ended when the process is killed, the bolt's has not.
func TestEndedTasksOfAProcessDoNotBeginAgain(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "slowfinish 10")
	o.Containers, o.TasksPerProcess = 1, 6
	c := start(t.Context(), t, "slowfinish 10", o)
	ended := func(s *local.Sample, tasks ...uint32) bool {
		return !slices.ContainsFunc(s.Tasks(), func(ts local.TaskSample) bool { return slices.Contains(tasks, ts.Task) && !ts.Metrics.Ended })
	}
	until(t, c, "the end of the first tasks", func(s *local.Sample) bool { return ended(s, 1, 2, 3, 4) })
	name := "tasks-1..6"
	kill(t, find(t, c, name).PID)
	s := until(t, c, "restart", func(s *local.Sample) bool { p := processOf(s, name); return p.Restarts == 1 && p.Elapsed > 0 })
	if tasks := s.Tasks(); len(tasks) != 6 || tasks[0].Metrics.Emitted != 10 || !tasks[0].Metrics.Ended || tasks[5].Metrics.Ended {
		t.Errorf("tasks are %+v", tasks)
	}
	if all := s.Totals(); all.Emitted != 20 { // the spouts have not begun again
		t.Errorf("totals are %+v", all)
	}
	c.Kill()
	if _, err := wait(t, c); !errors.Is(err, local.ErrKilled) {
		t.Errorf("error is %v", err)
	}
}

func TestProcessThatHangsIsStartedAgain(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "endless")
	o.HangTimeout = 5 * time.Second // longer than a busy machine keeps the others waiting
	c := start(t.Context(), t, "endless", o)
	awaitFlow(t, c)
	victim := find(t, c, "sum-5")
	signal(t, victim.PID, syscall.SIGSTOP)
	awaitRestart(t, c, "sum-5", 1)
	c.Drain()
	res, err := wait(t, c)
	if err != nil {
		t.Fatal(err)
	}
	checkRestarts(t, c, res, map[string]int{"sum-5": 1})
	if d := res.Deaths[0]; !d.Hung || d.PID != victim.PID {
		t.Errorf("death is %+v", d)
	}
}

// The old process wakes up when its successor has taken its place.
func TestReplacedProcessIsRefused(t *testing.T) {
	leaktest.Check(t)
	c := start(t.Context(), t, "endless", options(t, "endless"))
	awaitFlow(t, c)
	old := find(t, c, "sum-5")
	freeze(t, old.PID)
	if err := c.Replace(5); err != nil {
		t.Fatal(err)
	}
	awaitRestart(t, c, "sum-5", 1)
	signal(t, old.PID, syscall.SIGCONT)
	awaitGone(t, old.PID) // of its own accord
	awaitFlow(t, c)
	c.Drain()
	res, err := wait(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if now := processOf(res.Sample, "sum-5"); now.Restarts != 1 || len(res.Deaths) != 0 || now.PID == old.PID {
		t.Errorf("sum-5 is %+v, deaths %+v", now, res.Deaths)
	}
}

func TestReplacedProcessThatHangsIsKilledInTheEnd(t *testing.T) {
	leaktest.Check(t)
	c := start(t.Context(), t, "endless", options(t, "endless"))
	awaitFlow(t, c)
	old := find(t, c, "numbers-1")
	freeze(t, old.PID)
	if err := c.Replace(1); err != nil {
		t.Fatal(err)
	}
	awaitRestart(t, c, "numbers-1", 1)
	if err := c.Replace(1); err != nil { // and once more, of one that is well
		t.Fatal(err)
	}
	awaitRestart(t, c, "numbers-1", 2)
	c.Drain()
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
	if !gone(old.PID) {
		t.Errorf("process %d is left", old.PID)
	}
}

// A spout and a bolt kill their processes in Close: what they did stands, and they do not begin again.
func TestDeathInClose(t *testing.T) {
	leaktest.Check(t)
	c := start(t.Context(), t, "dieinclose 100", options(t, "dieinclose 100"))
	c.Drain()
	res, err := wait(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Published["sum"]) != 2 {
		t.Errorf("published are %v", res.Published)
	}
	unclosed := map[uint32]bool{}
	for _, d := range res.Deaths {
		for _, task := range d.Unclosed {
			unclosed[task] = true
		}
	}
	if len(res.Deaths) != 4 || len(unclosed) != 4 || !unclosed[1] || !unclosed[5] {
		t.Errorf("deaths are %+v", res.Deaths)
	}
	for _, e := range res.Exits {
		if e.Restarts != 0 {
			t.Errorf("%s was started again", e.Name())
		}
	}
}

func TestPositionsAreRemovedWithTheRun(t *testing.T) {
	leaktest.Check(t)
	dir := shortDir(t)
	for _, path := range []string{dir, filepath.Join(dir, "positions")} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	stale := filepath.Join(dir, "positions", "task-1")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(t, "endless")
	o.Dir, o.Stderr = dir, io.Discard
	c := start(t.Context(), t, "endless", o)
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the position of a dead run is there: %v", err)
	}
	if info, err := os.Stat(filepath.Dir(stale)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory of positions: %v, %v", info, err)
	}
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Kill()
	if _, err := c.Wait(); !errors.Is(err, local.ErrKilled) {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}
