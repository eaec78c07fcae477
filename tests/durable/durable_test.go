package durable

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
	"github.com/ardea-stream/ardea/local"
)

// TestEachTupleOnce runs topologies in which nothing fails: their logs have each tuple once, and so have their sinks.
func TestEachTupleOnce(t *testing.T) {
	for _, c := range []struct {
		tracked, alone, inProcess bool
		mode                      string
		containers                int
	}{
		{containers: 1},
		{containers: 2, alone: true},
		{containers: 2, inProcess: true},
		{containers: 2, tracked: true, mode: "optimized-hash-passthrough-drain"},
		{containers: 2, tracked: true, alone: true},
		{containers: 2, tracked: true, inProcess: true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			if testing.Short() && !c.tracked {
				t.Skip("those that are tracked do the same and more")
			}
			s := spec{Tuples: 20_000, Tracked: c.tracked, Alone: c.alone, Dir: t.TempDir()}
			dir := t.TempDir()
			cluster := begin(t, s, local.Options{Containers: c.containers, LogDir: dir, InProcess: c.inProcess, Mode: c.mode})
			res, err := cluster.Wait()
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if t.Failed() {
					show(t, res)
				}
			}()
			n := 2 * s.Tuples
			inLogs(t, dir, c.containers, numbersLog).check(t, "log of numbers", n, 1, false)
			inLogs(t, dir, c.containers, doublesLog).check(t, "log of doubles", n, 2, false)
			if !c.alone {
				inFiles(t, s.Dir).check(t, "sinks", n, 2, false)
			}
			var tuples uint64
			for _, p := range res.Sample.Processes {
				if m := p.Manager; m != nil {
					tuples += m.LogTuples
					if m.LogFailed != 0 || m.LogHeld != 0 || m.LogError != "" {
						t.Errorf("%d tuples failed, %d bytes are held: %s", m.LogFailed, m.LogHeld, m.LogError)
					}
				}
			}
			if tuples != 2*n {
				t.Errorf("the figures say %d tuples, want %d", tuples, 2*n)
			}
		})
	}
}

// TestRunsGoOnInTheSameLogs runs a topology twice: what is in the logs stays, the second run appends to it, with a higher epoch.
func TestRunsGoOnInTheSameLogs(t *testing.T) {
	dir := t.TempDir()
	s := spec{Tuples: 2_000, Alone: true}
	for range 2 {
		if _, err := begin(t, s, local.Options{LogDir: dir}).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	for n, times := range inLogs(t, dir, 1, numbersLog) {
		if times != 2 {
			t.Fatalf("%d is there %d times", n, times)
		}
	}
	store, _, err := dlog.Open(filepath.Join(dir, "1"), dlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l, err := store.Log(numbersLog)
	if err != nil {
		t.Fatal(err)
	}
	info, err := l.Info()
	if err != nil || info.Epoch != 2 || info.End != 4*s.Tuples || info.Committed != info.End {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestOthersReadWhileItRuns has another process, this one, ask for the log of a topology that runs.
func TestOthersReadWhileItRuns(t *testing.T) {
	dir := t.TempDir()
	c := begin(t, spec{Tuples: 1 << 40, Tracked: true, Alone: true}, local.Options{LogDir: dir})
	client, err := serve.Dial(t.Context(), filepath.Join(dir, "1"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for info := (dlog.Info{}); info.Committed == 0; {
		if info, err = client.Info(t.Context(), doublesLog); err != nil {
			t.Fatal(err)
		}
	}
	c.Drain()
	if _, err := c.Wait(); err != nil {
		t.Fatal(err)
	}
}
