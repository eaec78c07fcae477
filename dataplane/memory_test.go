package dataplane

import (
	"runtime"
	"testing"
	"weak"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

// TestManagerIsForgotten runs a manager that has had links, and has the garbage collector look for it: a program that runs
// topologies one after another must not keep the buffers and logs of all.
func TestManagerIsForgotten(t *testing.T) {
	leaktest.Check(t)
	var ended weak.Pointer[Manager]
	t.Run("run", func(t *testing.T) {
		p := testPlan(t, 1, 1, topology.Shuffle("words"))
		m := startManager(t, Config{Plan: p, Container: 1})
		bolt, spout := dialTask(t, p, 2), dialTask(t, p, 1)
		spout.write(frames(t, p, 4096, "one"))
		spout.end()
		bolt.wordsUntilEnd()
		ended = weak.Make(m)
	})
	runtime.GC()
	runtime.GC()
	if ended.Value() != nil {
		t.Error("the manager is still reachable")
	}
}
