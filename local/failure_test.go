package local_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// find returns the process of that name.
func find(t *testing.T, c *local.Cluster, name string) local.Process {
	t.Helper()
	for _, p := range c.Processes() {
		if p.Name() == name {
			return p
		}
	}
	t.Fatalf("there is no process %s", name)
	return local.Process{}
}

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatalf("%v to %d: %v", s, pid, err)
	}
}

func TestKilledProcessEndsTheRunIfItMayNotRestart(t *testing.T) {
	for _, name := range []string{"stream-manager-1", "stream-manager-2", "numbers-1", "twice-4", "sum-5"} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			o := options(t, "endless")
			o.MaxRestarts = -1
			c := start(t.Context(), t, "endless", o)
			awaitFlow(t, c)
			victim := find(t, c, name)
			signal(t, victim.PID, syscall.SIGKILL)
			res, err := wait(t, c)
			died, ok := errors.AsType[*local.ProcessDiedError](err)
			if !ok {
				t.Fatalf("error is %v", err)
			}
			if died.Process.PID != victim.PID || died.Process.Name() != name || died.Signal != "killed" || died.ExitCode != -1 {
				t.Errorf("error is %+v", died)
			}
			if res == nil || res.Sample.Totals().Emitted == 0 {
				t.Errorf("the last sample is lost: %+v", res)
			}
		})
	}
}

func TestErrorsOfUserCodeEndTheRun(t *testing.T) {
	for _, tc := range []struct {
		args, text string
		inProcess  bool
	}{
		{"openerror", "the door is locked", false},
		{"openerror", "the door is locked", true},
		{"panic", "the sky falls", false},
		{"panic", "topologies_test.go", true}, // the stack
	} {
		t.Run(fmt.Sprintf("%s/%v", tc.args, tc.inProcess), func(t *testing.T) {
			leaktest.Check(t)
			o := options(t, tc.args)
			o.InProcess = tc.inProcess
			_, err := local.Run(t.Context(), build(tc.args), o)
			te, ok := errors.AsType[*local.TaskError](err)
			if !ok || te.Component != "numbers" || te.Task > 2 || !strings.Contains(te.Text, tc.text) {
				t.Fatalf("error is %v", err)
			}
		})
	}
}

func TestCrashIsExplainedByItsLine(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "crash")
	o.MaxRestarts = -1
	_, err := local.Run(t.Context(), build("crash"), o)
	died, ok := errors.AsType[*local.ProcessDiedError](err)
	if !ok || died.ExitCode != 2 || died.Line != "panic: a goroutine of the user's falls" {
		t.Fatalf("error is %v", err)
	}
}

func TestExitOfUserCodeIsADeath(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "exit")
	o.MaxRestarts = -1
	_, err := local.Run(t.Context(), build("exit"), o)
	died, ok := errors.AsType[*local.ProcessDiedError](err)
	if !ok || died.ExitCode != 7 || died.Signal != "" {
		t.Fatalf("error is %v", err)
	}
}

// lookout closes seen when something has been written that many times.
type lookout struct {
	what  string
	times int
	seen  chan struct{}
}

func (l *lookout) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(l.what)) {
		if l.times--; l.times == 0 {
			close(l.seen)
		}
	}
	return len(b), nil
}

// A spout whose Next never returns cannot be drained. The run ends all the same.
func TestDrainTimeoutNamesWhatIsUnfinished(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "hang")
	o.DrainTimeout, o.StopTimeout = 200*time.Millisecond, 200*time.Millisecond
	hanging := make(chan struct{})
	o.Stderr = &lookout{what: hangs, times: 2, seen: hanging}
	c := start(t.Context(), t, "hang", o)
	<-hanging
	c.Drain()
	res, err := wait(t, c)
	late, ok := errors.AsType[*local.DrainTimeoutError](err)
	if !ok || len(late.Unfinished) == 0 || late.Unfinished[0].Components[0] != "numbers" {
		t.Fatalf("error is %v", err)
	}
	forced := 0
	for _, e := range res.Exits {
		if e.Forced {
			forced++
		}
	}
	if forced == 0 {
		t.Error("nothing was forced")
	}
}

func TestStoppedProcessIsKilledInTheEnd(t *testing.T) {
	for _, name := range []string{"stream-manager-1", "sum-5"} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			o := options(t, "endless")
			o.DrainTimeout, o.StopTimeout = 200*time.Millisecond, 200*time.Millisecond
			c := start(t.Context(), t, "endless", o)
			awaitFlow(t, c)
			victim := find(t, c, name)
			signal(t, victim.PID, syscall.SIGSTOP)
			c.Drain()
			res, err := wait(t, c)
			if _, ok := errors.AsType[*local.DrainTimeoutError](err); !ok {
				t.Errorf("error is %v", err)
			}
			for _, e := range res.Exits {
				if e.PID == victim.PID && (!e.Forced || e.Signal != "killed") {
					t.Errorf("it ended so: %+v", e)
				}
			}
		})
	}
}

