//go:build linux

package logcrash

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

const (
	imageBytes   = 320 << 20  // XFS takes no less than 300 MB
	goDown       = 0x8004587d // ioctl FS_IOC_SHUTDOWN
	withoutFlush = 2          // not even the file system's log is written
)

// fileSystem is an XFS file system of its own on a loop device, which is kept from one mount to the next: a device that
// mount sets up goes away some time after umount, and until then the image cannot be mounted again.
type fileSystem struct {
	device, at string
}

// newXFS makes a file system, or skips the test.
func newXFS(t *testing.T) *fileSystem {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: shutting file systems down takes root")
	}
	if _, err := exec.LookPath("mkfs.xfs"); err != nil {
		t.Skip("SKIPPED: there is no mkfs.xfs: install xfsprogs")
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, imageBytes)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mkfs.xfs", "-q", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.xfs: %v\n%s", err, out)
	}
	device, err := attach(t, image)
	if err != nil {
		t.Skipf("SKIPPED: there are no loop devices here: %v", err)
	}
	x := &fileSystem{device, t.TempDir()}
	if out, err := x.mount(t); err != nil {
		t.Skipf("SKIPPED: XFS cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if err := x.unmount(); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: it is not mounted
			t.Error(err)
		}
	})
	return x
}

// attach makes a loop device of a file, until the test ends. Another process can take the device that is free between the
// question which one that is and the answer: then it asks again.
func attach(t *testing.T, image string) (device string, err error) {
	t.Helper()
	for range 20 {
		var out []byte
		if out, err = exec.CommandContext(t.Context(), "losetup", "--find", "--show", image).Output(); err == nil {
			device = strings.TrimSpace(string(out))
			break
		}
	}
	if err != nil {
		return "", err
	}
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
			t.Errorf("detach %s: %v: %s", device, err, out)
		}
	})
	return device, nil
}

// unmount unmounts it. The system can still be closing the files of a process that has ended, or something that looks at
// all mounts can have it open for a moment: it is busy then. Nothing tells when it no longer is.
func (x *fileSystem) unmount() error {
	for end := time.Now().Add(time.Minute); ; {
		err := unix.Unmount(x.at, 0)
		if !errors.Is(err, unix.EBUSY) || time.Now().After(end) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (x *fileSystem) mount(t *testing.T) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "mount", "-t", "xfs", x.device, x.at).CombinedOutput()
	return string(out), err
}

// shutDown drops all that is not synced.
func (x *fileSystem) shutDown(t *testing.T) {
	t.Helper()
	f, err := os.Open(x.at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), goDown, withoutFlush); err != nil {
		t.Fatalf("shut down: %v", err)
	}
}

// cycle has a program append until the file system is shut down, and mounts it again. It returns how many batches were
// acknowledged.
func (x *fileSystem) cycle(t *testing.T, program, plant string, life time.Duration, ends *[logs]uint64) (acks int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), envVictim+"="+filepath.Join(x.at, "store"), envPlanted+"="+plant)
	begun := make(chan struct{})
	out := &firstWrite{begun: begun}
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &complaint
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-begun:
	case err := <-ended:
		t.Fatalf("the victim ends before it has appended: %v: %s", err, &complaint)
	}
	select {
	case <-time.After(life):
	case err := <-ended:
		t.Fatalf("the victim ends: %v: %s", err, &complaint)
	}
	x.shutDown(t)
	_ = cmd.Process.Signal(syscall.SIGKILL)
	<-ended
	if err := x.unmount(); err != nil {
		t.Fatalf("unmount: %v", err)
	}
	if text, err := x.mount(t); err != nil {
		t.Fatalf("mount again: %v: %s", err, text)
	}
	return hear(t, out.text.String(), ends)
}

// firstWrite keeps what is written, and says when something is.
type firstWrite struct {
	text  bytes.Buffer
	begun chan struct{}
}

func (w *firstWrite) Write(b []byte) (int, error) {
	if w.begun != nil {
		close(w.begun)
		w.begun = nil
	}
	return w.text.Write(b)
}

// TestFileSystemShutDown shuts a file system down again and again while a program appends. Nothing that was acknowledged
// may be lost.
func TestFileSystemShutDown(t *testing.T) {
	leaktest.Check(t)
	x := newXFS(t)
	var ends [logs]uint64
	acks := 0
	for n := range *cycles {
		acks += x.cycle(t, os.Args[0], "", time.Duration(rand.IntN(150))*time.Millisecond, &ends)
		if err := verify(t, filepath.Join(x.at, "store"), &ends); err != nil {
			t.Fatalf("cycle %d: %v", n, err)
		}
		if ends[0]+ends[1]+ends[2] > 100_000 { // reading it takes longer and longer
			if err := os.RemoveAll(filepath.Join(x.at, "store")); err != nil {
				t.Fatal(err)
			}
			ends = [logs]uint64{}
		}
	}
	if acks == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d shutdowns of XFS, %d batches acknowledged, 0 lost", *cycles, acks)
}

// shutDownFinds has a program append that does not sync.
func shutDownFinds(t *testing.T, program string) {
	t.Helper()
	x := newXFS(t)
	const tries = 10
	for n := range tries {
		var ends [logs]uint64
		acks := x.cycle(t, program, noSync, 100*time.Millisecond, &ends)
		err := verify(t, filepath.Join(x.at, "store"), &ends)
		if err != nil {
			t.Logf("found in cycle %d, after %d acknowledged batches: %s", n, acks, strings.SplitN(err.Error(), "\n", 2)[0])
			return
		}
		if err := os.RemoveAll(filepath.Join(x.at, "store")); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("a program that does not sync has lost nothing in %d cycles", tries)
}
