package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/profiles"
)

func TestBenchAblation(t *testing.T) {
	leaktest.Check(t)
	measures(t)
	file := filepath.Join(t.TempDir(), "ablation.json")
	stdout, stderr, status := ardea(t.Context(), "bench", "ablation", "--factors", "drain", "--in-process", "--words", "2000",
		"--duration", "20ms", "--warm-up", "20ms", "--repeat", "1", "--json", file)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	for _, want := range []string{"optimized-drain", "naive+pool", "heron2017", "effect", "Machine:"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s bench.Suite
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.Command, "ardea bench ablation --factors=drain ") {
		t.Errorf("command: %s", s.Command)
	}
	if s.Schema != bench.SuiteSchema || s.Partial != "" || len(s.Sections) != 1 || len(s.Sections[0].Ablation.Effects) != 1 {
		t.Errorf("suite: %+v", s)
	}
}

func TestBenchAblationRefusesNonsense(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--factors", "speed"}, `no factor "speed": use some of hash,`},
		{[]string{"--factors", "pgo"}, "needs"},
		{[]string{"--factors", "hash,hash"}, "twice"},
		{[]string{"--no-pgo", "/nowhere/ardea"}, "--no-pgo"},
		{[]string{"--json", "/nowhere/file"}, "--json"},
	} {
		stdout, stderr, status := ardea(t.Context(), append([]string{"bench", "ablation"}, tc.args...)...)
		if status != statusUsage || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%v: status %d, %q\n%s", tc.args, status, stdout, stderr)
		}
	}
}

func TestBenchPGORecords(t *testing.T) {
	leaktest.Check(t)
	measures(t)
	file := filepath.Join(t.TempDir(), "default.pgo")
	_, stderr, status := ardea(t.Context(), "bench", "pgo", "--output", file, "--modes", "optimized", "--in-process", "--words", "2000",
		"--duration", "500ms", "--warm-up", "20ms")
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	if p, err := profiles.ReadFile(file); err != nil || p.CPUSeconds() <= 0 {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

// What a device is named by, such as /dev/null, is written to and not replaced.
func TestBenchPGOKeepsDevices(t *testing.T) {
	leaktest.Check(t)
	measures(t)
	link := linkToFull(t)
	_, stderr, status := ardea(t.Context(), "bench", "pgo", "--output", link, "--modes", "optimized", "--in-process", "--words", "2000",
		"--duration", "500ms", "--warm-up", "20ms")
	if status != statusError || !strings.Contains(stderr, "no space left") {
		t.Errorf("status %d\n%s", status, stderr)
	}
	if target, err := os.Readlink(link); err != nil || target != "/dev/full" {
		t.Errorf("the link leads to %q: %v", target, err)
	}
}

// linkToFull returns a link to the device that is always full, so that a fault replaces no device.
func linkToFull(t *testing.T) string {
	t.Helper()
	if info, err := os.Stat("/dev/full"); err != nil || info.Mode().IsRegular() {
		t.Skip("no device /dev/full")
	}
	link := filepath.Join(t.TempDir(), "full")
	if err := os.Symlink("/dev/full", link); err != nil {
		t.Fatal(err)
	}
	return link
}

func TestBenchPGORefusesNonsense(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "either --output or --no-pgo"},
		{[]string{"--output", "x", "--no-pgo", "y"}, "either --output or --no-pgo"},
		{[]string{"--output", "/nowhere/default.pgo"}, "--output"},
		{[]string{"--no-pgo", "/nowhere/ardea"}, "--no-pgo"},
		{[]string{"--output", "x", "--modes", "fast"}, `no mode "fast"`},
	} {
		stdout, stderr, status := ardea(t.Context(), append([]string{"bench", "pgo"}, tc.args...)...)
		if status != statusUsage || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%v: status %d, %q\n%s", tc.args, status, stdout, stderr)
		}
	}
}

func TestUnprofiledProgramIsThisOne(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A plain go test builds with default.pgo, make does not.
	if err := checkUnprofiled(own); (err != nil) != builtWithProfile() {
		t.Errorf("this program, built with a profile: %v: %v", builtWithProfile(), err)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nsleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"/nowhere/ardea", script, "go", t.TempDir()} {
		var usage *usageError
		if err := checkUnprofiled(program); !errors.As(err, &usage) || !strings.Contains(err.Error(), "-pgo=off") {
			t.Errorf("%s: %v", program, err)
		}
	}
}
