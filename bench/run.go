package bench

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// ownPID is this process, the launcher of all runs.
var ownPID = os.Getpid()

// options are those of a run of spec.
func (c Config) options(spec Spec, mode string) local.Options {
	o := local.Options{
		Containers: c.Containers, TasksPerProcess: c.TasksPerProcess, InProcess: c.InProcess, Mode: mode,
		MinBatch: c.MinBatch, MaxBatch: c.MaxBatch, HighMark: c.HighMark, Pprof: c.Pprof, Stderr: c.Stderr, Logger: c.Logger,
		Program:     c.program,
		MaxRestarts: -1, HangTimeout: -1, // a run in which something died is no measurement
	}
	if c.ChildArgs != nil {
		o.Args = c.ChildArgs(spec)
	}
	return o
}

// runWorkload runs a workload that does not end by itself once, and checks it.
func runWorkload(ctx context.Context, c Config, spec Spec, mode string, repeat int) (Run, error) {
	name := fmt.Sprintf("%s %s, run %d", spec.Workload, Variant(mode, spec.Guarantee), repeat)
	var w window
	result, err := c.attend(ctx, spec, mode, name, func(ctx context.Context, s cluster) (err error) {
		w, err = observe(ctx, s, c.WarmUp, c.Duration)
		return err
	})
	if err != nil {
		return Run{}, err
	}
	r := Run{
		Workload: spec.Workload, Mode: mode, Acks: spec.promise().Tracked(), Guarantee: spec.promise(),
		Containers: result.Containers, Spouts: spec.Spouts, Bolts: spec.Bolts, Repeat: repeat,
		Cost: w.cost,
	}
	r.fill(w, result)
	tuples, err := check(name, spec, result)
	r.Emitted, r.Counted = tuples.emitted, tuples.counted
	r.Acked, r.Failed, r.Replayed = tuples.acked, tuples.failed, tuples.replayed
	return r, err
}

// errEnded is the cause of the end of body's context when a run has ended under it.
var errEnded = errors.New("bench: the run has ended while it was measured")

// attend runs a workload while body observes it, and then drains it. If body
// fails the run is killed. Body's context ends with the run as well: nobody
// waits for figures of a run that has failed.
func (c Config) attend(
	ctx context.Context, spec Spec, mode, name string, body func(context.Context, cluster) error,
) (*local.Result, error) {
	t, err := c.topology(spec)
	if err != nil {
		return nil, err
	}
	running, err := local.Start(ctx, t, c.options(spec, mode))
	if err != nil {
		return nil, err
	}
	load, _ := workloadOf(spec.Workload)
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // until the run has ended, which it has when this function returns
		_, _ = running.Wait()
		cancel(errEnded)
	}()
	if err := body(watched, cluster{Cluster: running, counting: load.counting}); err != nil {
		running.Kill()
		_, failure := running.Wait()
		return nil, explain(name, err, failure)
	}
	running.Drain()
	result, err := running.Wait()
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", name, err)
	}
	if result.Interrupted {
		return nil, fmt.Errorf("bench: %s: %w", name, context.Cause(ctx))
	}
	return result, nil
}

// topology returns the topology of a run.
func (c Config) topology(spec Spec) (*topology.Topology, error) {
	t, err := spec.Topology()
	if err == nil && c.alter != nil {
		c.alter(t)
	}
	return t, err
}

// runCounts are those of a whole run, by its tasks.
type runCounts struct {
	emitted, counted uint64
	ackCounts
}

// check compares what the tasks of a run have sent, counted and acked. The error
// is a *MismatchError or an *AckError or both, or says which task has not
// published its tally.
func check(name string, spec Spec, result *local.Result) (runCounts, error) {
	emitted, counted, err := checkCounts(name, spec, result.Published)
	acked, ackErr := checkAcks(name, spec, result)
	return runCounts{emitted: emitted, counted: counted, ackCounts: acked}, errors.Join(err, ackErr)
}

// checkCounts compares what the tasks of a run have sent and counted.
func checkCounts(name string, spec Spec, p published) (emitted, counted uint64, err error) {
	sent, err := sumTallies(p, emittedTally, spec.Spouts)
	if err != nil {
		return 0, 0, err
	}
	got, err := sumTallies(p, countedTally, spec.Bolts)
	if err != nil {
		return 0, 0, err
	}
	if load, _ := workloadOf(spec.Workload); !load.everyTask {
		return sent.Tuples, got.Tuples, compareTallies(name, sent, got)
	}
	each, err := tallies(p, countedTally)
	for task, t := range each {
		err = errors.Join(err, compareTallies(fmt.Sprintf("%s, task %d", name, task), sent, t))
	}
	return sent.Tuples * uint64(spec.Bolts), got.Tuples, err
}

// explain prefers what the cluster failed of to what the observer noticed of it.
func explain(name string, noticed, failure error) error {
	if failure != nil && !errors.Is(failure, local.ErrKilled) {
		noticed = failure
	}
	return fmt.Errorf("bench: %s: %w", name, noticed)
}
