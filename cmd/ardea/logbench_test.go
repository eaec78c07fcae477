package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestLogBench(t *testing.T) {
	leaktest.Check(t)
	measures(t)
	t.Setenv(asProgram, "1") // the process that is killed is this one again
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "json")
	cpu := filepath.Join(t.TempDir(), "cpu.pb.gz")
	stdout, stderr, status := ardea(t.Context(), "log", "bench", "--dir", dir, "--only", "single,recovery,many", "--duration", "20ms", "--repeat", "1",
		"--logs", "10", "--recover-bytes", "1MiB", "--json", file, "--cpu-profile", cpu)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	for _, want := range []string{"Asked: ", "One writer, 1 KB", "time to open the store", "recovery beside much data", "Machine:"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), `"limit_is"`) {
		t.Errorf("%v\n%s", err, text)
	}
	if text, err := os.ReadFile(cpu); err != nil || !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) { // pprof reads gzip
		t.Errorf("the profile: %d bytes, %v", len(text), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLogBenchWithoutRoom(t *testing.T) {
	stdout, stderr, status := ardea(t.Context(), "log", "bench", "--dir", t.TempDir(), "--only", "catchup", "--cold-bytes", "500000GiB")
	if status != statusError || stdout != "" || !strings.Contains(stderr, "free, this needs") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestLogTorture(t *testing.T) {
	leaktest.Check(t)
	measures(t)
	t.Setenv(asProgram, "1")
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "json")
	torture := func(duration time.Duration) (stdout, stderr string, status int) {
		return ardea(t.Context(), "log", "torture", "--dir", dir, "--duration", duration.String(), "--seed", "7", "--json", file)
	}
	duration := 2 * time.Second
	stdout, stderr, status := torture(duration)
	for strings.Contains(stdout, "give it more time") && duration < time.Minute {
		duration *= 2
		stdout, stderr, status = torture(duration)
	}
	if status != statusOK || !strings.Contains(stdout, "records lost") || !strings.Contains(stdout, "Verdict: the store kept its promises") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), `"seed": 7`) {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestLogBenchGarbage(t *testing.T) {
	for _, args := range []string{
		"bench --only speed", "bench --only peers", "bench --duration 0s", "bench --duration -1s", "bench --repeat 0", "bench --repeat x", "bench --logs 0",
		"bench --cold-bytes 4G", "bench --cold-bytes -1", "bench --cold-bytes 9999999999GiB", "bench --recover-bytes 0", "bench --json /nowhere/at/all", "bench --cpu-profile /nowhere/at/all", "bench more",
		"torture --duration 0s", "torture --duration -1s", "torture --seed x", "torture --json /nowhere/at/all", "torture more",
	} {
		stdout, stderr, status := ardea(t.Context(), append([]string{"log"}, strings.Fields(args)...)...)
		if status != statusUsage || stdout != "" || !strings.Contains(stderr, "--help") {
			t.Errorf("ardea log %s: status %d\n%s%s", args, status, stdout, stderr)
		}
	}
}
