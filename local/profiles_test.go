package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/local/capture"
)

// record records profiles of a running cluster until something was sampled.
func record(t *testing.T, c *local.Cluster, kinds ...local.ProfileKind) []local.Profile {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.StartProfiles(ctx, kinds); err != nil {
		t.Fatalf("StartProfiles: %v", err)
	}
	burn(t, c, 300*time.Millisecond)
	profiles, err := c.StopProfiles(ctx, t.TempDir())
	if err != nil {
		t.Fatalf("StopProfiles: %v", err)
	}
	return profiles
}

// burn waits until the run has used that much CPU time more.
func burn(t *testing.T, c *local.Cluster, want time.Duration) {
	t.Helper()
	used := func() float64 {
		s, err := c.Sample(t.Context())
		if err != nil {
			t.Fatalf("Sample: %v", err)
		}
		return s.Total().CPUSeconds()
	}
	for begin := used(); used() < begin+want.Seconds(); {
	}
}

// parse reads a file that must be a valid profile.
func parse(t *testing.T, path string) *profile.Profile {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	p, err := profile.Parse(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return p
}

func TestProfilesOfEveryProcess(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	awaitFlow(t, c)
	profiles := record(t, c, capture.Kinds()...)
	if got, want := len(profiles), len(c.Processes())*len(capture.Kinds()); got != want {
		t.Fatalf("%d profiles, want %d", got, want)
	}
	for i, p := range profiles {
		process, kind := c.Processes()[i/len(capture.Kinds())], capture.Kinds()[i%len(capture.Kinds())]
		if p.Process != process.Name() || p.Role != process.Role || p.PID != process.PID || p.Kind != kind || p.Container != process.Container {
			t.Errorf("profile %d is %+v, want %s of %+v", i, p, kind, process)
		}
		if filepath.Base(p.Path) != capture.FileName(p.Process, kind) {
			t.Errorf("%s of %s is in %s", kind, p.Process, p.Path)
		}
		if p.Spout != strings.HasPrefix(p.Process, "numbers") {
			t.Errorf("%s: Spout is %v", p.Process, p.Spout)
		}
		info, err := os.Stat(p.Path)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Errorf("%s: %v, %v", p.Path, info, err)
		}
		if kind != local.ProfileTrace {
			if err := parse(t, p.Path).CheckValid(); err != nil {
				t.Errorf("%s: %v", p.Path, err)
			}
		}
	}
	entries, err := os.ReadDir(filepath.Dir(profiles[0].Path))
	if err != nil || len(entries) != len(profiles) {
		t.Errorf("the directory holds %d files, want %d: %v", len(entries), len(profiles), err)
	}
	if again := record(t, c, local.ProfileCPU); len(again) != len(c.Processes()) {
		t.Errorf("a second recording has %d profiles", len(again))
	}
	c.Drain()
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
}

func TestProfilesInProcessAreOfTheWhole(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	o := options(t, args)
	o.InProcess = true
	c := start(t.Context(), t, args, o)
	awaitFlow(t, c)
	profiles := record(t, c, local.ProfileCPU, local.ProfileAllocs)
	if len(profiles) != 2 {
		t.Fatalf("%d profiles, want 2: %+v", len(profiles), profiles)
	}
	p := profiles[0]
	if p.Role != local.RoleAll || p.Process != "all" || p.PID != os.Getpid() || !slices.Equal(p.Components, []string{"numbers", "twice", "sum"}) {
		t.Errorf("the profile is %+v", p)
	}
	if err := c.StartProfiles(t.Context(), []local.ProfileKind{local.ProfileCPU}); err != nil {
		t.Fatal(err)
	}
	c.Drain() // with the recording on
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
	r, err := capture.Start([]capture.Kind{capture.CPU})
	if err != nil {
		t.Fatalf("the run has left its recording on: %v", err)
	}
	r.Abandon()
}

