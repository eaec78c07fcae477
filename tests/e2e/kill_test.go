package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea"
	"github.com/ardea-stream/ardea/examples/randomwords"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// endless is a topology that runs until somebody ends it.
var endless = spec{Kind: "randomwords", Random: randomwords.Options{Words: 1000, Spouts: 2, Bolts: 2}}

// parent is the program of a process that a test kills or interrupts. It runs
// the topology by the means that the environment names and prints, once words
// are counted, the pids of all processes.
func parent(t *topology.Topology) error {
	if os.Getenv(envParent) == "main" {
		ardea.Main(t)
	}
	var once sync.Once
	_, err := ardea.Run(context.Background(), t, ardea.Options{
		Dir: os.Getenv(envParent), Containers: 2, SampleEvery: 20 * time.Millisecond,
		OnSample: func(s *ardea.Sample) {
			for _, ts := range s.Tasks() {
				if !ts.Spout && ts.Metrics.Received == 0 {
					return
				}
			}
			once.Do(func() { fmt.Println(strings.Trim(fmt.Sprint(pids(s)), "[]")) })
		},
	})
	return err
}

func pids(s *local.Sample) []int {
	var ids []int
	for _, p := range s.Processes {
		ids = append(ids, p.PID)
	}
	return ids
}

// alive reports whether a process runs. One that has died and not been waited for does not.
func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	return !bytes.HasPrefix(rest, []byte(" Z")) && !bytes.HasPrefix(rest, []byte(" X"))
}

// checkGone waits for processes to disappear and for the sockets of a run directory.
func checkGone(t *testing.T, dir string, pids []int) {
	t.Helper()
	for deadline := time.Now().Add(patience); slices.ContainsFunc(pids, alive); {
		if time.Now().After(deadline) {
			t.Errorf("processes %v are left", slices.DeleteFunc(pids, func(pid int) bool { return !alive(pid) }))
			break
		}
		time.Sleep(time.Millisecond)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.sock")); len(left) > 0 {
		t.Errorf("sockets are left: %v", left)
	}
}

// TestKilledProcessWithoutRestart kills one process of a run that may not start
// it again. The run ends with an error that names it, and no other process is left.
func TestKilledProcessWithoutRestart(t *testing.T) {
	leaktest.Check(t)
	for _, victim := range []struct {
		role      local.Role
		component string
	}{
		{local.RoleManager, ""},
		{local.RoleInstance, "words"},
		{local.RoleInstance, "count"},
	} {
		t.Run(string(victim.role)+victim.component, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			c := start(t, endless, local.Options{Containers: 2, Dir: dir, Stderr: io.Discard, MaxRestarts: -1})
			s := until(t, c, "words in both bolts", func(s *local.Sample) bool {
				return !slices.ContainsFunc(s.Tasks(), func(ts local.TaskSample) bool { return !ts.Spout && ts.Metrics.Received == 0 })
			})
			i := slices.IndexFunc(s.Processes, func(p local.ProcessSample) bool {
				return p.Role == victim.role && (victim.component == "" || slices.Contains(p.Components, victim.component))
			})
			p := s.Processes[i]
			if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_, err := c.Wait()
			var died *local.ProcessDiedError
			if !errors.As(err, &died) || died.Process.PID != p.PID || died.Signal != syscall.SIGKILL.String() {
				t.Errorf("the run ended with %v, want the death of process %d", err, p.PID)
			}
			for _, word := range append([]string{string(p.Role), strconv.Itoa(p.PID)}, p.Components...) {
				if err != nil && !strings.Contains(err.Error(), word) {
					t.Errorf("the error does not name %q: %v", word, err)
				}
			}
			checkGone(t, dir, pids(s))
		})
	}
}

// TestKilledProcessComesBack kills every kind of process while words flow: each
// is started again, words flow again, and the run drains to its end.
func TestKilledProcessComesBack(t *testing.T) {
	leaktest.Check(t)
	for _, containers := range []int{1, 2} {
		t.Run(strconv.Itoa(containers), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			c := start(t, endless, local.Options{Containers: containers, Dir: dir, Stderr: io.Discard})
			everywhere := func(s *local.Sample) bool {
				return !slices.ContainsFunc(s.Tasks(), func(ts local.TaskSample) bool { return ts.Metrics.Emitted+ts.Metrics.Received == 0 })
			}
			s := until(t, c, "words in all tasks", everywhere)
			all := pids(s)
			for i := range s.Processes {
				p := &s.Processes[i]
				if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				now := until(t, c, "words after the death of "+p.Name(), func(now *local.Sample) bool {
					return now.Processes[i].Restarts == 1 && now.Processes[i].Elapsed > 0 && everywhere(now)
				})
				all = append(all, now.Processes[i].PID)
			}
			c.Drain()
			r := wait(t, c)
			if len(r.Deaths) != len(s.Processes) || r.Sample.Totals().Restarts != len(s.Processes) {
				t.Errorf("%d restarts, deaths %+v", r.Sample.Totals().Restarts, r.Deaths)
			}
			checkGone(t, dir, all)
		})
	}
}

