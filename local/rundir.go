package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ardea-stream/ardea/dataplane"
)

const (
	tempPrefix = "ardea-"
	lockName   = "ardea-run.lock"
	planName   = "plan.pb"
	runName    = "run.json" // describes the run, see Running
	tempSuffix = ".new"     // of a file that is being written
	// positionsName is the directory in which spouts keep how far they have come.
	positionsName  = "positions"
	positionPrefix = "task-"
	// controlName is the socket for other programs of the user.
	controlName = "ctl.sock"
	// tempFallback is where directories go if sockets cannot have the paths of the usual place.
	tempFallback = "/tmp"
	// maxSocket is the longest path of a socket, in bytes. The smallest limit of the systems is 104, with a NUL.
	maxSocket = 100
)

// runDir is a directory that holds a run's sockets and plan. A locked file in
// it says that the run lives: the kernel unlocks it with the parent's death.
type runDir struct {
	path    string
	lock    *os.File
	created bool // made by openRunDir
}

// openRunDir makes and locks a run directory: path, or a fresh one if that is
// empty. The error is a *DirInUseError if another run has it.
func openRunDir(path string) (*runDir, error) {
	if path == "" {
		sweep(os.TempDir())
		return openTempDir()
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	if strings.ContainsAny(path, dataplane.NotInSockets) {
		return nil, fmt.Errorf("run directory: %q has one of %s in its path, which the paths of sockets cannot have: choose another Dir", path, dataplane.NotInSockets)
	}
	_, statErr := os.Stat(path)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	d := &runDir{path: path, created: errors.Is(statErr, os.ErrNotExist)}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	d.clean() // of what a killed parent left
	return d, nil
}

// openTempDir makes a fresh directory where paths of sockets are short enough.
func openTempDir() (*runDir, error) {
	parent := os.TempDir()
	if len(filepath.Join(parent, tempPrefix+"0123456789", socketName(1<<16))) > maxSocket || strings.ContainsAny(parent, dataplane.NotInSockets) {
		parent = tempFallback
	}
	for {
		path, err := os.MkdirTemp(parent, tempPrefix)
		if err != nil {
			return nil, fmt.Errorf("run directory: %w", err)
		}
		d := &runDir{path: path, created: true}
		err = d.acquire()
		if _, swept := errors.AsType[*DirInUseError](err); swept || errors.Is(err, os.ErrNotExist) {
			continue // a sweep was quicker than the lock and removes the directory
		}
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(path))
		}
		return d, nil
	}
}

// acquire locks the directory and writes this process's id into the lock.
func (d *runDir) acquire() error {
	f, err := lockFile(filepath.Join(d.path, lockName), os.O_CREATE)
	if err != nil {
		return err
	}
	d.lock = f
	if err := f.Truncate(0); err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return errors.Join(err, f.Close())
	}
	return nil
}

// lockFile opens and locks a file. When the file was removed between the two
// the lock is worth nothing, and another try is made.
func lockFile(path string, flags int) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|flags, 0o600)
		if err != nil {
			return nil, fmt.Errorf("run directory: %w", err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			pid, _ := io.ReadAll(io.LimitReader(f, 20))
			_ = f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, &DirInUseError{Dir: filepath.Dir(path), PID: string(bytes.TrimSpace(pid))}
			}
			return nil, fmt.Errorf("run directory: lock %s: %w", path, err)
		}
		ours, err := f.Stat()
		if err == nil {
			if there, err := os.Stat(path); err == nil && os.SameFile(ours, there) {
				return f, nil
			}
		}
		_ = f.Close()
	}
}

func socketName(container uint32) string { return fmt.Sprintf("c%d.sock", container) }

// socket returns the path of a container's socket.
func (d *runDir) socket(container uint32) string {
	return filepath.Join(d.path, socketName(container))
}

// check returns an error if the sockets of that many containers would have paths that are too long.
func (d *runDir) check(containers int) error {
	longest := d.socket(uint32(containers))
	if c := filepath.Join(d.path, controlName); len(c) > len(longest) {
		longest = c
	}
	if len(longest) > maxSocket {
		return fmt.Errorf("run directory: the path of socket %s has %d bytes, allowed are %d: choose a shorter Dir", longest, len(longest), maxSocket)
	}
	return nil
}

// writePlan leaves the plan for the children, and for people who look.
func (d *runDir) writePlan(plan []byte) (path string, err error) {
	path = filepath.Join(d.path, planName)
	if err := os.WriteFile(path, plan, 0o600); err != nil {
		return "", fmt.Errorf("run directory: %w", err)
	}
	return path, nil
}

func positionName(task uint32) string { return fmt.Sprintf("%s%d", positionPrefix, task) }

// makePositions makes the directory for positions, unless an earlier attempt to start has.
func (d *runDir) makePositions() (path string, err error) {
	path = filepath.Join(d.path, positionsName)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("run directory: %w", err)
	}
	return path, nil
}

// clean removes the sockets, the plan, the description and the positions.
func (d *runDir) clean() {
	positions := filepath.Join(d.path, positionsName)
	kept, _ := filepath.Glob(filepath.Join(positions, positionPrefix+"*"))
	for _, path := range kept {
		_ = os.Remove(path)
	}
	_ = os.Remove(positions) // stays if somebody put something there
	entries, _ := os.ReadDir(d.path)
	for _, e := range entries {
		if socket, _ := filepath.Match("c*.sock", e.Name()); socket || slices.Contains([]string{planName, runName, runName + tempSuffix, controlName}, e.Name()) {
			_ = os.Remove(filepath.Join(d.path, e.Name()))
		}
	}
}

// remove takes away what a run leaves, then unlocks.
func (d *runDir) remove() error {
	defer func() { _ = d.lock.Close() }()
	d.clean()
	err := os.Remove(d.lock.Name())
	if d.created {
		_ = os.Remove(d.path) // stays if somebody put something there
	}
	return err
}

// isOwnDir reports whether a file is a directory of this user's.
func isOwnDir(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return info.IsDir() && ok && int(st.Uid) == os.Getuid()
}

// sweep removes the directories of runs whose parent was killed: they belong
// to this user and nobody holds their lock.
func sweep(parent string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), tempPrefix) || !isOwnDir(info) {
			continue
		}
		path := filepath.Join(parent, e.Name())
		f, err := lockFile(filepath.Join(path, lockName), 0)
		if err != nil {
			continue // alive, or not ours at all
		}
		_ = (&runDir{path: path, lock: f, created: true}).remove()
	}
}
