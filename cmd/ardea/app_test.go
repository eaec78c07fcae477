package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// text and counts are those of the example wordcount.
const (
	text   = "../../examples/wordcount/testdata/opticks.txt"
	counts = "../../examples/wordcount/testdata/opticks.counts"
)

// asProgram in the environment makes the test binary the program itself.
const asProgram = "ARDEA_TEST_AS_PROGRAM"

// TestMain is the program itself when a test or a run of one starts it.
func TestMain(m *testing.M) {
	if local.InChild() || os.Getenv(asProgram) != "" {
		os.Exit(mainStatus())
	}
	os.Exit(m.Run())
}

// ardea runs the program and returns what it wrote and its exit status.
func ardea(ctx context.Context, args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	a := &app{stdout: &out, stderr: &errs}
	status = a.execute(ctx, args)
	return out.String(), errs.String(), status
}

// checkGolden compares with a file in testdata.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", file, got)
	}
}

func TestHelp(t *testing.T) {
	var all strings.Builder
	for _, command := range []string{
		"", "run", "bench", "bench run", "bench wordcount", "bench latency", "bench limits", "bench ablation", "bench peers", "plan", "top", "profile", "profile ls", "demo",
	} {
		stdout, stderr, status := ardea(t.Context(), append(strings.Fields(command), "--help")...)
		if status != statusOK || stderr != "" {
			t.Errorf("ardea %s --help: status %d, %s", command, status, stderr)
		}
		if !strings.Contains(stdout, "Examples:\n") {
			t.Errorf("ardea %s --help shows no example", command)
		}
		all.WriteString("$ ardea " + strings.TrimSpace(command+" --help") + "\n" + stdout + "\n")
	}
	checkGolden(t, "help.txt", all.String())
}

func TestCommandsWithoutBodyHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"bench"}} {
		if stdout, _, status := ardea(t.Context(), args...); status != statusOK || !strings.Contains(stdout, "Usage:") {
			t.Errorf("%q: status %d, %s", args, status, stdout)
		}
	}
}

func TestVersion(t *testing.T) {
	if stdout, _, status := ardea(t.Context(), "--version"); status != statusOK || !strings.HasPrefix(stdout, "ardea ") {
		t.Errorf("status %d, %s", status, stdout)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if stdout, stderr, status := ardea(t.Context(), "completion", shell); status != statusOK || !strings.Contains(stdout, "ardea") {
			t.Errorf("%s: status %d, %s", shell, status, stderr)
		}
	}
	if stdout, _, _ := ardea(t.Context(), "__complete", "run", ""); !strings.Contains(stdout, "wordcount\t") {
		t.Errorf("topologies are not completed:\n%s", stdout)
	}
}

func TestPlan(t *testing.T) {
	stdout, stderr, status := ardea(t.Context(), "plan", "trending", "--bolts", "3", "--containers", "2")
	if status != statusOK || stderr != "" {
		t.Errorf("status %d, %s", status, stderr)
	}
	checkGolden(t, "plan.txt", stdout)
}

