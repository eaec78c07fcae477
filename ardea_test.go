package ardea

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

// asProgram makes the test binary a user's program: with the value "main" one
// that calls Main, with "hang" one whose topology cannot be drained, with "run"
// one that calls Run.
const asProgram = "ARDEA_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "main":
		Main(ticking())
	case "hang":
		Main(hanging())
	case "run":
		if _, err := Run(context.Background(), ticking(), Options{Duration: time.Millisecond}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("Run returned once")
	default:
		os.Exit(m.Run())
	}
}

// ticking is a topology that runs until it is drained: numbers to a bolt that publishes their count.
func ticking() *topology.Topology {
	b := topology.NewBuilder("ticking")
	b.Spout("ticks", func() topology.Spout { return &ticks{} }, topology.Output("n"))
	b.Bolt("count", func() topology.Bolt { return &count{} }, topology.Shuffle("ticks"))
	t, err := b.Build()
	if err != nil {
		panic(err)
	}
	return t
}

type ticks struct {
	n   int64
	out *topology.Collector
}

func (s *ticks) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out = out
	return nil
}

func (s *ticks) Next() error {
	s.n++
	return s.out.Emit(topology.Int(s.n))
}

func (*ticks) Close() error { return nil }

type count struct {
	n    int
	task *topology.Task
}

func (b *count) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	b.task = task
	fmt.Fprintln(os.Stderr, "bolt is open")
	return nil
}

func (b *count) Execute(*topology.Tuple) error {
	b.n++
	return nil
}

func (b *count) Finish() error {
	b.task.Publish("count", fmt.Append(nil, b.n))
	return nil
}

func (*count) Close() error { return nil }

// program returns the test binary as a user's program that ends with the test.
func program(t *testing.T, as string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), asProgram+"="+as)
	return cmd
}

func TestMainRunsForADurationAndWritesJSON(t *testing.T) {
	leaktest.Check(t)
	file := filepath.Join(t.TempDir(), "result.json")
	out, err := program(t, "main", "--duration", "100ms", "--containers", "2", "--json", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var res Result
	if err := json.Unmarshal(b, &res); err != nil {
		t.Fatal(err)
	}
	if n := res.Sample.Totals().Emitted; res.Containers != 2 || n == 0 || string(res.Published["count"][2]) != strconv.FormatInt(n, 10) {
		t.Errorf("result is %+v", res)
	}
	for _, want := range []string{"count-2: bolt is open\n", "ticking: ", "mode optimized, containers 2\n"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%q is not in %s", want, out)
		}
	}
}

func TestExitStatus(t *testing.T) {
	leaktest.Check(t)
	for _, tc := range []struct {
		args   string
		status int
		text   string
	}{
		{"--help", 0, "--tasks-per-process"},
		{"--bogus", 2, "flag provided but not defined: -bogus"},
		{"--containers many", 2, "invalid value"},
		{"--containers 0", 2, "must be at least 1"},
		{"--max-restarts -1", 2, "0 turns them off"},
		{"--hang-timeout -1s", 2, "0 turns them off"},
		{"--mode clever", 2, "clever"},
		{"--pprof localhost", 2, "use HOST:PORT"},
		{"--metrics localhost", 2, "use HOST:PORT"},
		{"--duration -1s", 2, "Duration"},
		{"--json no/such/folder/x", 2, "--json no/such/folder/x: no such file or directory: name a file that can be written"},
		{"extra", 2, `"extra" is not a flag`},
	} {
		t.Run(tc.args, func(t *testing.T) {
			out, err := program(t, "main", strings.Fields(tc.args)...).CombinedOutput()
			status := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				status = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if status != tc.status || !bytes.Contains(out, []byte(tc.text)) {
				t.Errorf("status is %d, want %d: %s", status, tc.status, out)
			}
		})
	}
}

// A terminal interrupts all processes of its group: the children must not heed it.
func TestInterruptOfTheProcessGroupDrains(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			leaktest.Check(t)
			cmd, until, text := startProgram(t, "main")
			until("topology runs")
			if err := syscall.Kill(-cmd.Process.Pid, sig); err != nil {
				t.Fatal(err)
			}
			rest := text()
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, rest)
			}
			if !strings.Contains(rest, "draining") || !strings.Contains(rest, ", interrupted\n") {
				t.Errorf("it wrote %s", rest)
			}
		})
	}
}

func TestSignalOfTheParentAloneDrains(t *testing.T) {
	leaktest.Check(t)
	cmd, until, text := startProgram(t, "main")
	until("topology runs")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest := text()
	if err := cmd.Wait(); err != nil || !strings.Contains(rest, ", interrupted\n") {
		t.Errorf("%v: %s", err, rest)
	}
}

// startProgram starts a program in a process group of its own. until waits
// until its standard error has said something; text returns all of that once
// nobody can write any more.
func startProgram(t *testing.T, as string) (cmd *exec.Cmd, until func(what string), text func() string) {
	t.Helper()
	cmd = program(t, as, "--log-level", "info")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []byte
	until = func(what string) {
		for buf := make([]byte, 4096); !bytes.Contains(said, []byte(what)); {
			n, err := stderr.Read(buf)
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			said = append(said, buf[:n]...)
		}
	}
	return cmd, until, func() string {
		rest, err := io.ReadAll(stderr)
		if err != nil {
			t.Error(err)
		}
		return string(said) + string(rest)
	}
}

// stuck is a spout that cannot be drained.
type stuck struct{ ticks }

func (*stuck) Next() error {
	fmt.Fprintln(os.Stderr, "spout hangs")
	select {}
}

func hanging() *topology.Topology {
	t, err := topology.NewBuilder("hanging").Spout("stuck", func() topology.Spout { return &stuck{} }).Build()
	if err != nil {
		panic(err)
	}
	return t
}

func TestSecondSignalKills(t *testing.T) {
	leaktest.Check(t)
	cmd, until, text := startProgram(t, "hang")
	until("spout hangs")
	for _, want := range []string{"draining", ""} {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		until(want)
	}
	rest := text()
	exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	if !ok || exit.ExitCode() != 1 || !strings.Contains(rest, "the run was killed") {
		t.Errorf("%v: %s", exit, rest)
	}
}

func TestRunReturnsInTheParentOnly(t *testing.T) {
	leaktest.Check(t)
	out, err := program(t, "run").Output()
	if err != nil || string(out) != "Run returned once\n" {
		t.Errorf("%v: %q", err, out)
	}
}
