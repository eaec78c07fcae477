package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

// measures leaves a test out where it would take ten times as long, under the race detector: what it calls is tested there by
// the packages that measure.
func measures(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it measures")
	}
}

func TestBenchWordcount(t *testing.T) {
	leaktest.Check(t)
	file := filepath.Join(t.TempDir(), "json")
	stdout, stderr, status := ardea(t.Context(), "bench", "wordcount", "--modes", "heron2017,optimized", "--containers", "2", "--words", "2000",
		"--duration", "40ms", "--warm-up", "30ms", "--repeat", "1", "--channel", "--sockets", "--json", file)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	for _, want := range []string{"fused loop", "batched channel", "socket relay", "heron2017", "optimized", "Machine:", "95 % interval"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "[5/5] optimized: ") {
		t.Errorf("progress:\n%s", stderr)
	}
	runs := readRuns(t, file)
	if len(runs) != 2 || runs[1]["mode"] != "optimized" || runs[1]["containers"] != 2.0 || runs[1]["emitted"] != runs[1]["counted"] {
		t.Errorf("runs: %v", runs)
	}
}

func TestBenchWithAcks(t *testing.T) {
	leaktest.Check(t)
	file := filepath.Join(t.TempDir(), "json")
	stdout, stderr, status := ardea(t.Context(), "bench", "wordcount", "--modes", "optimized", "--guarantee", "at-most-once,at-least-once", "--pending", "5000", "--words", "2000",
		"--duration", "40ms", "--warm-up", "30ms", "--repeat", "1", "--json", file)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	for _, want := range []string{"optimized acks", "of at-most-once", "allocs/tuple, tasks too"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	runs := readRuns(t, file)
	if len(runs) != 2 || runs[0]["acks"] != false || runs[1]["acks"] != true || runs[1]["mode"] != "optimized" ||
		runs[1]["guarantee"] != "at-least-once" || runs[1]["acked"] != runs[1]["emitted"] {
		t.Errorf("runs: %v", runs)
	}
}

func TestBenchCompleteLatency(t *testing.T) {
	leaktest.Check(t)
	stdout, stderr, status := ardea(t.Context(), "bench", "latency", "--guarantee", "at-least-once", "--rate", "5000",
		"--duration", "40ms", "--warm-up", "30ms", "--repeat", "1")
	if status != statusOK || !strings.Contains(stdout, "complete p99") || !strings.Contains(stdout, "\noptimized acks") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestBenchLatency(t *testing.T) {
	leaktest.Check(t)
	stdout, stderr, status := ardea(t.Context(), "bench", "latency", "--rate", "5000", "--duration", "40ms", "--warm-up", "30ms", "--repeat", "2")
	if status != statusOK || !strings.Contains(stdout, "p99.9") || strings.Count(stdout, "\noptimized") != 3 {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestBenchWorkload(t *testing.T) {
	leaktest.Check(t)
	stdout, stderr, status := ardea(t.Context(), "bench", "wordcount", "--workload", "keys", "--keys", "500", "--map", "--modes", "optimized",
		"--duration", "40ms", "--warm-up", "30ms", "--repeat", "1", "--in-process")
	if status != statusOK || !strings.Contains(stdout, "fused loop, map") || !strings.Contains(stdout, "optimized") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestBenchCurve(t *testing.T) {
	leaktest.Check(t)
	measures(t)
	file := filepath.Join(t.TempDir(), "json")
	stdout, stderr, status := ardea(t.Context(), "bench", "curve", "--load", "0.01,0.02", "--bound", "1m",
		"--duration", "40ms", "--warm-up", "30ms", "--json", file)
	if status != statusOK || !strings.Contains(stdout, "optimized: capacity ") || !strings.Contains(stdout, "within 60000.0 ms") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if b, err := os.ReadFile(file); err != nil || !bytes.Contains(b, []byte(`"curves"`)) {
		t.Errorf("%v in\n%s", err, b)
	}
}

func TestBenchOverhead(t *testing.T) {
	leaktest.Check(t)
	measures(t)
	stdout, stderr, status := ardea(t.Context(), "bench", "overhead", "--words", "2000", "--duration", "40ms", "--warm-up", "30ms", "--repeat", "1")
	if status != statusOK || !strings.Contains(stdout, "stamped") || !strings.Contains(stdout, "unobserved") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestBenchLimits(t *testing.T) {
	leaktest.Check(t)
	stdout, stderr, status := ardea(t.Context(), "bench", "limits", "--words", "2000", "--duration", "30ms", "--warm-up", "30ms", "--repeat", "1")
	if status != statusOK || !strings.Contains(stdout, "socket relay") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestDemo(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	stdout, stderr, status := ardea(t.Context(), "demo", "--text", text, "--duration", "40ms", "--warm-up", "30ms", "--repeat", "1", "--output", dir)
	if status != statusOK {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	if n := strings.Count(stdout, "all counts equal"); n != 3 {
		t.Errorf("%d modes count right:\n%s", n, stdout)
	}
	if !strings.Contains(stdout, "Its report is "+dir) {
		t.Errorf("no report is named:\n%s", stdout)
	}
	if !strings.Contains(stdout, "vs naive") || !strings.Contains(stdout, "\noptimized acks: ") || !strings.Contains(stdout, "All counts are right.") {
		t.Errorf("no table:\n%s", stdout)
	}
}

func TestIndependentCount(t *testing.T) {
	in, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(counts)
	if err != nil {
		t.Fatal(err)
	}
	if err := sameCounts(independentCount(in), want); err != nil {
		t.Error(err)
	}
	if got, want := string(independentCount([]byte("Ärger, ärger! don't 3rd—x"))), "3rd\t1\ndon't\t1\nx\t1\närger\t2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWrongCountIsNamed(t *testing.T) {
	right := []byte("a\t1\nb\t2\nc\t3\n")
	if err := sameCounts(right, bytes.Clone(right)); err != nil {
		t.Error(err)
	}
	for name, tc := range map[string]struct{ have, want string }{
		"other count": {"a\t1\nb\t5\nc\t3\n", `line 2 of the counts is "b\t5", an independent program has "b\t2"`},
		"cut":         {"a\t1\n", `line 2 of the counts is "", an independent program has "b\t2"`},
		"more":        {"a\t1\nb\t2\nc\t3\nd\t1\n", `line 4 of the counts is "d\t1", an independent program has ""`},
	} {
		if err := sameCounts([]byte(tc.have), right); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}
