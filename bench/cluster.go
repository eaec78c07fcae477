package bench

import (
	"context"
	"fmt"
	"slices"

	"github.com/ardea-stream/ardea/local"
)

// cluster is a subject.
type cluster struct {
	*local.Cluster
	counting string // component whose tuples count
}

func (c cluster) read(ctx context.Context) (reading, error) {
	s, err := c.Sample(ctx)
	if err != nil {
		return reading{}, err
	}
	r := reading{sample: s, parts: []part{{at: s.Elapsed, cpu: s.Launcher.CPUSeconds()}}}
	for i := range s.Processes {
		p := &s.Processes[i]
		one := part{at: p.Elapsed, cpu: p.Usage.CPUSeconds()}
		for j := range p.Instances {
			in := &p.Instances[j]
			if in.Metrics.Ended {
				return reading{}, fmt.Errorf("bench: task %d of %s has ended while it was measured", in.Task, in.Component)
			}
			if in.Component == c.counting {
				one.tuples += float64(in.Metrics.Received)
			}
			one.acked += float64(in.Metrics.Acked)
		}
		r.parts = append(r.parts, one)
	}
	return r, nil
}

func (c cluster) pids() []int {
	pids := []int{ownPID}
	for _, p := range c.Processes() {
		pids = append(pids, p.PID)
	}
	slices.Sort(pids)
	return slices.Compact(pids) // a run in one process has one
}
