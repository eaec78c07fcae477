package bench

import "slices"

// sum fills in what follows from the runs.
func (s *Section) sum() {
	s.Summaries = summarize(s.Runs, &s.Limits)
	s.Tests = pairTests(s.Summaries, s.Runs, s.Limits.Runs)
}

// summarize sums up runs, the limits first, and fills in the medians of limits.
func summarize(runs []Run, limits *Limits) []Summary {
	var all []Summary
	for _, name := range LimitNames() {
		if s := summarizeLimit(name, limits.Runs); s.Runs > 0 {
			all = append(all, s)
		}
	}
	for _, of := range settingsOf(runs) {
		all = append(all, summarizeSetting(of, runs))
	}
	limits.FusedLoop = summaryOf(all, FusedLoop).TuplesPerSecond.Median
	limits.FusedLoopMap = summaryOf(all, FusedLoopMap).TuplesPerSecond.Median
	limits.BatchedChannel = summaryOf(all, BatchedChannel).TuplesPerSecond.Median
	limits.SocketRelay = summaryOf(all, SocketRelay).TuplesPerSecond.Median
	for i := range all {
		s := &all[i]
		s.Cost = ratio(s.TuplesPerSecond.Median, limits.FusedLoop)
		base := summaryOf(all, Variant(naive, s.Guarantee))
		if rate := base.TuplesPerSecond; rate.N > 0 {
			s.RatioToNaive = s.TuplesPerSecond.Median / rate.Median
			s.VersusNaive = s.TuplesPerSecond.Compare(rate)
			s.CPURatioToNaive = ratio(s.TuplesPerCPUSecond.Median, base.TuplesPerCPUSecond.Median)
			s.CPUVersusNaive = s.TuplesPerCPUSecond.Compare(base.TuplesPerCPUSecond)
		}
		if s.Guarantee.Tracked() {
			s.OfAtMostOnce = overAtMostOnce(s, runs, func(r *Run) float64 { return r.TuplesPerSecond })
			s.CPUOfAtMostOnce = overAtMostOnce(s, runs, func(r *Run) float64 { return r.TuplesPerCPUSecond })
		}
	}
	return all
}

// overAtMostOnce returns a figure of a mode's runs over that of the runs with
// at-most-once in the same repeats, nil if there are none.
func overAtMostOnce(s *Summary, runs []Run, figure func(*Run) float64) *Stat {
	var ratios []float64
	for i := range runs {
		for k := range runs {
			own, base := &runs[i], &runs[k]
			if own.Variant() == s.Name && base.Variant() == s.Mode && own.Repeat == base.Repeat {
				ratios = append(ratios, ratio(figure(own), figure(base)))
			}
		}
	}
	if len(ratios) == 0 {
		return nil
	}
	of := NewStat(ratios)
	return &of
}

// settingsOf returns the modes with guarantees that runs have, as they come.
func settingsOf(runs []Run) []setting {
	var all []setting
	for i := range runs {
		if of := runs[i].setting(); !slices.Contains(all, of) {
			all = append(all, of)
		}
	}
	return all
}

// setting returns the mode and the guarantee of the run.
func (r *Run) setting() setting {
	if r.Guarantee == "" {
		return setting{r.Mode, AtMostOnce}
	}
	return setting{r.Mode, r.Guarantee}
}

// summaryOf returns the summary of that name, an empty one if there is none.
func summaryOf(all []Summary, name string) Summary {
	for i := range all {
		if all[i].Name == name {
			return all[i]
		}
	}
	return Summary{}
}

// summarizeSetting sums up the runs of a mode with a guarantee.
func summarizeSetting(of setting, runs []Run) Summary {
	s := Summary{Name: of.String(), Mode: of.mode, Guarantee: of.guarantee}
	var costs []Cost
	var allocs, calls, gc, spouts, managers, bolts, all, allBytes, engine, sockets, acked []float64
	var own []*Run
	for i := range runs {
		run := &runs[i]
		if run.setting() != of {
			continue
		}
		own = append(own, run)
		costs = append(costs, run.Cost)
		nanos := 1e9 / float64(run.Tuples)
		spouts = append(spouts, run.CPU.Spouts*nanos)
		managers = append(managers, run.CPU.StreamManagers*nanos)
		bolts = append(bolts, run.CPU.Bolts*nanos)
		allocs = append(allocs, run.ManagerAllocsPerTuple)
		calls = append(calls, run.ManagerSyscalls)
		gc = append(gc, run.GCShare)
		all, allBytes = append(all, run.AllocsPerTuple), append(allBytes, run.AllocBytesPerTuple)
		engine, sockets = append(engine, run.EngineAllocsPerTuple), append(sockets, run.SocketBytesPerTuple)
		acked = append(acked, run.AckedPerCPUSecond)
		for _, p := range run.Processes {
			s.PeakRSSBytes = max(s.PeakRSSBytes, p.PeakRSSBytes)
		}
	}
	s.sum(costs)
	s.AllocsPerTuple, s.ManagerSyscalls, s.GCShare = median(allocs), median(calls), median(gc)
	s.Nanos.Spouts, s.Nanos.StreamManagers, s.Nanos.Bolts = median(spouts), median(managers), median(bolts)
	s.AllAllocsPerTuple, s.AllocBytesPerTuple, s.SocketBytesPerTuple = median(all), median(allBytes), median(sockets)
	s.EngineAllocsPerTuple, s.Roles = median(engine), medianRoles(own)
	if of.guarantee.Tracked() {
		perCPU := NewStat(acked)
		s.AckedPerCPUSecond = &perCPU
	}
	return s
}

// summarizeLimit sums up the runs of a limit.
func summarizeLimit(name string, runs []LimitRun) Summary {
	s := Summary{Name: name, Limit: true}
	var costs []Cost
	var allocs []float64
	for i := range runs {
		if runs[i].Name == name {
			costs = append(costs, runs[i].Cost)
			allocs = append(allocs, runs[i].AllocsPerTuple)
		}
	}
	s.sum(costs)
	s.AllocsPerTuple = median(allocs)
	return s
}

// sum fills in what modes and limits have in common.
func (s *Summary) sum(costs []Cost) {
	var wall, cpu, calls, switches, wakeUps []float64
	for i := range costs {
		c := &costs[i]
		wall = append(wall, c.TuplesPerSecond)
		cpu = append(cpu, c.TuplesPerCPUSecond)
		calls = append(calls, c.Syscalls)
		switches, wakeUps = append(switches, c.ContextSwitches), append(wakeUps, c.WakeUps)
		s.SyscallSource = c.SyscallSource
		if c.Noisy {
			s.NoisyRuns++
		}
	}
	s.Runs = len(costs)
	s.TuplesPerSecond, s.TuplesPerCPUSecond = NewStat(wall), NewStat(cpu)
	s.Nanos.Total = ratio(1e9, s.TuplesPerCPUSecond.Median)
	s.Syscalls, s.ContextSwitches = median(calls), median(switches)
	s.WakeUps = median(wakeUps)
}
