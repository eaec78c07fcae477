package main

import (
	"math"
	"time"

	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/local"
)

// unknown is a rate of which there is one sample only.
var unknown = math.NaN()

// rate is how much a counter has risen a second. A process that was started
// anew counts from zero.
func rate(now, then float64, d time.Duration) float64 {
	switch {
	case d <= 0:
		return unknown
	case now < then:
		then = 0
	}
	return (now - then) / d.Seconds()
}

// sum adds rates, leaving out those that are unknown unless all are.
func sum(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	default:
		return a + b
	}
}

// topTask is the figures of a task, or of a component's tasks together. Those
// in float64 are per second.
type topTask struct {
	name                      string
	id                        uint32
	emitted, executed, acked  float64
	pending, failed, replayed int64
	errors, clamps            int64
	allEmitted, allExecuted   int64
	allAcked                  int64
	latency                   instance.LatencyBuckets // of the last second
	spout                     bool
	lastError                 string
	tasks                     []topTask
}

// add takes in a task of the component.
func (c *topTask) add(t topTask) {
	c.emitted, c.executed, c.acked = sum(c.emitted, t.emitted), sum(c.executed, t.executed), sum(c.acked, t.acked)
	c.pending += t.pending
	c.failed += t.failed
	c.replayed += t.replayed
	c.errors += t.errors
	c.clamps += t.clamps
	c.allEmitted += t.allEmitted
	c.allExecuted += t.allExecuted
	c.allAcked += t.allAcked
	c.latency.Merge(t.latency)
}

func newTopTask(name string) topTask {
	return topTask{name: name, emitted: unknown, executed: unknown, acked: unknown}
}

// topProcess is the figures of a process. Those in float64 are per second.
type topProcess struct {
	name        string
	pid         int
	cpu, tuples float64 // share of a processor; tuples that a stream manager took
	memory      uint64  // bytes
	restarts    int
	manager     bool
	queue       int
	dropped     uint64
	unlogged    uint64 // tuples that logs have refused
	clamped     int
	measured    bool          // its usage is known
	silent      time.Duration // since its last word
	lastDeath   string
}

// topFigures is what two samples say.
type topFigures struct {
	components []topTask // in the order of their first tasks
	processes  []topProcess
	all        topTask // emitted by spouts, executed by bolts
	cpu        float64
	memory     uint64
	queue      int
	clamped    int
	restarts   int
	dropped    uint64
	unlogged   uint64 // tuples that its logs have refused
}

// figuresOf compares a sample with an earlier one, which may be nil.
func figuresOf(run *local.Running, now, before *local.Sample) *topFigures {
	f := &topFigures{all: newTopTask("")}
	if before == nil {
		before = &local.Sample{Elapsed: now.Elapsed}
	}
	then := map[string]*local.ProcessSample{}
	for i := range before.Processes {
		then[before.Processes[i].Name()] = &before.Processes[i]
	}
	f.addProcess(topProcess{
		name: "launcher", pid: run.PID, measured: true, memory: now.Launcher.RSSBytes,
		cpu: rate(now.Launcher.CPUSeconds(), before.Launcher.CPUSeconds(), now.Elapsed-before.Elapsed),
	})
	byID := map[uint32]topTask{}
	for i := range now.Processes {
		p := &now.Processes[i]
		old, known := then[p.Name()]
		if !known {
			old = &local.ProcessSample{Elapsed: p.Elapsed}
		}
		f.addProcess(processFigures(run, p, old, now.Elapsed))
		past := map[uint32]*instance.Metrics{}
		for j := range old.Instances {
			past[old.Instances[j].Task] = &old.Instances[j].Metrics
		}
		for j := range p.Instances {
			in := &p.Instances[j]
			m := past[in.Task]
			if m == nil {
				m = &instance.Metrics{}
			}
			byID[in.Task] = taskFigures(in, m, p.Elapsed-old.Elapsed)
		}
	}
	for _, in := range now.Tasks() {
		f.addTask(in.Component, byID[in.Task])
	}
	return f
}

func taskFigures(in *local.TaskSample, then *instance.Metrics, d time.Duration) topTask {
	m := &in.Metrics
	t := topTask{
		id: in.Task, spout: in.Spout, pending: m.Pending, failed: m.Failed, replayed: m.Replayed, errors: m.Errors, clamps: m.Clamps,
		allEmitted: m.Emitted, allExecuted: m.Received, allAcked: m.Acked, lastError: m.LastError,
		emitted: rate(float64(m.Emitted), float64(then.Emitted), d), executed: unknown, acked: unknown,
	}
	if !in.Spout {
		t.executed = rate(float64(m.Received), float64(then.Received), d)
		return t
	}
	t.acked = rate(float64(m.Acked), float64(then.Acked), d)
	if d > 0 {
		t.latency = m.Latency.Since(then.Latency)
	}
	return t
}

func processFigures(run *local.Running, p, then *local.ProcessSample, at time.Duration) topProcess {
	d := p.Elapsed - then.Elapsed
	t := topProcess{
		name: p.Name(), pid: p.PID, measured: !run.InProcess, memory: p.Usage.RSSBytes, restarts: p.Restarts,
		cpu: rate(p.Usage.CPUSeconds(), then.Usage.CPUSeconds(), d), tuples: unknown, silent: at - p.Elapsed, lastDeath: p.LastDeath,
	}
	if m := p.Manager; m != nil {
		t.manager, t.queue, t.dropped, t.clamped, t.unlogged = true, m.QueueBytes, m.Dropped, m.Clamped, m.LogFailed
		if then.Manager != nil {
			t.tuples = rate(float64(m.Tuples), float64(then.Manager.Tuples), d)
		}
	}
	return t
}

func (f *topFigures) addProcess(p topProcess) {
	if len(f.processes) == 0 {
		f.cpu = unknown
	}
	f.processes = append(f.processes, p)
	f.queue += p.queue
	f.clamped = max(f.clamped, p.clamped) // each stream manager knows all of them
	f.restarts += p.restarts
	f.dropped += p.dropped
	f.unlogged += p.unlogged
	if p.measured {
		f.cpu = sum(f.cpu, p.cpu)
		f.memory += p.memory
	}
}

// addTask files a task under its component. What bolts emit is left out of the total.
func (f *topFigures) addTask(component string, t topTask) {
	i := 0
	for i < len(f.components) && f.components[i].name != component {
		i++
	}
	if i == len(f.components) {
		c := newTopTask(component)
		c.spout = t.spout
		f.components = append(f.components, c)
	}
	f.components[i].add(t)
	f.components[i].tasks = append(f.components[i].tasks, t)
	if !t.spout {
		t.emitted, t.allEmitted = unknown, 0
	}
	f.all.add(t)
}
