package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/matrix"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// suiteIn reads what a run has left in a directory.
func suiteIn(t *testing.T, dir string) *bench.Suite {
	t.Helper()
	s, err := readSuite("suite", filepath.Join(dir, "suite.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// writeMatrix makes a file of a matrix.
func writeMatrix(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "matrix.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBenchRun(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(t.TempDir(), "new", "results")
	file := filepath.Join(t.TempDir(), "copy.json")
	stdout, stderr, status := ardea(t.Context(), "bench", "run", "smoke", "--output", dir, "--json", file)
	if status != statusOK {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	s := suiteIn(t, dir)
	if s.Schema != bench.SuiteSchema || s.Name != "smoke" || s.Partial != "" || s.Command != "ardea bench run smoke" || len(s.Sections) == 0 {
		t.Errorf("%+v", s)
	}
	for i := range s.Sections {
		if s.Sections[i].Error != "" || s.Sections[i].Spec.Workload == "" {
			t.Errorf("%+v", s.Sections[i])
		}
	}
	for _, form := range resultForms {
		if info, err := os.Stat(filepath.Join(dir, form.name)); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, %v", form.name, info, err)
		}
		if !strings.Contains(stdout, filepath.Join(dir, form.name)+"\n") {
			t.Errorf("%s is not named:\n%s", form.name, stdout)
		}
	}
	have, err := os.ReadFile(file)
	want, werr := os.ReadFile(filepath.Join(dir, "suite.json"))
	if err != nil || werr != nil || !bytes.Equal(have, want) {
		t.Errorf("--json wrote something else (%v, %v)", err, werr)
	}
	if !strings.Contains(stdout, "vs naive") || !strings.Contains(stderr, " left)") {
		t.Errorf("no table, or no progress:\n%s%s", stdout, stderr)
	}
}

func TestBenchRunOfSomeSections(t *testing.T) {
	leaktest.Check(t)
	file := writeMatrix(t, `
name: two
defaults: {duration: 20ms, warm_up: 20ms, in_process: true}
sections:
  - {name: first, kind: throughput, words: 100, modes: [optimized]}
  - {name: second, kind: latency, rates: [5000]}
`)
	dir := t.TempDir()
	stdout, stderr, status := ardea(t.Context(), "bench", "run", file, "--sections", "second", "--output", dir)
	if status != statusOK || !strings.Contains(stdout, "p99.9") {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	s := suiteIn(t, dir)
	if len(s.Sections) != 1 || s.Sections[0].Name != "second" || !strings.HasSuffix(s.Command, "--sections second") {
		t.Errorf("%+v", s)
	}
}

func TestBenchRunDry(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results")
	stdout, stderr, status := ardea(t.Context(), "bench", "run", "full", "--dry-run", "--output", dir)
	if status != statusOK || stderr != "" || !strings.Contains(stdout, "full takes about ") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dry run writes: %v", err)
	}
}

// TestBenchRunRefuses checks that nothing is measured when something is wrong with the command line.
func TestDirectoryIsNamedLikeAMatrix(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("smoke", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := ardea(t.Context(), "bench", "run", "smoke", "--dry-run"); status != statusOK {
		t.Errorf("status %d\n%s", status, stderr)
	}
}

func TestBenchRunRefuses(t *testing.T) {
	bad := writeMatrix(t, "name: bad\nsections:\n  - {name: a, kind: speed}\n  - {name: a, kind: curve, rate: 5}\n")
	dir := t.TempDir()
	for _, tc := range []struct{ args, want string }{
		{"", "accepts 1 arg(s), received 0"},
		{"quick full", "accepts 1 arg(s), received 2"},
		{"quack", "name a YAML file, or one of full, quick, smoke"},
		{dir, "is a directory"},
		{bad, bad + ":3: kind is \"speed\""},
		{bad, bad + ":4: there is no field \"rate\""},
		{"smoke --sections fly", `smoke has no section "fly": use `},
		{"smoke --output " + bad, "cannot be written"},
		{"smoke --output " + bad + "/x", "cannot be written"},
		{"smoke --json " + dir + " --output " + dir, "name a file that can be written"},
		{"smoke --json " + dir + "/none/x --output " + dir, "name a file that can be written"},
	} {
		stdout, stderr, status := ardea(t.Context(), append([]string{"bench", "run"}, strings.Fields(tc.args)...)...)
		if status != statusUsage || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("ardea bench run %s: status %d, want %q, have\n%s%s", tc.args, status, tc.want, stdout, stderr)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("something is written: %v, %v", files, err)
	}
}

// long has a first section that ends soon and a second that does not.
const long = `
name: long
defaults: {duration: 20ms, warm_up: 20ms, words: 100, modes: [optimized]}
sections:
  - {name: short, kind: throughput, limits: []}
  - {name: endless, kind: throughput, repeat: 1000, limits: []}
`

// startBenchRun starts a process that measures a matrix and returns when it says want.
func startBenchRun(t *testing.T, file, dir, want string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "bench", "run", file, "--output", dir)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(errs)
	for lines.Scan() {
		if strings.Contains(lines.Text(), want) {
			go func() { _, _ = io.Copy(io.Discard, errs) }() // so that the process can go on writing
			return cmd
		}
	}
	t.Fatalf("the program never said %q: %v", want, cmd.Wait())
	return nil
}

// TestInterruptedBenchRun sends the signal that Ctrl-C sends.
func TestInterruptedBenchRun(t *testing.T) {
	dir := t.TempDir()
	cmd := startBenchRun(t, writeMatrix(t, long), dir, "[2/1000] optimized ...")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != statusInterrupted {
		t.Errorf("the program ends with %v", err)
	}
	s := suiteIn(t, dir)
	if !strings.HasPrefix(s.Partial, "interrupted in section endless") || len(s.Sections) != 2 || len(s.Sections[1].Runs) == 0 {
		t.Errorf("%+v", s)
	}
}

// TestKilledBenchRun leaves what was there after the last section that ended.
func TestKilledBenchRun(t *testing.T) {
	dir := t.TempDir()
	cmd := startBenchRun(t, writeMatrix(t, long), dir, "endless: ")
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Errorf("the program ends with %v", err)
	}
	s := suiteIn(t, dir)
	if s.Partial != "it ended after section short, 1 of 2" || len(s.Sections) != 1 || len(s.Sections[0].Runs) != 1 {
		t.Errorf("%+v", s)
	}
}

// TestFailedBenchRun has no directory for sockets: the engine cannot start, the loops without it can.
func TestFailedBenchRun(t *testing.T) {
	leaktest.Check(t)
	file := writeMatrix(t, `
name: failing
defaults: {duration: 20ms, warm_up: 20ms, words: 100, modes: [optimized]}
sections:
  - {name: first, kind: throughput, limits: [fused loop]}
  - {name: second, kind: latency, rates: [1000]}
`)
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "none"))
	stdout, stderr, status := ardea(t.Context(), "bench", "run", file, "--output", dir)
	if status != statusError || !strings.Contains(stderr, "section first: ") || !strings.Contains(stderr, "section second: ") {
		t.Errorf("status %d\n%s", status, stderr)
	}
	if !strings.Contains(stdout, "This is a partial result: failed: first, second.") || !strings.Contains(stdout, "second ended early: ") {
		t.Errorf("standard output:\n%s", stdout)
	}
	if s := suiteIn(t, dir); len(s.Sections) != 2 || len(s.Sections[0].Limits.Runs) != 1 || s.Sections[0].Error == "" || s.Sections[1].Error == "" {
		t.Errorf("%+v", s)
	}
}