// TestUsageErrors checks that every fault of the command line ends with status
// 2, nothing on standard output, and an error that says what to do.
func TestUsageErrors(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, tc := range []struct{ args, want string }{
		{"fly", `unknown command "fly"`},
		{"--fly", "unknown flag: --fly"},
		{"run", "0 topologies are named: name one, wordcount, randomwords or trending"},
		{"run wordcount trending", "2 topologies are named"},
		{"run fly", `there is no topology "fly": use wordcount, randomwords or trending`},
		{"run wordcount", "needs a text: name it with --input FILE"},
		{"run wordcount --input " + none, "no such file"},
		{"run wordcount --input " + filepath.Dir(text), "not a regular file"},
		{"run wordcount --input " + text + " --output " + none + "/counts", "there is no directory"},
		{"run wordcount --input " + text + " --json " + none + "/json", "name a file that can be written"},
		{"run randomwords --input " + text, "has no files: leave out --input"},
		{"run randomwords --spouts 0", "the least is 1"},
		{"run randomwords --bolts -1", "the least is 1"},
		{"run randomwords --bolts 5000", "allowed are 1 to 4096"},
		{"run randomwords --bolts many", `invalid argument "many"`},
		{"run randomwords --containers 0", "the least is 1"},
		{"run randomwords --max-restarts -1", "the least is 0"},
		{"run randomwords --hang-timeout -1s", "the least is 0"},
		{"run randomwords --tasks-per-process 0", "the least is 1"},
		{"run randomwords --mode quick", `no mode "quick": use one of naive`},
		{"run randomwords --duration -1s", "must not be negative"},
		{"run randomwords --duration 10", "missing unit"},
		{"run randomwords --pprof localhost", "use HOST:PORT, :PORT for this machine only"},
		{"bench wordcount --pprof :70000", "use 0 to 65535"},
		{"profile", "name a run, by its topology or its pid"},
		{"profile a b", "several runs are named"},
		{"profile nothing-of-that-name", "ardea profile ls lists what does"},
		{"profile --dir " + none, "no running topology in"},
		{"profile ls x", "unknown command"},
		{"plan", "0 topologies are named"},
		{"plan trending --containers 0", "the least is 1"},
		{"bench fly", `unknown command "fly"`},
		{"bench wordcount trending", `unknown command "trending"`},
		{"bench wordcount --guarantee at-least-once,at-least-once", "at-least-once is named twice"},
		{"bench wordcount --guarantee always", "--guarantee always: use at-most-once or at-least-once"},
		{"bench latency --guarantee ,", "--guarantee has an empty entry"},
		{"bench wordcount --pending 10", "10 pending tuples, of which there are none with at-most-once"},
		{"bench wordcount --guarantee at-least-once --pending 0", "--pending 0: it must be above 0"},
		{"bench curve --guarantee at-least-once --pending -1", "-1 pending tuples"},
		{"bench wordcount --modes naive,quick", `no mode "quick"`},
		{"bench wordcount --words 100000000", "allowed are 1 to"},
		{"bench wordcount --repeat -1", "Repeat is -1"},
		{"bench wordcount --duration 1ns", "the least are 10ms"},
		{"bench wordcount --json " + none + "/json", "name a file that can be written"},
		{"bench latency --rate 0.1", "allowed are 1 to"},
		{"bench latency --rate -1", "a rate of -1 tuples a second"},
		{"bench latency --rate 0", "a rate of 0 tuples a second"},
		{"bench latency --rate 100,,5", "invalid argument"},
		{"bench latency --load 1.5", "a load of 1.5"},
		{"bench latency --duration 0s", "--duration 0s: it must be above 0"},
		{"bench latency --modes ,", "--modes has an empty entry"},
		{"bench curve --bound 0s", "a bound of 0s"},
		{"bench curve --load 0", "a load of 0"},
		{"bench overhead --mode naive,optimized", "name one mode"},
		{"bench wordcount --repeat 0", "--repeat 0: it must be above 0"},
		{"bench wordcount --words 0", "--words 0: it must be above 0"},
		{"bench wordcount --words -5", "a dictionary of -5 words"},
		{"bench wordcount --spouts 0", "--spouts 0: it must be above 0"},
		{"bench wordcount --containers 0", "--containers 0: it must be above 0"},
		{"bench wordcount --warm-up 0", "--warm-up 0s: it must be above 0"},
		{"bench wordcount --modes=", "--modes has nothing in it"},
		{"bench wordcount --modes naive,naive", `"naive" is named twice`},
		{"bench wordcount --min-batch -1", "MinBatch is -1"},
		{"bench wordcount --tasks-per-process -1", "TasksPerProcess is -1"},
		{"bench wordcount --workload knitting", "use one of randomwords, "},
		{"bench wordcount --workload sized --words 10", "words cannot be set for the workload sized"},
		{"bench wordcount --workload sized --channel", "has no limits without an engine"},
		{"bench wordcount --skew 0 --workload zipfwords", "--skew 0: it must be above 0"},
		{"bench limits --repeat 0", "--repeat 0: it must be above 0"},
		{"demo", "run this in the root of the repository, or name a text"},
		{"bench-child", "accepts 1 arg(s)"},
		{"bench-child {", "this command is for ardea itself"},
		{`bench-child {"workload":"latency","rate":5,"tuples":5}`, "use ardea bench"},
	} {
		stdout, stderr, status := ardea(t.Context(), strings.Fields(tc.args)...)
		if status != statusUsage || stdout != "" {
			t.Errorf("ardea %s: status %d, standard output %q", tc.args, status, stdout)
		}
		if !strings.HasPrefix(stderr, "ardea") || !strings.Contains(stderr, tc.want) || !strings.Contains(stderr, "--help' for what is possible") {
			t.Errorf("ardea %s: want %q, have\n%s", tc.args, tc.want, stderr)
		}
	}
}

