package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/plan"
)

const (
	// stallDefault is how long a run may stand still before it is taken to hang: longer
	// than a message timeout, which ends what nobody was told of.
	stallDefault = 45 * time.Second
	// pollEvery is how often a condition is looked at.
	pollEvery = 2 * time.Millisecond
)

// run is a topology that runs in processes.
type run struct {
	*local.Cluster

	t      *testing.T
	spec   *spec
	plan   *plan.Plan
	dir    string // of sockets
	stderr *lines
}

// begin starts a topology. Its processes end with the test at the latest.
func begin(t *testing.T, s *spec, o local.Options) *run {
	t.Helper()
	s.Dir = t.TempDir()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(envSpec, string(text))
	topo, err := s.build()
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, spec: s, dir: filepath.Join(t.TempDir(), "run"), stderr: &lines{}}
	o.Dir, o.Stderr, o.Args = r.dir, r.stderr, []string{"-test.run=^$"}
	if r.Cluster, err = local.Start(t.Context(), topo, o); err != nil {
		t.Fatal(err)
	}
	r.plan = r.Plan()
	t.Cleanup(func() {
		r.Kill()
		_, _ = r.Wait()
		if t.Failed() {
			t.Log(r.stderr.tail())
		}
	})
	return r
}

// stop lets the spouts end once they have emitted what they have reserved, which
// is something: it waits for those that have just been started.
func (r *run) stop() {
	r.t.Helper()
	for spout := range r.spec.places() {
		for index := range r.spec.spouts(spout) {
			until(r.t, "a spout that emits", func() bool {
				n, _ := r.spec.emitted(spout, index)
				return n > 0
			})
		}
	}
	if err := os.WriteFile(filepath.Join(r.spec.Dir, stopName), nil, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// wait waits for the end of the run and for its processes and files to be gone.
func (r *run) wait() *local.Result {
	r.t.Helper()
	over := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { r.watch(over) })
	res, err := r.Wait()
	close(over)
	watcher.Wait()
	if err != nil {
		r.t.Fatal(err)
	}
	r.leftNothing()
	return res
}

// watch kills a run that makes no progress and shows its figures.
func (r *run) watch(over <-chan struct{}) {
	last, since := "", time.Now()
	for {
		select {
		case <-over:
			return
		case <-time.After(*stall / 40):
		}
		s, err := r.Sample(r.t.Context())
		if now := progress(s); err == nil && now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > *stall {
			r.t.Errorf("the run hangs, %v:\n%v%s", err, r.plan, progress(s))
			r.Kill()
			return
		}
	}
}

// progress prints the figures of all tasks and stream managers.
func progress(s *local.Sample) string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	for _, p := range s.Processes {
		if p.Manager != nil {
			m := *p.Manager
			m.BytesIn, m.PeerBytesIn, m.BytesOut = 0, 0, 0 // pings
			fmt.Fprintf(&b, "%s: %+v\n", p.Name(), m)
		}
		for _, ts := range p.Instances {
			m := ts.Metrics
			m.Syscalls, m.Latency, m.LastError = 0, instance.LatencyBuckets{}, ""
			fmt.Fprintf(&b, "  task %d of %s: %+v\n", ts.Task, ts.Component, m)
		}
	}
	return b.String()
}

// leftNothing fails if a process or a file of the run is still there.
func (r *run) leftNothing() {
	r.t.Helper()
	until(r.t, "the end of all child processes", func() bool { return len(children()) == 0 })
	if left, _ := filepath.Glob(filepath.Join(r.dir, "*")); len(left) > 0 {
		r.t.Errorf("files are left: %v", left)
	}
}

// children returns the processes that this one has started and that run.
func children() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if state, parent := statOf(pid); parent == os.Getpid() && state != "Z" && state != "X" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// statOf returns a process's state and parent; none if there is no such process.
func statOf(pid int) (state string, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	_, _ = fmt.Sscan(string(rest), &state, &parent)
	return state, parent
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(*patience); !holds(); time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// judged checks the records of a run that has ended.
func (r *run) judged() (verdict, []record) {
	r.t.Helper()
	records, err := readRecords(r.spec.Dir)
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := judge(r.spec, records)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, fault := range v.faults() {
		r.t.Error(fault)
	}
	return v, records
}

// lines keeps the end of what is written to it.
type lines struct {
	mu sync.Mutex
	b  []byte
}

const keptLines = 64 << 10

// Write keeps p.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	if over := len(l.b) - keptLines; over > 0 {
		l.b = append(l.b[:0], l.b[over:]...)
	}
	return len(p), nil
}

func (l *lines) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	const most = 6 << 10
	return string(l.b[max(0, len(l.b)-most):])
}
