package bench

import (
	"slices"

	"github.com/ardea-stream/ardea/local"
)

// fill charges what processes used in the window to their roles.
func (r *Run) fill(w window, result *local.Result) {
	before, after := w.before.sample, w.after.sample
	tuples := float64(r.Tuples)
	roles := map[string]*RoleCost{}
	launcher := usageBetween(before.Launcher, after.Launcher)
	all := launcher
	charge(roles, RoleLauncher, launcher, w.wakeUps(ownPID), result.Sample.Launcher.PeakRSSBytes, tuples)
	var managers local.Usage
	var managerCalls uint64
	for i := range after.Processes {
		p := &after.Processes[i]
		used := usageBetween(before.Processes[i].Usage, p.Usage)
		peak := result.Sample.Processes[i].Usage.PeakRSSBytes
		all = sumUsage(all, used)
		r.PeakRSSBytes += peak
		wakeUps := 0.0
		if p.PID != ownPID { // else they are the launcher's
			wakeUps = w.wakeUps(p.PID)
		}
		role := costRole(p)
		charge(roles, role, used, wakeUps, peak, tuples)
		if role == RoleManagers {
			managers = sumUsage(managers, used)
			managerCalls += w.calls[p.PID]
		}
		r.Processes = append(r.Processes, ProcessUsage{
			Name: p.Name(), Container: p.Container, CPUSeconds: used.CPUSeconds(), PeakRSSBytes: peak,
		})
	}
	r.PeakRSSBytes += result.Sample.Launcher.PeakRSSBytes
	for _, role := range []string{RoleSpouts, RoleManagers, RoleBolts, RoleMixed, RoleLauncher} {
		if cost := roles[role]; cost != nil {
			r.Roles = append(r.Roles, *cost)
			*r.CPU.of(role) = cost.UserSeconds + cost.SystemSeconds
		}
	}
	r.CPU.User, r.CPU.System = all.UserSeconds, all.SystemSeconds
	r.GCShare = ratio(all.GCSeconds, all.CPUSeconds())
	r.AllocsPerTuple, r.AllocBytesPerTuple = ratio(float64(all.Mallocs), tuples), ratio(float64(all.AllocBytes), tuples)
	for i := range r.Roles {
		if r.Roles[i].Role != RoleLauncher {
			r.EngineAllocsPerTuple += r.Roles[i].AllocsPerTuple
		}
	}
	r.AckedPerSecond = ackRate(&w.before, &w.after)
	r.AckedPerCPUSecond = ratio(r.AckedPerSecond, ratio(r.TuplesPerSecond, r.TuplesPerCPUSecond))
	r.ManagerAllocsPerTuple = ratio(float64(managers.Mallocs), tuples)
	r.ManagerSyscalls = perThousand(float64(managerCalls), w.callTuples)
	r.SocketBytesPerTuple = ratio(float64(socketBytes(after))-float64(socketBytes(before)), tuples)
}

// charge adds what a process has used to its role.
func charge(roles map[string]*RoleCost, role string, used local.Usage, wakeUps float64, peak uint64, tuples float64) {
	c := roles[role]
	if c == nil {
		c = &RoleCost{Role: role}
		roles[role] = c
	}
	c.UserSeconds += used.UserSeconds
	c.SystemSeconds += used.SystemSeconds
	c.AllocsPerTuple += ratio(float64(used.Mallocs), tuples)
	c.AllocBytesPerTuple += ratio(float64(used.AllocBytes), tuples)
	c.WakeUps += perThousand(wakeUps, tuples)
	c.PeakRSSBytes = max(c.PeakRSSBytes, peak)
}

// wakeUps returns those of a process in the window. Threads that have ended in
// between took theirs along.
func (w *window) wakeUps(pid int) float64 {
	return max(0, float64(w.after.switches[pid].voluntary)-float64(w.before.switches[pid].voluntary))
}

// socketBytes returns the bytes that all tasks and stream managers have written
// to sockets, each byte once for every socket it passed: frames of all kinds,
// headers included, so data, acks, credit and pings alike. What tasks have
// written is what stream managers have read from others than each other. What is
// in the sockets' buffers at the moment is missing from that part.
func socketBytes(s *local.Sample) uint64 {
	var bytes uint64
	for i := range s.Processes {
		if m := s.Processes[i].Manager; m != nil {
			bytes += m.BytesOut + m.BytesIn - m.PeerBytesIn
		}
	}
	return bytes
}

// usageBetween returns what was used between two moments, as far as a run charges it.
func usageBetween(before, after local.Usage) local.Usage {
	return local.Usage{
		UserSeconds:   after.UserSeconds - before.UserSeconds,
		SystemSeconds: after.SystemSeconds - before.SystemSeconds,
		GCSeconds:     after.GCSeconds - before.GCSeconds,
		Mallocs:       after.Mallocs - before.Mallocs,
		AllocBytes:    after.AllocBytes - before.AllocBytes,
	}
}

// sumUsage adds up what usageBetween returns.
func sumUsage(u, v local.Usage) local.Usage {
	return local.Usage{
		UserSeconds:   u.UserSeconds + v.UserSeconds,
		SystemSeconds: u.SystemSeconds + v.SystemSeconds,
		GCSeconds:     u.GCSeconds + v.GCSeconds,
		Mallocs:       u.Mallocs + v.Mallocs,
		AllocBytes:    u.AllocBytes + v.AllocBytes,
	}
}

// costRole returns the role that a process's costs are charged to.
func costRole(p *local.ProcessSample) string {
	spouts, bolts := 0, 0
	for i := range p.Instances {
		if p.Instances[i].Spout {
			spouts++
		} else {
			bolts++
		}
	}
	switch {
	case p.Role == local.RoleManager:
		return RoleManagers
	case bolts == 0:
		return RoleSpouts
	case spouts == 0:
		return RoleBolts
	default:
		return RoleMixed
	}
}

// of returns the time of a role.
func (c *CPUSeconds) of(role string) *float64 {
	switch role {
	case RoleSpouts:
		return &c.Spouts
	case RoleManagers:
		return &c.StreamManagers
	case RoleBolts:
		return &c.Bolts
	case RoleMixed:
		return &c.Mixed
	default:
		return &c.Launcher
	}
}

// medianRoles returns the medians of what roles have taken in several runs.
func medianRoles(runs []*Run) []RoleCost {
	var roles []RoleCost
	of := func(role string, field func(*RoleCost) float64) float64 {
		var values []float64
		for _, run := range runs {
			for i := range run.Roles {
				if run.Roles[i].Role == role {
					values = append(values, field(&run.Roles[i]))
				}
			}
		}
		return median(values)
	}
	for _, run := range runs {
		for i := range run.Roles {
			role := run.Roles[i].Role
			if slices.ContainsFunc(roles, func(r RoleCost) bool { return r.Role == role }) {
				continue
			}
			roles = append(roles, RoleCost{
				Role:               role,
				UserSeconds:        of(role, func(r *RoleCost) float64 { return r.UserSeconds }),
				SystemSeconds:      of(role, func(r *RoleCost) float64 { return r.SystemSeconds }),
				AllocsPerTuple:     of(role, func(r *RoleCost) float64 { return r.AllocsPerTuple }),
				AllocBytesPerTuple: of(role, func(r *RoleCost) float64 { return r.AllocBytesPerTuple }),
				WakeUps:            of(role, func(r *RoleCost) float64 { return r.WakeUps }),
				PeakRSSBytes:       uint64(of(role, func(r *RoleCost) float64 { return float64(r.PeakRSSBytes) })),
			})
		}
	}
	return roles
}
