package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// runMeanwhile runs a topology until the test ends and returns its pid, by
// which ardea profile finds it.
func runMeanwhile(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, stderr, status := ardea(ctx, append([]string{"run"}, args...)...); status != statusOK {
			t.Errorf("ardea run: status %d, %s", status, stderr)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	for {
		for _, r := range local.Runs(t.Context()) {
			if r.PID == os.Getpid() {
				return strconv.Itoa(r.PID)
			}
		}
		select {
		case <-ended:
			t.Fatal("the run has ended")
		default:
		}
	}
}

// parseProfile reads a file that must be a valid profile.
func parseProfile(t *testing.T, path string) *profile.Profile {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProfileOfARun(t *testing.T) {
	leaktest.Check(t)
	pid := runMeanwhile(t, "randomwords", "--bolts", "2", "--pprof", ":0")
	stdout, _, status := ardea(t.Context(), "profile", "ls")
	if status != statusOK || !strings.Contains(stdout, "\n"+pid+" ") || !strings.Contains(stdout, "127.0.0.1:") {
		t.Errorf("ls: status %d, %s", status, stdout)
	}
	file := filepath.Join(t.TempDir(), "cpu.pprof")
	const sampled = "examples/randomwords.(*count).Execute"
	var stderr string
	for duration := 2 * time.Second; duration <= time.Minute; duration *= 2 { // until the component has had a processor
		stdout, stderr, status = ardea(t.Context(), "profile", pid, "--component", "count", "--duration", duration.String(), "--top", "--output", file)
		if status != statusOK || strings.Contains(stdout, sampled) {
			break
		}
	}
	if status != statusOK {
		t.Fatalf("status %d, %s", status, stderr)
	}
	for _, want := range []string{file + ": cpu profile of count-2, count-3\n", "go tool pprof -http=localhost:0 " + file, "CPU seconds", sampled} {
		if !strings.Contains(stdout, want) {
			t.Errorf("want %q in\n%s", want, stdout)
		}
	}
	for _, s := range parseProfile(t, file).Sample {
		if c := s.Label["component"]; len(c) > 0 && c[0] != "count" {
			t.Errorf("a sample of %s", c)
		}
	}
	trace := filepath.Join(t.TempDir(), "route.trace")
	if stdout, stderr, status = ardea(t.Context(), "profile", pid, "--process", "stream-manager-1", "--kind", "trace", "--duration", "10ms", "--output", trace); status != statusOK || !strings.Contains(stdout, "go tool trace "+trace) {
		t.Errorf("a trace: status %d, %s%s", status, stdout, stderr)
	}
	if b, err := os.ReadFile(trace); err != nil || !strings.HasPrefix(string(b), "go 1.") {
		t.Errorf("the trace begins with %.16q: %v", b, err)
	}
	link := linkToFull(t)
	if _, stderr, status = ardea(t.Context(), "profile", pid, "--kind", "goroutine", "--duration", "10ms", "--output", link); status != statusError || !strings.Contains(stderr, "no space left") {
		t.Errorf("a full device: status %d, %s", status, stderr)
	}
	if target, err := os.Readlink(link); err != nil || target != "/dev/full" {
		t.Errorf("the link leads to %q: %v", target, err)
	}
	checkProfileFaults(t, pid)
}

// checkProfileFaults checks what cannot be asked of a run with a process a task.
func checkProfileFaults(t *testing.T, pid string) {
	t.Helper()
	for _, tc := range []struct{ args, want string }{
		{"--component nobody", "use one of stream-manager, words, count, stream-manager-1, words-1"},
		{"--process nobody", "no such component or process"},
		{"--component count --process words-1", "use one"},
		{"--kind trace", "a trace is of one process"},
		{"--kind gpu", `no profile "gpu": use cpu, heap`},
		{"--kind heap --top", "--top is for CPU time"},
		{"--duration 0s", "--duration is 0s: use more than 0"},
		{"--duration 100h", "no more than 1h"},
		{"--output /none/x", "there is no directory /none"},
	} {
		stdout, stderr, status := ardea(t.Context(), append([]string{"profile", pid}, strings.Fields(tc.args)...)...)
		if status != statusUsage || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: status %d, want %q in %s", tc.args, status, tc.want, stderr)
		}
	}
}

// In one process the labels tell components apart, where a profile has them.
func TestProfileOfARunInOneProcess(t *testing.T) {
	leaktest.Check(t)
	pid := runMeanwhile(t, "randomwords", "--in-process")
	file := filepath.Join(t.TempDir(), "goroutines.pprof")
	if _, stderr, status := ardea(t.Context(), "profile", pid, "--component", "count", "--kind", "goroutine", "--duration", "1ms", "--output", file); status != statusOK {
		t.Fatalf("status %d, %s", status, stderr)
	}
	p := parseProfile(t, file)
	if len(p.Sample) == 0 {
		t.Error("there are no samples")
	}
	for _, s := range p.Sample {
		if c := s.Label["component"]; len(c) != 1 || c[0] != "count" {
			t.Errorf("a sample of %s", c)
		}
	}
	for args, want := range map[string]string{
		"--component count --kind heap": "does not tell the tasks of one process apart",
		"--process count-2":             "runs in one process",
	} {
		if _, stderr, status := ardea(t.Context(), append([]string{"profile", pid}, strings.Fields(args)...)...); status != statusUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, %s", args, status, stderr)
		}
	}
}

// TestProfileChecksFlagsFirst refuses what no run could do before it looks for one.
func TestProfileChecksFlagsFirst(t *testing.T) {
	for args, want := range map[string]string{
		"--duration 0s":        "--duration is 0s: use more than 0 and no more than 1h0m0s",
		"--duration -1s":       "--duration is -1s",
		"--duration 1h1s":      "--duration is 1h0m1s",
		"--kind gpu":           `--kind: `,
		"--kind heap --top":    "--top is for CPU time",
		"--duration 1h0m0.1ms": "no more than 1h0m0s",
	} {
		stdout, stderr, status := ardea(t.Context(), append([]string{"profile", "nosuchtopology"}, strings.Fields(args)...)...)
		if status != statusUsage || stdout != "" || !strings.Contains(stderr, want) || strings.Contains(stderr, "nosuchtopology") {
			t.Errorf("%s: status %d, want %q in %s", args, status, want, stderr)
		}
	}
}

func TestProfileInterrupted(t *testing.T) {
	leaktest.Check(t)
	pid := runMeanwhile(t, "randomwords")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "cpu.pprof")
	if _, stderr, status := ardea(ctx, "profile", pid, "--duration", "1h", "--output", file); status != statusError && status != statusUsage {
		t.Errorf("status %d, %s", status, stderr)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it has left a file")
	}
}