func TestRunWordcount(t *testing.T) {
	leaktest.Check(t)
	want, err := os.ReadFile(counts)
	if err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string]string{
		"one process":    "--in-process --containers 3 --bolts 4 --spouts 2",
		"many processes": "--containers 2 --bolts 3 --mode heron2017",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"run", "wordcount", "--input", text, "--output", filepath.Join(dir, "counts"), "--json", filepath.Join(dir, "json")}
			stdout, stderr, status := ardea(t.Context(), append(args, strings.Fields(flags)...)...)
			if status != statusOK {
				t.Fatalf("status %d\n%s", status, stderr)
			}
			have, err := os.ReadFile(filepath.Join(dir, "counts"))
			if err != nil || !bytes.Equal(have, want) {
				t.Errorf("the counts differ from those of %s (%v)", counts, err)
			}
			if !strings.Contains(stdout, `totals: {"words":`) {
				t.Errorf("standard output:\n%s", stdout)
			}
			if !strings.Contains(stderr, "tuples emitted") {
				t.Errorf("no summary:\n%s", stderr)
			}
			run := readRuns(t, filepath.Join(dir, "json"))[0]
			if run["workload"] != "wordcount" || run["emitted"].(float64) == 0 || run["counted"].(float64) <= run["emitted"].(float64) {
				t.Errorf("figures: %v", run)
			}
		})
	}
}

// readRuns returns the runs of a report.
func readRuns(t *testing.T, file string) []map[string]any {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Runs []map[string]any `json:"runs"`
	}
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Runs) == 0 {
		t.Fatalf("no runs in %s", b)
	}
	return report.Runs
}

func TestRunForAWhile(t *testing.T) {
	leaktest.Check(t)
	stdout, stderr, status := ardea(t.Context(), "run", "randomwords", "--in-process", "--duration", "50ms", "--bolts", "2")
	if status != statusOK || strings.Count(stdout, `tally: {"words":`) != 3 {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestRunDrainsWithItsContext(t *testing.T) {
	leaktest.Check(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs bytes.Buffer
	a := &app{stdout: &out, stderr: &errs, width: func() int { // asked for when the first progress is shown
		cancel()
		return 80
	}}
	status := a.execute(ctx, []string{"run", "randomwords", "--in-process"})
	if status != statusOK || !strings.Contains(errs.String(), "interrupted") || strings.Count(out.String(), "tally") != 2 {
		t.Errorf("status %d\n%s%s", status, out.String(), errs.String())
	}
}

// TestInterruptDrains sends the program a signal once tuples flow.
func TestInterruptDrains(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "run", "trending", "--containers", "2")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // of the first ranking
		t.Errorf("no ranking: %v", err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("the program ends with %v:\n%s", err, errs.String())
	}
}

func TestFailedRun(t *testing.T) {
	leaktest.Check(t)
	const out = "/dev/full" // takes nothing
	if _, err := os.Stat(out); err != nil {
		t.Skip(err)
	}
	_, stderr, status := ardea(t.Context(), "run", "wordcount", "--in-process", "--input", text, "--output", out)
	if status != statusError || !strings.Contains(stderr, "sink") || strings.Contains(stderr, "--help") {
		t.Errorf("status %d\n%s", status, stderr)
	}
}
