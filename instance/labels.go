package instance

import (
	"runtime/pprof"
	"strconv"
)

// labels are what CPU and goroutine profiles show of the task's goroutine and
// of those that user code starts on it: task, component, and as stage spout or
// bolt. They are set once, so a tuple costs nothing.
func (i *Instance) labels() pprof.LabelSet {
	stage := "bolt"
	if i.placed.Spout {
		stage = "spout"
	}
	return pprof.Labels("task", strconv.Itoa(int(i.cfg.Task)), "component", i.placed.Name, "stage", stage)
}
