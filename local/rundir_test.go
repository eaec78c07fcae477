package local_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/plan"
)

// shortDir returns the path of a directory, not made yet, in which sockets have short paths.
func shortDir(t *testing.T) string {
	t.Helper()
	top, err := os.MkdirTemp("", "local-test-") //nolint:usetesting // that of the test has a path too long for sockets on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	return filepath.Join(top, "run")
}

func inProcess(t *testing.T, args, dir string) local.Options {
	t.Helper()
	o := options(t, args)
	o.InProcess, o.Dir = true, dir
	return o
}

func TestRunDirectoryHoldsThePlanAndIsPrivate(t *testing.T) {
	leaktest.Check(t)
	dir := shortDir(t)
	c := start(t.Context(), t, "endless", inProcess(t, "endless", dir))
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "plan.pb"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Unmarshal(b)
	if err != nil || p.String() != c.Plan().String() {
		t.Errorf("%v, %v", p, err)
	}
	for i := range p.Containers {
		if len(p.Containers[i].Tasks) != 3 {
			t.Errorf("container %d has tasks %v, want a spout's and two bolts'", i+1, p.Containers[i].Tasks)
		}
	}
	c.Drain()
	if _, err := wait(t, c); err != nil { // checks that dir is gone
		t.Fatal(err)
	}
}

func TestRunDirectoryThatWasThereStays(t *testing.T) {
	leaktest.Check(t)
	dir := shortDir(t)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine", "c1.sock", "plan.pb"} { // a killed parent left two of them
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := local.Run(t.Context(), build("finite 1"), inProcess(t, "finite 1", dir)); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "mine" {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestRunDirectoryInUseIsRefused(t *testing.T) {
	leaktest.Check(t)
	dir := shortDir(t)
	c := start(t.Context(), t, "endless", inProcess(t, "endless", dir))
	_, err := local.Run(t.Context(), build("finite 1"), inProcess(t, "finite 1", dir))
	in, ok := errors.AsType[*local.DirInUseError](err)
	if !ok || in.PID != strconv.Itoa(os.Getpid()) {
		t.Errorf("error is %v", err)
	}
	awaitFlow(t, c)
}

func TestRunDirectoryWithALongPathIsRefused(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(shortDir(t), strings.Repeat("x", 100))
	_, err := local.Run(t.Context(), build("finite 1"), inProcess(t, "finite 1", dir))
	if err == nil || !strings.Contains(err.Error(), "choose a shorter Dir") {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

func TestRunDirectoryWithAPathThatSocketsCannotHaveIsRefused(t *testing.T) {
	leaktest.Check(t)
	for _, name := range []string{"a#b", "a?b", "a%b"} {
		dir := filepath.Join(shortDir(t), name)
		_, err := local.Run(t.Context(), build("finite 1"), inProcess(t, "finite 1", dir))
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "another Dir") {
			t.Errorf("error is %v", err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it is left: %v", err)
		}
	}
}

func TestRunDirectoryIsRemovedAfterAFailedStart(t *testing.T) {
	leaktest.Check(t)
	dir := shortDir(t)
	o := options(t, "crash") // another topology than the parent's
	o.Dir = dir
	if _, err := local.Run(t.Context(), build("endless"), o); err == nil {
		t.Error("it started")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

func TestLongTemporaryDirectoryIsAvoided(t *testing.T) {
	leaktest.Check(t)
	for _, name := range []string{strings.Repeat("x", 80), "a#b"} {
		t.Setenv("TMPDIR", filepath.Join(t.TempDir(), name))
		o := options(t, "finite 1")
		o.InProcess = true
		if _, err := local.Run(t.Context(), build("finite 1"), o); err != nil {
			t.Error(err)
		}
	}
}
