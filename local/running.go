package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// maxRunFile bounds what is read of a run's description, in bytes.
const maxRunFile = 16 << 20

// Running is a run that is on, as it describes itself to other programs of its
// user by a file in its run directory. See Runs.
type Running struct {
	Topology string `json:"topology"`
	Mode     string `json:"mode"`
	// Guarantee is the delivery guarantee of the topology.
	Guarantee string    `json:"guarantee,omitempty"`
	PID       int       `json:"pid"` // of the program that started it
	Started   time.Time `json:"started"`
	InProcess bool      `json:"in_process,omitempty"`
	// Pprof is the address at which the program that started it serves its profiles, empty if it does not.
	Pprof string `json:"pprof,omitempty"`
	// Metrics is the URL of the run's metrics for Prometheus, empty if they are not served.
	Metrics string `json:"metrics,omitempty"`
	// Processes are in the order of Cluster.Processes.
	Processes []Process `json:"processes"`

	// Dir is the run directory.
	Dir string `json:"-"`
}

// Runs returns the runs of this user on this machine, the oldest first: those
// that have a temporary run directory. See RunIn for others.
func Runs(ctx context.Context) []Running {
	var all []Running
	for _, parent := range distinct([]string{filepath.Clean(os.TempDir()), tempFallback}) {
		entries, _ := os.ReadDir(parent)
		for _, e := range entries {
			if info, err := e.Info(); err != nil || !strings.HasPrefix(e.Name(), tempPrefix) || !isOwnDir(info) {
				continue
			}
			if r, err := RunIn(ctx, filepath.Join(parent, e.Name())); err == nil {
				all = append(all, *r)
			}
		}
	}
	slices.SortFunc(all, func(a, b Running) int { return a.Started.Compare(b.Started) })
	return all
}

// RunIn returns the run that has a directory. The error wraps ErrNotRunning if
// there is none.
func RunIn(ctx context.Context, dir string) (*Running, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("local: run directory: %w", err)
	}
	f, err := os.Open(filepath.Join(dir, runName))
	if err != nil {
		return nil, fmt.Errorf("%w in %s: %w", ErrNotRunning, dir, err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxRunFile))
	if err != nil {
		return nil, fmt.Errorf("local: run directory: %w", err)
	}
	r := &Running{Dir: dir}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("local: %s describes no run of this version: %w", f.Name(), err)
	}
	c, err := r.dial(ctx)
	if err != nil {
		return nil, err
	}
	return r, c.Close()
}

// dial connects to the run's control socket. Only a run that lives answers.
func (r *Running) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", filepath.Join(r.Dir, controlName))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w in %s: %w", ErrNotRunning, r.Dir, err)
	}
	return c, err
}

// describe leaves the run's description in its directory.
func (s *supervisor) describe() error {
	r := Running{
		Topology: s.c.plan.Topology, Mode: s.o.Mode, Guarantee: s.c.guarantee(), PID: os.Getpid(), Started: s.began,
		InProcess: s.o.InProcess, Pprof: s.c.pprof.address(), Metrics: s.c.metrics.url(), Processes: s.c.Processes(),
	}
	b, err := json.MarshalIndent(&r, "", "  ")
	if err != nil {
		return fmt.Errorf("local: description of the run: %w", err)
	}
	path := filepath.Join(s.dir.path, runName)
	if err := os.WriteFile(path+tempSuffix, b, 0o600); err != nil {
		return fmt.Errorf("local: description of the run: %w", err)
	}
	return os.Rename(path+tempSuffix, path)
}