func TestBenchProgressOnATerminal(t *testing.T) {
	leaktest.Check(t)
	var out bytes.Buffer
	p := newBenchProgress(&out, func() int { return 60 })
	p.show(matrix.Progress{Section: "a", Number: 1, Sections: 2, Line: "[1/2] naive ...", Elapsed: time.Second, Left: 90 * time.Second})
	if _, err := p.Write([]byte("a child speaks\n")); err != nil {
		t.Error(err)
	}
	p.show(matrix.Progress{Section: "a", Number: 1, Sections: 2, Line: "[1/2] naive: fast", Left: 40 * time.Second})
	p.stop()
	const erased = "\r\x1b[K"
	first, second := "1 of 2, 1s, about 1 min left  a: [1/2] naive ...", "1 of 2, 0s, about 40 s left  a"
	want := first + erased + "a child speaks\n" + first + erased + "a: [1/2] naive: fast\n" + second + erased
	if got := strings.ReplaceAll(out.String(), "about 2 min", "about 1 min"); got != want {
		t.Errorf("%q, want\n%q", got, want)
	}
}

func TestBenchProgressElsewhere(t *testing.T) {
	var out bytes.Buffer
	p := newBenchProgress(&out, nil)
	p.show(matrix.Progress{Section: "a", Number: 1, Sections: 2, Line: "[1/2] naive ...", Left: 20 * time.Minute})
	p.stop()
	if got := out.String(); got != "a: [1/2] naive ... (20 min left)\n" {
		t.Errorf("%q", got)
	}
}