func TestProfilesMisused(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	ctx, cpu := t.Context(), []local.ProfileKind{local.ProfileCPU}
	var kind *capture.KindError
	if err := c.StartProfiles(ctx, []local.ProfileKind{"gpu"}); !errors.As(err, &kind) || kind.Kind != "gpu" {
		t.Errorf("an unknown kind: %v", err)
	}
	if err := c.StartProfiles(ctx, nil); !errors.Is(err, capture.ErrNoKinds) {
		t.Errorf("no kind: %v", err)
	}
	if _, err := c.StopProfiles(ctx, t.TempDir()); !errors.Is(err, local.ErrNotProfiling) {
		t.Errorf("a stop without a start: %v", err)
	}
	if err := c.StartProfiles(ctx, cpu); err != nil {
		t.Fatal(err)
	}
	if err := c.StartProfiles(ctx, cpu); !errors.Is(err, local.ErrProfiling) {
		t.Errorf("a second start: %v", err)
	}
	if _, err := c.StopProfiles(ctx, filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.StopProfiles(ctx, file); err == nil {
		t.Error("a file serves as directory")
	}
	if profiles, err := c.StopProfiles(ctx, t.TempDir()); err != nil || len(profiles) != len(c.Processes()) {
		t.Errorf("after all that: %d profiles, %v", len(profiles), err)
	}
	c.Drain()
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
	if err := c.StartProfiles(ctx, cpu); !errors.Is(err, local.ErrEnded) {
		t.Errorf("a start after the end: %v", err)
	}
	if _, err := c.StopProfiles(ctx, t.TempDir()); !errors.Is(err, local.ErrEnded) {
		t.Errorf("a stop after the end: %v", err)
	}
}

func TestProfilesOfAProcessThatCannotWrite(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	if err := c.StartProfiles(t.Context(), []local.ProfileKind{local.ProfileHeap}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, capture.FileName("sum-5", local.ProfileHeap)), 0o700); err != nil {
		t.Fatal(err)
	}
	profiles, err := c.StopProfiles(t.Context(), dir)
	var fault *local.ProfileError
	if !errors.As(err, &fault) || fault.Process.Name() != "sum-5" || len(profiles) != len(c.Processes())-1 {
		t.Errorf("%d profiles, error %v", len(profiles), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != len(c.Processes()) {
		t.Errorf("the directory holds %d files: %v", len(entries), err)
	}
}

// freeze stops a child and waits until all of its threads stand still, which is
// a moment after the signal was sent.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || !status.Stopped() {
			t.Fatalf("process %d does not stop: %v, %v", pid, status, err)
		}
		return
	}
}

// A process that does not answer is no reason to wait beyond the context, and one that dies none to wait at all.
func TestProfilesOfAStoppedProcess(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	o := options(t, args)
	o.MaxRestarts = -1
	c := start(t.Context(), t, args, o)
	kinds := []local.ProfileKind{local.ProfileCPU}
	victim := c.Processes()[2]
	freeze(t, victim.PID)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.StartProfiles(ctx, kinds); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("StartProfiles with a stopped process: %v", err)
	}
	if err := c.StartProfiles(t.Context(), kinds); !errors.Is(err, local.ErrProfiling) {
		t.Fatalf("StartProfiles before the first has been taken back: %v", err)
	}
	if err := syscall.Kill(victim.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for err := local.ErrProfiling; err != nil; err = c.StartProfiles(t.Context(), kinds) {
		if !errors.Is(err, local.ErrProfiling) {
			t.Fatal(err)
		}
	}
	freeze(t, victim.PID)
	stopped := make(chan error, 1)
	go func() {
		_, err := c.StopProfiles(t.Context(), t.TempDir())
		stopped <- err
	}()
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var fault *local.ProfileError
	if err := <-stopped; !errors.Is(err, local.ErrEnded) && (!errors.As(err, &fault) || fault.Process.PID != victim.PID) {
		t.Errorf("StopProfiles with a process that died: %v", err)
	}
	var died *local.ProcessDiedError
	if _, err := wait(t, c); !errors.As(err, &died) {
		t.Errorf("Wait: %v", err)
	}
}
