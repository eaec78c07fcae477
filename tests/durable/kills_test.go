package durable

import (
	"math"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/local"
)

// TestKills kills stream managers and instances of a topology that tracks its tuples. Then every number is in the logs,
// and in the sinks once those that came again are left out; and nothing is anywhere that was not emitted.
func TestKills(t *testing.T) {
	for _, role := range []local.Role{local.RoleManager, local.RoleInstance} {
		t.Run(string(role), func(t *testing.T) {
			s := spec{Tuples: 100_000, Tracked: true, Dir: t.TempDir()}
			dir := t.TempDir()
			const containers, kills = 2, 3
			figures := make(chan *local.Sample, 1)
			c := begin(t, s, local.Options{Containers: containers, LogDir: dir, MaxRestarts: 100, SampleEvery: 5 * time.Millisecond, OnSample: latest(figures)})
			var res *local.Result
			var err error
			over := make(chan struct{})
			go func() {
				defer close(over)
				res, err = c.Wait()
			}()
			for range kills {
				if !killOne(c, role, figures, over) {
					break
				}
			}
			if <-over; err != nil {
				t.Fatal(err)
			}
			if len(res.Deaths) == 0 {
				t.Error("nothing was killed")
			}
			n := 2 * s.Tuples
			doubles := inLogs(t, dir, containers, doublesLog)
			inLogs(t, dir, containers, numbersLog).check(t, "log of numbers", n, 1, true)
			doubles.check(t, "log of doubles", n, 2, true)
			inFiles(t, s.Dir).check(t, "sinks", n, 2, true)
		})
	}
}

// latest returns a function that leaves the newest sample of a run in a channel with room for one.
func latest(figures chan *local.Sample) func(*local.Sample) {
	return func(s *local.Sample) {
		select {
		case <-figures:
		default:
		}
		figures <- s
	}
}

// killOne kills a process of a role once the logs have got more. It reports false if the run ended before.
func killOne(c *local.Cluster, role local.Role, figures <-chan *local.Sample, over <-chan struct{}) bool {
	var all []local.Process
	for _, p := range c.Processes() {
		if p.Role == role {
			all = append(all, p)
		}
	}
	victim := all[rand.IntN(len(all))]
	for before := uint64(math.MaxUint64); ; {
		select {
		case <-over:
			return false
		case s := <-figures:
			now, ok := logged(s)
			if !ok {
				return false
			}
			before = min(before, now) // a process that was started again counts from zero
			if now >= before+20_000 {
				return syscall.Kill(victim.PID, syscall.SIGKILL) == nil
			}
		}
	}
}

// logged returns how many tuples are in the logs, by processes that may be dead. ok is false once all tasks have ended.
func logged(s *local.Sample) (n uint64, ok bool) {
	ended := true
	for _, p := range s.Processes {
		if p.Manager != nil {
			n += p.Manager.LogTuples
		}
		for _, task := range p.Instances {
			ended = ended && task.Metrics.Ended
		}
	}
	return n, !ended
}