func TestSampleDoesNotWaitForAStoppedProcess(t *testing.T) {
	leaktest.Check(t)
	c := start(t.Context(), t, "endless", options(t, "endless"))
	awaitFlow(t, c)
	victim := find(t, c, "sum-5")
	signal(t, victim.PID, syscall.SIGSTOP)
	for answered := true; answered; { // until the signal has come
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		s, err := c.Sample(ctx)
		cancel()
		if answered = err == nil; !answered && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if len(s.Processes) != len(c.Processes()) {
			t.Errorf("sample has %d processes", len(s.Processes))
		}
	}
	c.Kill()
	if _, err := wait(t, c); !errors.Is(err, local.ErrKilled) {
		t.Errorf("error is %v", err)
	}
}

func TestKillIsQuickAndComplete(t *testing.T) {
	for _, inProcess := range []bool{false, true} {
		t.Run(strconv.FormatBool(inProcess), func(t *testing.T) {
			leaktest.Check(t)
			o := options(t, "endless")
			o.InProcess = inProcess
			c := start(t.Context(), t, "endless", o)
			awaitFlow(t, c)
			c.Kill()
			if _, err := wait(t, c); !errors.Is(err, local.ErrKilled) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestContextThatEndsDuringTheStart(t *testing.T) {
	leaktest.Check(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := local.Run(ctx, build("endless"), options(t, "endless"))
	if se, ok := errors.AsType[*local.StartError](err); !ok || !errors.Is(err, context.Canceled) || se.Topology != "endless" {
		t.Errorf("error is %v", err)
	}
}

func TestChildThatDoesNotFit(t *testing.T) {
	for _, tc := range []struct{ name, childArgs, text string }{
		{"another topology", "crash", `arrived at topology "crash"`},
		{"never a child", "-test.run=^$", "exited with status 0 before"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			if tc.name == "never a child" {
				t.Setenv(ignoreOrders, "1")
			}
			_, err := local.Run(t.Context(), build("endless"), options(t, tc.childArgs))
			if _, ok := errors.AsType[*local.StartError](err); !ok || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

const parentArg = "parent-of"

// beParent starts a topology, says who is who, and waits to be killed.
func beParent(args string) int {
	c, err := local.Start(context.Background(), build(args), local.Options{Args: strings.Fields(args), Containers: 2})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(filepath.Dir(c.Plan().Containers[0].Socket))
	for _, p := range c.Processes() {
		fmt.Println(p.PID)
	}
	fmt.Println("up")
	_, err = c.Wait()
	fmt.Fprintln(os.Stderr, "ended by itself:", err)
	return 1
}

// startParent starts a process that starts a topology and returns it, the run
// directory and the topology's processes. Its standard output is open in all of
// them, so that the end of rest says that they are gone.
func startParent(t *testing.T, args string) (parent *exec.Cmd, dir string, pids []int, rest io.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent = exec.Command(exe, append([]string{parentArg}, strings.Fields(args)...)...)
	parent.Stderr = os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	parent.Stdout = w
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() {
		_ = parent.Process.Kill()
		_ = r.Close()
	})
	if err := r.SetReadDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() && lines.Text() != "up" {
		if pid, err := strconv.Atoi(lines.Text()); err == nil {
			pids = append(pids, pid)
		} else {
			dir = lines.Text()
		}
	}
	if lines.Text() != "up" || len(pids) != 8 {
		t.Fatalf("the parent did not come up: %v, %d processes", lines.Err(), len(pids))
	}
	return parent, dir, pids, r
}

// gone reports whether a process has ended. One that nobody has waited for yet counts as such.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}

func TestKilledParentLeavesNobody(t *testing.T) {
	for _, tc := range []struct {
		name, args string
		stop       int // index of a process that is stopped before
	}{
		{"while tuples flow", "endless", -1},
		{"with a stream manager stopped", "endless", 0},
		{"with an instance stopped", "endless", 4},
		{"with spouts that hang", "hang", -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			if tc.stop >= 0 && runtime.GOOS != "linux" {
				t.Skip("only Linux kills the children of a parent that dies, the others tell them")
			}
			t.Setenv("TMPDIR", filepath.Dir(shortDir(t))) // where no other test clears away what is left
			parent, dir, pids, rest := startParent(t, tc.args)
			if tc.stop >= 0 {
				signal(t, pids[tc.stop], syscall.SIGSTOP)
			}
			signal(t, parent.Process.Pid, syscall.SIGKILL)
			_ = parent.Wait()
			if _, err := io.Copy(io.Discard, rest); err != nil {
				t.Errorf("somebody is left: %v", err)
			}
			// A process closes its files a little before it counts as dead.
			deadline := time.Now().Add(patience)
			for _, pid := range pids {
				for !gone(pid) {
					if time.Now().After(deadline) {
						t.Fatalf("process %d is left", pid)
					}
					runtime.Gosched()
				}
			}
			// The directory is nobody's now, and the next run clears it away.
			if _, err := os.Stat(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := local.Run(t.Context(), build("finite 1"), options(t, "finite 1")); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("run directory %s is left: %v", dir, err)
			}
		})
	}
}