// TestUnreachableRate checks that a rate that the engine does not reach is told of, and fails nothing.
func TestUnreachableRate(t *testing.T) {
	leaktest.Check(t)
	file := writeMatrix(t, `
name: fast
sections:
  - {name: fast, kind: latency, duration: 100ms, warm_up: 20ms, in_process: true, modes: [naive-unbatched], rates: [10000000]}
`)
	dir := t.TempDir()
	stdout, stderr, status := ardea(t.Context(), "bench", "run", file, "--output", dir)
	if status != statusOK || !strings.Contains(stdout, "fast: naive-unbatched at 10000000 tuples/s does not count: ") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if s := suiteIn(t, dir); s.Partial != "" || s.Sections[0].Latency[0].Rejected == "" {
		t.Errorf("%+v", s)
	}
}

// TestBenchRunInto measures one section anew.
func TestBenchRunInto(t *testing.T) {
	leaktest.Check(t)
	file := writeMatrix(t, `
name: two
defaults: {duration: 20ms, warm_up: 20ms, in_process: true, modes: [optimized], words: 100}
sections:
  - {name: first, kind: throughput}
  - {name: second, kind: throughput}
`)
	whole, later := t.TempDir(), t.TempDir()
	if _, stderr, status := ardea(t.Context(), "bench", "run", file, "--output", whole); status != statusOK {
		t.Fatal(stderr)
	}
	kept := filepath.Join(whole, "suite.json")
	_, stderr, status := ardea(t.Context(), "bench", "run", file, "--sections", "second", "--into", kept, "--output", later)
	if status != statusOK {
		t.Fatal(stderr)
	}
	before, after := suiteIn(t, whole), suiteIn(t, later)
	if len(after.Sections) != 2 || after.Sections[0].Later != nil || after.Command != before.Command || !after.Started.Equal(before.Started) {
		t.Errorf("%+v", after)
	}
	if a, b := before.Sections[0].Runs[0], after.Sections[0].Runs[0]; a.Tuples != b.Tuples {
		t.Errorf("the first section has changed: %+v, now %+v", a, b)
	}
	if l := after.Sections[1].Later; l == nil || !strings.Contains(l.Command, "--sections second --into ") || before.Sections[1].Later != nil {
		t.Errorf("%+v", l)
	}
	for _, name := range []string{"report.md", "report.html"} {
		text, err := os.ReadFile(filepath.Join(later, name))
		if err != nil || !strings.Contains(string(text), "Measured apart on ") {
			t.Errorf("%s does not say what was measured apart: %v", name, err)
		}
	}
	for _, bad := range []string{filepath.Join(whole, "none"), filepath.Join(whole, "report.md")} {
		if _, stderr, status := ardea(t.Context(), "bench", "run", file, "--into", bad, "--output", later); status != statusUsage || !strings.Contains(stderr, "--into: ") {
			t.Errorf("%s: status %d, %s", bad, status, stderr)
		}
	}
}
