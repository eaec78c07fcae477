//go:build linux

package logcrash

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

// systemCalls are those that the log needs, and with which error each fails.
var systemCalls = []struct{ names, err string }{
	{"openat", "EIO"},
	{"write,pwrite64", "EIO"},
	{"write,pwrite64", "ENOSPC"},
	{"fdatasync", "EIO"},
	{"fsync", "EIO"},
	{"renameat", "EIO"},
	{"unlinkat", "EIO"},
	{"ftruncate", "EIO"},
	{"read,pread64", "EIO"},
}

// died says whether a program has panicked. That the Go runtime itself could not write, to wake its own poller, which it
// does now and then, is nothing that the log could help.
func died(complaint string) bool {
	if strings.Contains(complaint, "runtime: netpollBreak write failed") {
		return false
	}
	return strings.Contains(complaint, "panic:") || strings.Contains(complaint, "fatal error:")
}

// needStrace skips the test if there is no strace, or it may not trace.
func needStrace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("SKIPPED: there is no strace")
	}
	if out, err := exec.CommandContext(t.Context(), "strace", "-f", "--seccomp-bpf", "-o", os.DevNull, "-e", "trace=renameat", "true").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: strace cannot trace here: %v: %s", err, out)
	}
}

// sabotage runs a program in which the k-th of some calls of each thread fails. It returns how many failed, and what the
// program printed and complained of.
func sabotage(t *testing.T, program, plant, dir, names, with string, k int) (failed int, acks, complaint string) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "--seccomp-bpf", "-o", trace, "-e", "trace="+names,
		"-e", fmt.Sprintf("inject=%s:error=%s:when=%d", names, with, k), "-e", "signal=none", program)
	cmd.Env = append(os.Environ(), envVictim+"="+dir, envBatches+"=40", envPlanted+"="+plant)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, is := errors.AsType[*exec.ExitError](err); err != nil && !is {
		t.Fatal(err)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "(INJECTED)"), out.String(), errs.String()
}

// TestFailingCalls lets one call after the other fail, of each kind. The program may end with an error; it must not
// panic, and what it has printed as acknowledged must be there when the store is opened again.
func TestFailingCalls(t *testing.T) {
	leaktest.Check(t)
	needStrace(t)
	total := 0
	for _, c := range systemCalls {
		t.Run(c.names+" "+c.err, func(t *testing.T) {
			runs, failed, acks, errs := 0, 0, 0, 0
			for k := 1; k <= *calls; k++ {
				dir := filepath.Join(t.TempDir(), "store")
				n, text, complaint := sabotage(t, os.Args[0], "", dir, c.names, c.err, k)
				if n == 0 {
					break // there is no k-th call
				}
				var ends [logs]uint64
				acks += hear(t, text, &ends)
				runs, failed = runs+1, failed+n
				if complaint != "" {
					errs++
				}
				if died(complaint) {
					t.Errorf("call %d: %s", k, complaint)
				}
				if err := verify(t, dir, &ends); err != nil {
					t.Errorf("call %d: %v\nthe program had said: %s", k, err, complaint)
				}
			}
			t.Logf("%d runs with %d failed calls, %d of them ended with an error, %d batches acknowledged, 0 lost", runs, failed, errs, acks)
			total += failed
		})
	}
	if total == 0 {
		t.Error("no call has failed")
	}
}

// failingCallsFind has a program append that does not notice that a write has failed.
func failingCallsFind(t *testing.T, program string) {
	t.Helper()
	needStrace(t)
	const most = 60
	for k := 1; k <= most; k++ {
		dir := filepath.Join(t.TempDir(), "store")
		_, text, _ := sabotage(t, program, failedWrites, dir, "pwrite64", "EIO", k)
		var ends [logs]uint64
		hear(t, text, &ends)
		if err := verify(t, dir, &ends); err != nil {
			t.Logf("found with call %d: %s", k, strings.SplitN(err.Error(), "\n", 2)[0])
			return
		}
	}
	t.Errorf("a program that does not notice failed writes has lost nothing in %d runs", most)
}
