package durable

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/wire"
)

// begin starts a topology whose logs are in dir.
func begin(t *testing.T, s spec, o local.Options) *local.Cluster {
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
	o.Args = []string{"-test.run=^$"}
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

// counts is how often each number is somewhere.
type counts map[int64]int

// inLogs reads a log of all containers. Each record must be a tuple of one number.
func inLogs(t *testing.T, dir string, containers int, log string) counts {
	t.Helper()
	seen := counts{}
	for i := range containers {
		store, _, err := dlog.Open(filepath.Join(dir, strconv.Itoa(i+1)), dlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if l, err := store.Log(log); err == nil {
			seen.read(t, l)
		} else if !errors.Is(err, dlog.ErrNotFound) {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	return seen
}

func (c counts) read(t *testing.T, l *dlog.Log) {
	t.Helper()
	r, err := l.NewReader(dlog.Offset(0), dlog.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rec wire.Record
	for {
		batch, err := r.TryNext(t.Context())
		if errors.Is(err, dlog.ErrEnd) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, tuple := range batch.All() {
			rec.Reset(tuple)
			n, err := rec.Int(0)
			if err != nil || rec.Len() != 1 {
				t.Fatalf("a record is no tuple of one number: %v", err)
			}
			c[n]++
		}
	}
}

// inFiles reads what sinks have written.
func inFiles(t *testing.T, dir string) counts {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	seen := counts{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for ; len(b) >= 8; b = b[8:] {
			seen[int64(binary.LittleEndian.Uint64(b))]++
		}
	}
	return seen
}

// check fails unless the numbers are factor*i for all i below n: each of them once, or with again set at least once.
func (c counts) check(t *testing.T, what string, n uint64, factor int64, again bool) {
	t.Helper()
	more := 0
	for i := range int64(n) {
		have := c[i*factor]
		if have == 0 || have > 1 && !again {
			t.Fatalf("%s: %d is there %d times", what, i*factor, have)
		}
		more += have - 1
	}
	if len(c) != int(n) {
		t.Errorf("%s: %d different numbers, want %d", what, len(c), n)
	}
	if again {
		t.Logf("%s: %d of %d came again", what, more, n)
	}
}

// show logs the figures of a run.
func show(t *testing.T, res *local.Result) {
	t.Helper()
	for _, p := range res.Sample.Processes {
		if p.Manager != nil {
			t.Logf("%s: %+v", p.Name(), *p.Manager)
		}
		for _, task := range p.Instances {
			m := task.Metrics
			t.Logf("task %d of %s: emitted %d, received %d, acked %d, replayed %d, timed out %d, lost %d, errors %d", task.Task,
				task.Component, m.Emitted, m.Received, m.Acked, m.Replayed, m.TimedOut, m.Lost, m.Errors)
		}
	}
}
