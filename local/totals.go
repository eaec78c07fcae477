package local

import "strings"

// Totals are the figures of a sample summed over processes.
type Totals struct {
	Emitted  int64  // tuples that spouts emitted
	Executed int64  // tuples that bolts took
	Errors   int64  // errors of user code, panics included
	Panics   int64  // panics of user code
	Dropped  uint64 // tuples that stream managers dropped
	Restarts int    // of processes

	QueueBytes int   // waiting in stream managers now
	SlowTasks  int   // destinations with so much waiting that spouts are held back now
	Clamps     int64 // times that a spout began to be held back
}

// Totals sums the figures.
func (s *Sample) Totals() Totals {
	var t Totals
	for i := range s.Processes {
		p := &s.Processes[i]
		if m := p.Manager; m != nil {
			t.QueueBytes += m.QueueBytes
			t.SlowTasks = max(t.SlowTasks, m.Clamped) // each manager knows all of them
		}
		c := p.counts(nil).add(p.Earlier)
		t.Emitted += c.Sent
		t.Executed += c.Received
		t.Errors += c.Errors
		t.Panics += c.Panics
		t.Clamps += c.Clamps
		t.Dropped += c.Dropped
		t.Restarts += p.Restarts
	}
	return t
}

// Group is the processes of a sample that do the same work.
type Group struct {
	Name              string // "stream managers", or the components, joined by '+'
	Role              Role
	Spout             bool // all tasks are a spout's
	Processes, Tasks  int
	Emitted, Received int64
	Errors            int64
	Usage             Usage
	PeakRSSBytes      uint64 // the largest
}

// Groups sums the processes of equal work, in their order.
func (s *Sample) Groups() []Group {
	var groups []Group
	index := map[string]int{}
	for i := range s.Processes {
		p := &s.Processes[i]
		name := groupName(&p.Process)
		at, known := index[name]
		if !known {
			at = len(groups)
			index[name] = at
			groups = append(groups, Group{Name: name, Role: p.Role, Spout: p.Role == RoleInstance})
		}
		g := &groups[at]
		g.Processes++
		g.Tasks += len(p.Tasks)
		g.Usage = g.Usage.add(p.Usage)
		g.PeakRSSBytes = max(g.PeakRSSBytes, p.Usage.PeakRSSBytes)
		for j := range p.Instances {
			g.Spout = g.Spout && p.Instances[j].Spout
		}
		c := p.counts(nil).add(p.Earlier)
		g.Emitted += c.Emitted
		g.Received += c.Received
		g.Errors += c.Errors
	}
	return groups
}

// groupName is what processes of equal work have in common.
func groupName(p *Process) string {
	if p.Role == RoleManager {
		return "stream managers"
	}
	var names []string
	seen := map[string]bool{}
	for _, c := range p.Components {
		if !seen[c] {
			seen[c] = true
			names = append(names, c)
		}
	}
	return strings.Join(names, "+")
}
