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
	Usage   Usage         `json:"usage"`
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