// TestKilledParentOfRestarted kills a parent after it has started a process again, which does not outlive it either.
func TestKilledParentOfRestarted(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(t.TempDir(), "run")
	cmd, out := startParent(t, endless, dir)
	if !out.Scan() {
		t.Fatalf("the parent said nothing: %v", out.Err())
	}
	pid, err := strconv.Atoi(strings.Fields(out.Text())[0])
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for deadline := time.Now().Add(patience); len(children) == 0 || children[0] == pid; time.Sleep(time.Millisecond) {
		r, err := local.RunIn(t.Context(), dir)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("process %d has not been started again: %v", pid, err)
		}
		children = nil
		for i := range r.Processes {
			children = append(children, r.Processes[i].PID)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	checkGone(t, "", children)
}

// startParent starts this program as the parent of a run and returns what it prints.
func startParent(t *testing.T, s spec, how string, args ...string) (cmd *exec.Cmd, out *bufio.Scanner) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), envSpec+"="+string(text), envParent+"="+how)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = &testWriter{t: t}
	cmd.WaitDelay = patience // of a child that holds the pipes
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(pipe)
}

// TestKilledParent kills the process that started the others: none of them outlives it.
func TestKilledParent(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(t.TempDir(), "run")
	cmd, out := startParent(t, endless, dir)
	if !out.Scan() {
		t.Fatalf("the parent said nothing: %v", out.Err())
	}
	var children []int
	for word := range strings.FieldsSeq(out.Text()) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, pid)
	}
	if len(children) != 6 {
		t.Fatalf("the parent has children %v, want 2 stream managers and 4 tasks", children)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	checkGone(t, "", children)
	if slices.ContainsFunc(children, alive) {
		for _, pid := range children {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	// What the parent could not clean up does not hinder the next run in the same place.
	r := outside(t, spec{Kind: "randomwords", Random: randomwords.Options{Words: 100, Tuples: 1000}}, local.Options{Dir: dir})
	checkTallies(t, r)
	checkGone(t, dir, nil)
}

// announcedTopology runs until somebody ends it, and prints a line when it has run for a while.
func announcedTopology() (*topology.Topology, error) {
	b := topology.NewBuilder("announced")
	b.Spout("numbers", func() topology.Spout { return &counter{} }, topology.Output("n", "text"))
	b.Bolt("announce", func() topology.Bolt { return &announcer{} }, topology.Global("numbers"), topology.TickEvery(500*time.Millisecond))
	return b.Build()
}

type announcer struct {
	inOrder

	said bool
}

// Tick prints once, long after the first tuple: until the parent has heard
// that all processes are up, an interrupt means that nothing was run.
func (b *announcer) Tick(time.Time) error {
	if !b.said && b.last > 0 {
		b.said = true
		fmt.Println("tuples are here")
	}
	return nil
}

// TestInterrupt sends a terminal's interrupt to a whole group of processes:
// what was sent is received before all of them end, with success.
func TestInterrupt(t *testing.T) {
	leaktest.Check(t)
	result := filepath.Join(t.TempDir(), "result.json")
	cmd, out := startParent(t, spec{Kind: "announced"}, "main", "--containers", "2", "--json", result)
	if !out.Scan() {
		t.Fatalf("no tuple has arrived: %v", out.Err())
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for out.Scan() {
		t.Errorf("unexpected output: %s", out.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the parent ended with %v", err)
	}
	text, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	r := &local.Result{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted {
		t.Error("the result does not say that the run was interrupted")
	}
	checkUndisturbed(t, r)
	sent, received := task(t, r.Sample, "numbers").Metrics.Emitted, task(t, r.Sample, "announce").Metrics.Received
	if sent != received || sent == 0 {
		t.Errorf("%d tuples were sent, %d received", sent, received)
	}
	checkGone(t, "", pids(r.Sample))
}
