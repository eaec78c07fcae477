package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/examples/randomwords"
	"github.com/ardea-stream/ardea/examples/wordcount"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// Environment variables that make this program something else than a test.
const (
	envSpec   = "ARDEA_E2E_SPEC"   // the topology that a child builds, as JSON of spec
	envParent = "ARDEA_E2E_PARENT" // set: run the spec as the parent, see parent
)

// spec names a topology that a test and its child processes build alike.
type spec struct {
	Kind   string
	Words  wordcount.Options   `json:",omitzero"`
	Random randomwords.Options `json:",omitzero"`
	Seed   uint64              `json:",omitempty"` // of a DAG
	Sleep  time.Duration       `json:",omitempty"` // of the slow bolt, for every tuple
}

func (s spec) build() (*topology.Topology, error) {
	switch s.Kind {
	case "wordcount":
		return wordcount.Topology(s.Words)
	case "randomwords":
		return randomwords.Topology(s.Random)
	case "dag":
		return newDAG(s.Seed).topology()
	case "slow":
		return slowTopology(s.Sleep)
	case "oversized":
		return oversizedTopology()
	case "announced":
		return announcedTopology()
	case "broken":
		return brokenTopology()
	default:
		return nil, fmt.Errorf("e2e: no topology of kind %q", s.Kind)
	}
}

func TestMain(m *testing.M) {
	if local.InChild() || os.Getenv(envParent) != "" {
		if err := other(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// other plays a child's part or that of a parent that is there to be killed.
func other() error {
	var s spec
	if err := json.Unmarshal([]byte(os.Getenv(envSpec)), &s); err != nil {
		return err
	}
	t, err := s.build()
	if err != nil {
		return err
	}
	if local.InChild() {
		return local.RunChild(context.Background(), t)
	}
	return parent(t)
}

// outside runs a spec in processes of its own.
func outside(t *testing.T, s spec, o local.Options) *local.Result {
	t.Helper()
	return wait(t, start(t, s, o))
}

// inside runs a spec in this process.
func inside(t *testing.T, s spec, o local.Options) *local.Result {
	t.Helper()
	o.InProcess = true
	return wait(t, start(t, s, o))
}

// stall is how long a run may stand still before it is taken to hang.
const stall = time.Minute

// wait waits for the end of a run. One that makes no progress is killed and its figures are shown.
func wait(t *testing.T, c *local.Cluster) *local.Result {
	t.Helper()
	over := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		last, since := "", time.Now()
		for {
			select {
			case <-over:
				return
			case <-time.After(stall / 60):
			}
			s, err := c.Sample(t.Context())
			if now := progress(s); err == nil && now != last {
				last, since = now, time.Now()
			}
			if time.Since(since) > stall {
				t.Errorf("the run hangs, %v:\n%v%s", err, c.Plan(), progress(s))
				c.Kill()
				return
			}
		}
	})
	r, err := c.Wait()
	close(over)
	watcher.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return r
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
			m.Syscalls = 0 // of waiting
			fmt.Fprintf(&b, "  task %d: %+v\n", ts.Task, m)
		}
	}
	return b.String()
}

// start starts a spec. It ends with the test at the latest.
func start(t *testing.T, s spec, o local.Options) *local.Cluster {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(envSpec, string(text))
	topo, err := s.build()
	if err != nil {
		t.Fatal(err)
	}
	if o.Stderr == nil {
		o.Stderr = &testWriter{t: t}
	}
	c, err := local.Start(t.Context(), topo, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Kill()
		_, _ = c.Wait()
	})
	return c
}

// checkUndisturbed fails if a run that had no reason to has lost tuples, refused links or failed.
func checkUndisturbed(t *testing.T, r *local.Result) {
	t.Helper()
	for _, p := range r.Sample.Processes {
		if m := p.Manager; m != nil && (m.Dropped != 0 || len(m.Refused) != 0) {
			t.Errorf("stream manager %d dropped %d tuples, refused %v", p.Container, m.Dropped, m.Refused)
		}
	}
	for _, task := range r.Sample.Tasks() {
		if m := task.Metrics; m.Errors != 0 || m.Reconnects != 0 || m.Malformed != 0 || !m.Ended {
			t.Errorf("task %d of %s: errors %d, reconnects %d, malformed %d, ended %v: %s",
				task.Task, task.Component, m.Errors, m.Reconnects, m.Malformed, m.Ended, m.LastError)
		}
	}
}

// manager returns the figures of a container's stream manager.
func manager(t *testing.T, s *local.Sample, container uint32) *dataplane.Metrics {
	t.Helper()
	for _, p := range s.Processes {
		if p.Container == container && p.Manager != nil {
			return p.Manager
		}
	}
	t.Fatalf("no figures of stream manager %d", container)
	return nil
}

// testWriter hands lines to a test's log as long as the test runs.
type testWriter struct {
	mu sync.Mutex
	t  *testing.T
	b  bytes.Buffer
}

func (w *testWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.b.Write(p)
	for {
		line, err := w.b.ReadString('\n')
		if err != nil {
			w.b.WriteString(line)
			return len(p), nil
		}
		if w.t.Context().Err() == nil {
			w.t.Log(strings.TrimSuffix(line, "\n"))
		}
	}
}
