package local

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea/plan"
)

// Role is what a process of a run does.
type Role string

// The roles.
const (
	RoleManager  Role = "stream-manager"
	RoleInstance Role = "instance"
)

// Process is one process of a run; with Options.InProcess, what would be one.
type Process struct {
	Role       Role     `json:"role"`
	Container  uint32   `json:"container"`
	Tasks      []uint32 `json:"tasks,omitempty"`      // global ids, none for a stream manager
	Components []string `json:"components,omitempty"` // of Tasks, in the same order
	PID        int      `json:"pid"`
	// Pprof is the address at which the process serves its profiles, empty if it does not.
	Pprof string `json:"pprof,omitempty"`
}

// Name is short and unique in the run: "stream-manager-1", "count-3", or
// "tasks-3..9" for several. It marks the process's lines of standard error.
func (p *Process) Name() string {
	switch {
	case p.Role == RoleManager:
		return fmt.Sprintf("%s-%d", p.Role, p.Container)
	case len(p.Tasks) == 1:
		return fmt.Sprintf("%s-%d", p.Components[0], p.Tasks[0])
	default:
		return fmt.Sprintf("tasks-%d..%d", p.Tasks[0], p.Tasks[len(p.Tasks)-1])
	}
}

// describe is for errors: role, components, tasks, container and pid.
func (p *Process) describe() string {
	if p.Role == RoleManager {
		return fmt.Sprintf("%s of container %d (pid %d)", p.Role, p.Container, p.PID)
	}
	const most = 8
	components := slices.Compact(slices.Clone(p.Components))
	tasks := fmt.Sprint(p.Tasks[:min(most, len(p.Tasks))])
	if more := len(p.Tasks) - most; more > 0 {
		tasks += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s of %s, tasks %s, container %d (pid %d)",
		p.Role, strings.Join(components, ", "), tasks, p.Container, p.PID)
}

// processesOf lists the processes of a plan, the stream managers first, without their pids.
func processesOf(p *plan.Plan, tasksPerProcess int) []Process {
	var managers, instances []Process
	for i := range p.Containers {
		c := &p.Containers[i]
		managers = append(managers, Process{Role: RoleManager, Container: c.ID})
		for tasks := range slices.Chunk(c.Tasks, tasksPerProcess) {
			in := Process{Role: RoleInstance, Container: c.ID, Tasks: tasks}
			for _, t := range tasks {
				in.Components = append(in.Components, p.ComponentOf(t).Name)
			}
			instances = append(instances, in)
		}
	}
	return append(managers, instances...)
}
