package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childrenOf returns the processes whose parent is pid, by /proc.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(threads) == 0 {
		t.Skip("this system does not tell whose child a process is")
	}
	var pids []int
	for _, file := range threads { // children belong to the thread that started them
		list, _ := os.ReadFile(file)
		for f := range strings.FieldsSeq(string(list)) {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, n)
		}
	}
	return pids
}

// TestSecondInterruptKills interrupts a run that cannot drain because one of
// its processes is stopped, and then once more.
func TestSecondInterruptKills(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "run", "trending", "--containers", "2")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	rankings, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(rankings).ReadString('\n'); err != nil { // everything is up
		t.Fatalf("no ranking: %v", err)
	}
	lines := bufio.NewScanner(out)
	awaitLine := func(part string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), part) {
				return
			}
		}
		t.Fatalf("the program's output ended without %q: %v", part, lines.Err())
	}
	children := childrenOf(t, cmd.Process.Pid)
	if len(children) < 4 {
		t.Fatalf("children are %v, want two stream managers and instances", children)
	}
	ends := make([]int, len(children)) // descriptors that become readable when a process ends
	for i, pid := range children {
		if ends[i], err = unix.PidfdOpen(pid, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(ends[i]) })
	}
	if err := syscall.Kill(children[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	interrupt := func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	interrupt()
	awaitLine("interrupt once more")
	interrupt()
	for lines.Scan() { // until all who hold the pipe have gone
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != statusSignal+int(syscall.SIGINT) {
		t.Errorf("ended with %v, want status %d", err, statusSignal+int(syscall.SIGINT))
	}
	for i, fd := range ends { // the kernel kills them, a moment later
		n, err := 0, error(unix.EINTR)
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Minute.Milliseconds()))
		}
		if n != 1 || err != nil {
			t.Errorf("process %d is left: %v", children[i], err)
		}
	}
}
