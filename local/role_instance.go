package local

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/plan"
)

// Bounds of the texts of errors in a sample, in bytes: of one task and of all.
const (
	maxSampledError  = 8 << 10
	maxSampledErrors = 1 << 20
)

// instanceRole is the tasks of an instance, each with a goroutine of its own.
type instanceRole struct {
	h     *host
	up    chan struct{} // closed from the beginning: stream managers need not wait for tasks
	tasks []*hostedTask
}

type hostedTask struct {
	id       uint32
	instance *instance.Instance
	told     atomic.Bool // the parent has been told of the end
}

func newInstanceRole(h *host, p *plan.Plan) (role, error) {
	r := &instanceRole{h: h, up: make(chan struct{})}
	close(r.up)
	minBatch, maxBatch := h.batches()
	for _, id := range h.orders.Tasks {
		t := &hostedTask{id: id}
		in, err := instance.New(instance.Config{
			Plan: p, Topology: h.topology, Task: id, Incarnation: h.orders.Incarnation,
			Restarts: h.orders.Restarts, PositionFile: h.positionFile(id), Ended: slices.Contains(h.orders.Ending, id),
			MinBatch: minBatch, MaxBatch: maxBatch, MaxAge: time.Duration(h.orders.MaxAgeNanos),
			NoKeyHashes: h.mode.NoHash, NoDrain: h.mode.NoDrain,
			Logger:   h.logger,
			Publish:  func(name string, data []byte) { h.publish(id, name, data) },
			OnEnding: func() { h.say(kindEnding, id) },
			OnEnded: func() {
				h.say(kindEnded, id)
				t.told.Store(true)
			},
		})
		if err != nil {
			return nil, fmt.Errorf("task %d: %w", id, err)
		}
		t.instance = in
		r.tasks = append(r.tasks, t)
	}
	return r, nil
}

// positionFile returns the path where a task keeps its position, empty if positions are not kept.
func (h *host) positionFile(task uint32) string {
	if h.orders.Positions == "" {
		return ""
	}
	return filepath.Join(h.orders.Positions, positionName(task))
}

// batches returns the bounds of the tasks' batches, zero for a default.
func (h *host) batches() (least, most int) {
	least, most = h.orders.MinBatch, h.orders.MaxBatch
	if h.mode.SmallBatches {
		if most == 0 || most > dataplane.SmallBatch {
			most = dataplane.SmallBatch
		}
		least = min(least, most)
	}
	return least, most
}

// run runs all tasks and reports the end of each. A task that fails leaves the
// others alone: stopping them is for the parent to decide.
func (r *instanceRole) run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, t := range r.tasks {
		running.Go(func() {
			err := t.instance.Run(ctx)
			switch {
			case err == nil:
				r.h.say(kindClosed, t.id)
			case ctx.Err() == nil:
				r.h.fail(t.id, err)
			}
		})
	}
	running.Wait()
	return nil
}

func (r *instanceRole) ready() <-chan struct{} { return r.up }

func (r *instanceRole) drain() {
	for _, t := range r.tasks {
		t.instance.Drain()
	}
}

// ended does nothing: ends come to tasks on their streams.
func (*instanceRole) ended([]uint32) {}

func (r *instanceRole) fill(s *ProcessSample) {
	most := min(maxSampledError, maxSampledErrors/len(r.tasks))
	for _, t := range r.tasks {
		m := t.instance.Metrics()
		m.LastError = clip(m.LastError, most)
		m.Ended = m.Ended && t.told.Load() // what a sample says the parent knows
		s.Instances = append(s.Instances, TaskSample{Task: t.id, Metrics: m})
	}
}

// say reports how far a task has come.
func (h *host) say(k kind, task uint32) {
	_ = h.out.write(report{Kind: k, Task: task}) // fails only when the parent is gone
}

// publish reports a named result. What is too large is reported as such.
func (h *host) publish(task uint32, name string, data []byte) {
	if len(data) > MaxPublished || len(name) > maxText {
		_ = h.out.write(report{Kind: kindOversized, Task: task, Name: clip(name, maxText), Size: len(data)})
		return
	}
	_ = h.out.write(report{Kind: kindPublished, Task: task, Name: name, Data: data}) // fails only when the parent is gone
}
