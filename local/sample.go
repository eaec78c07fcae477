package local

import (
	"slices"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
)

// Sample is what all processes of a run say of themselves at about one moment.
type Sample struct {
	// Elapsed is the time since all processes were up, by the monotonic clock, in nanoseconds.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Processes are in the order of Cluster.Processes.
	Processes []ProcessSample `json:"processes"`
	// Launcher is the process that started the others, since it did. With
	// Options.InProcess it is everything, and the usage of Processes is zero.
	Launcher Usage `json:"launcher"`
}

// ProcessSample is what one process says of itself.
type ProcessSample struct {
	Process

	// Elapsed is when the process said it, as in Sample. It is zero if it has
	// not said anything yet and falls behind if it does not answer any more.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Usage includes that of the processes before a restart.
	Usage Usage `json:"usage"`
	// Restarts is how often the process was started again, LastDeath how the
	// one before ended and the line of its standard error that tells most,
	// followed by the stack if it crashed.
	Restarts  int    `json:"restarts,omitempty"`
	LastDeath string `json:"last_death,omitempty"`
	// Earlier is what the processes before a restart had counted when they were
	// last heard of. Instances and Manager begin anew with each.
	Earlier Counts `json:"earlier,omitzero"`
	// Instances are the figures of the tasks, in the order of Process.Tasks.
	Instances []TaskSample `json:"instances,omitempty"`
	// Manager are the figures of a stream manager, nil for an instance.
	Manager *dataplane.Metrics `json:"manager,omitempty"`
}

// TaskSample is the figures of a task.
type TaskSample struct {
	Task      uint32           `json:"task"`
	Component string           `json:"component"`
	Spout     bool             `json:"spout"`
	Metrics   instance.Metrics `json:"metrics"`
}

// Counts are the figures of a process that add up over its restarts.
type Counts struct {
	Emitted  int64  `json:"emitted"`  // by spouts and bolts
	Sent     int64  `json:"sent"`     // emitted by spouts
	Received int64  `json:"received"` // by bolts
	Errors   int64  `json:"errors"`
	Panics   int64  `json:"panics"`
	Clamps   int64  `json:"clamps"`
	Dropped  uint64 `json:"dropped"` // by a stream manager
}

// counts sums what the process has counted since its last start, except for the tasks in ended.
func (p *ProcessSample) counts(ended []TaskSample) Counts {
	var c Counts
	if p.Manager != nil {
		c.Dropped = p.Manager.Dropped
	}
	for i := range p.Instances {
		t := &p.Instances[i]
		if slices.ContainsFunc(ended, func(e TaskSample) bool { return e.Task == t.Task }) {
			continue
		}
		c.Emitted += t.Metrics.Emitted
		if t.Spout {
			c.Sent += t.Metrics.Emitted
		} else {
			c.Received += t.Metrics.Received
		}
		c.Errors += t.Metrics.Errors
		c.Panics += t.Metrics.Panics
		c.Clamps += t.Metrics.Clamps
	}
	return c
}

func (c Counts) add(d Counts) Counts {
	c.Emitted += d.Emitted
	c.Sent += d.Sent
	c.Received += d.Received
	c.Errors += d.Errors
	c.Panics += d.Panics
	c.Clamps += d.Clamps
	c.Dropped += d.Dropped
	return c
}

// Total returns the usage of all processes together, the launcher's included.
func (s *Sample) Total() Usage {
	u := s.Launcher
	for i := range s.Processes {
		u = u.add(s.Processes[i].Usage)
	}
	return u
}

// Tasks returns the figures of all tasks, ascending by id.
func (s *Sample) Tasks() []TaskSample {
	var tasks []TaskSample
	for i := range s.Processes {
		tasks = append(tasks, s.Processes[i].Instances...)
	}
	slices.SortFunc(tasks, func(a, b TaskSample) int { return int(a.Task) - int(b.Task) })
	return tasks
}

// clone copies what a later sample may change.
func (s *Sample) clone() *Sample {
	c := *s
	c.Processes = slices.Clone(s.Processes)
	return &c
}
