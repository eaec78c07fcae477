package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestSignalEndsReading(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(pipe, os.O_RDWR, 0) // so that reading waits, and not for a writer
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	small := savedSuite(t, "small", 1e6)
	for _, args := range [][]string{{"compare", small, pipe}, {"explain", pipe}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("ended by a signal"))
		_, stderr, status := ardea(ctx, append([]string{"bench"}, args...)...)
		if status != statusError || !strings.Contains(stderr, "ended by a signal") {
			t.Errorf("%v: status %d, %s", args, status, stderr)
		}
	}
}

func TestBenchFaultsAreToldBeforeAnythingIsMeasured(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"wordcount", "--pprof", taken.Addr().String()}, "address already in use"},
		{[]string{"wordcount", "--pprof", "nosuch.invalid:0"}, "nosuch.invalid"},
		{[]string{"wordcount", "--min-batch", "2000", "--max-batch", "1000"}, "MinBatch is 2000, above MaxBatch, 1000: swap them"},
		{[]string{"wordcount", "--words", "100000000"}, "a dictionary of 100000000 words, allowed are 1 to 4194304"},
		{[]string{"wordcount", "--workload", "sized", "--size", "999000000000"}, "a size of 999000000000 bytes, allowed are 8 to 1048576"},
		{[]string{"latency", "--rate", "1e9"}, "a rate of 1000000000 tuples a second, allowed are 1 to 10000000"},
		{[]string{"run", "smoke", "--output", "--dry-run"}, "--output has the value --dry-run, which begins with a dash"},
		{[]string{"wordcount", "--json", "-x"}, "write ./-x if that is its name"},
		{[]string{"run", "smoke", "--dry-run", "--no-pgo", "/nosuch"}, "--no-pgo"},
	} {
		_, stderr, status := ardea(t.Context(), append([]string{"bench"}, tc.args...)...)
		if status != statusUsage || !strings.Contains(stderr, tc.want) || strings.Contains(stderr, "[1/") {
			t.Errorf("%v: status %d, want %q, have %s", tc.args, status, tc.want, stderr)
		}
	}
	if _, err := os.Stat("--dry-run"); err == nil {
		t.Error("there is a directory --dry-run")
	}
}

func TestJSONThatCannotBeWrittenIsOneMessage(t *testing.T) {
	_, stderr, status := ardea(t.Context(), "bench", "limits", "--json", "/proc/ardea.json")
	if status != statusUsage || strings.Contains(stderr, "matrix:") || strings.Contains(stderr, ".tmp") ||
		!strings.Contains(stderr, "--json: no file can be made in /proc: ") || strings.Contains(stderr, "permissions") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestHelpNamesOneDefault(t *testing.T) {
	for _, command := range []string{"latency", "curve"} {
		stdout, _, _ := ardea(t.Context(), "bench", command, "--help")
		if strings.Contains(stdout, "(default [])") || !strings.Contains(stdout, "--load SHARES") {
			t.Errorf("%s:\n%s", command, stdout)
		}
	}
}
