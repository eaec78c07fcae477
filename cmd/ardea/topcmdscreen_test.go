package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// screen is a terminal of a test.
type screen struct {
	t           *testing.T
	master, tty *os.File
	before      term.State

	mu   sync.Mutex
	more *sync.Cond
	text string // everything that was written to it
	gone bool
}

func newScreen(t *testing.T, width, height uint16) *screen {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skipf("this machine has no terminals: %v", err)
	}
	s := &screen{t: t, master: master, tty: tty}
	s.more = sync.NewCond(&s.mu)
	s.resize(width, height)
	s.before = s.state()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			s.mu.Lock()
			s.text += string(buf[:n])
			s.gone = err != nil
			s.more.Broadcast()
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = tty.Close()
		<-ended // reading fails when nobody has the terminal any more
		_ = master.Close()
	})
	return s
}

func (s *screen) resize(width, height uint16) {
	s.t.Helper()
	if err := pty.Setsize(s.master, &pty.Winsize{Cols: width, Rows: height}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) state() term.State {
	s.t.Helper()
	state, err := term.GetState(int(s.tty.Fd()))
	if err != nil {
		s.t.Fatal(err)
	}
	return *state
}

func (s *screen) press(keys string) {
	s.t.Helper()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until all of the texts have been written since the last await.
func (s *screen) await(want ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range want {
		for !strings.Contains(s.text, text) {
			if s.gone {
				s.t.Fatalf("no %q came, but %q", text, s.text)
			}
			s.more.Wait()
		}
	}
	s.text = ""
}

// checkLeft checks that the terminal is what it was.
func (s *screen) checkLeft() {
	s.t.Helper()
	s.await(leaveScreen)
	if got := s.state(); got != s.before {
		s.t.Errorf("the terminal is left as %+v, it was %+v", got, s.before)
	}
}

// program starts the program on the terminal.
func (s *screen) program(args ...string) *exec.Cmd {
	s.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.tty, s.tty, s.tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

func TestTopOnATerminal(t *testing.T) {
	leaktest.Check(t)
	pid := runMeanwhile(t, "randomwords", "--bolts", "2")
	s := newScreen(t, 80, 24)
	cmd := s.program("top", pid)
	s.await(enterScreen, "randomwords  pid "+pid, inverse+"COMPONENT  TASKS  EMIT/S", "q quit  t tasks")
	s.press("t")
	s.await("  words-1", "  count-2", "  count-3")
	s.resize(50, 12)
	s.await("\x1b[2J", "arrows scroll: 1-")
	s.press("\x1b[6~\x1b[6~\x1b[6~")
	s.await("PROCESS")
	s.press("q")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	s.checkLeft()
}

// Ctrl-C is a key and ends it well; a signal from elsewhere ends it with an error.
func TestTopIsInterrupted(t *testing.T) {
	leaktest.Check(t)
	pid := runMeanwhile(t, "randomwords")
	for _, how := range []string{"key", "signal"} {
		s := newScreen(t, 80, 24)
		cmd := s.program("top", pid)
		s.await("COMPONENT")
		want := statusOK
		if how == "key" {
			s.press("\x03")
		} else if want = statusError; cmd.Process.Signal(syscall.SIGTERM) != nil {
			t.Fatal("no signal")
		}
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("by %s: status %d, want %d", how, got, want)
		}
		s.checkLeft()
	}
}

func TestTopOfARunThatDies(t *testing.T) {
	leaktest.Check(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), exe, "run", "randomwords")
	run.Env = append(os.Environ(), asProgram+"=1")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(run.Process.Pid)
	for up := false; !up; {
		for _, r := range local.Runs(t.Context()) {
			up = up || r.PID == run.Process.Pid
		}
	}
	s := newScreen(t, 80, 24)
	cmd := s.program("top", pid)
	s.await("COMPONENT")
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	s.await(leaveScreen, "randomwords, pid "+pid+", has ended")
	if got := s.state(); got != s.before {
		t.Errorf("the terminal is left as %+v, it was %+v", got, s.before)
	}
}

// In this process: what ends leaves no goroutine, and a panic no raw terminal.
func TestTopLeavesNothing(t *testing.T) {
	leaktest.Check(t)
	pid := runMeanwhile(t, "randomwords", "--in-process")
	run, err := findRun(t.Context(), pid, "")
	if err != nil {
		t.Fatal(err)
	}
	s := newScreen(t, 80, 24)
	c := &console{in: s.tty, out: s.tty}
	gone, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("it is over")
	ended := make(chan error, 1)
	go func() { ended <- watch(gone, &topView{run: run}, c) }()
	s.await("COMPONENT")
	cancel(cause)
	if err := <-ended; !errors.Is(err, cause) {
		t.Errorf("it ends with %v", err)
	}
	s.checkLeft()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_ = c.whole(func() error { panic("at the disco") })
	}()
	s.checkLeft()
}
