package bench

import (
	"context"
	"fmt"
	"slices"
)

// naive is the mode that others are compared with.
const naive = "naive"

// Compare runs the workload in all modes and the limits, in turn, as often as
// c.Repeat says. It is MeasureThroughput with a report of its own.
func Compare(ctx context.Context, c Config) (*Report, error) {
	s, err := MeasureThroughput(ctx, c)
	return s.Report(), err
}

// MeasureLimits measures the loops without an engine alone. See Compare.
func MeasureLimits(ctx context.Context, c Config) (*Report, error) {
	c.InProcess = true // there are no children
	c.Modes = []string{}
	if c.Limits == nil {
		c.Limits = LimitNames()
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s, err := c.withDefaults(nil, nil).interleave(ctx)
	return s.Report(), err
}

// MeasureThroughput runs the workload in all modes (nil means naive, heron2017
// and optimized) and the limits, in turn, as often as c.Repeat says. What was
// measured so far is returned with an error too; it is nil only if c is not
// valid. The error is that of Config.Validate or local.Start, a *MismatchError
// when a run has not counted what it sent, or the cause of ctx's end.
func MeasureThroughput(ctx context.Context, c Config) (*Section, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c.withDefaults([]string{naive, "heron2017", "optimized"}, []string{FusedLoop}).interleave(ctx)
}

// Report returns the section as a report of its own, with this machine. Of nil it is nil.
func (s *Section) Report() *Report {
	if s == nil {
		return nil
	}
	r := &Report{
		Runs: s.Runs, Summaries: s.Summaries, Tests: s.Tests, Latency: s.Latency, Curves: s.Curves, Limits: s.Limits,
		Machine: ThisMachine(),
	}
	if r.Runs == nil {
		r.Runs = []Run{}
	}
	return r
}

// interleave measures everything in turn: A B C, A B C.
func (c Config) interleave(ctx context.Context) (*Section, error) {
	s := c.section(KindThroughput, c.Workload)
	p := steps{progress: c.Progress, of: c.Repeat * (len(c.Limits) + len(c.Modes))}
	var err error
	for repeat := 1; repeat <= c.Repeat && err == nil; repeat++ {
		err = c.measureOnce(ctx, s, &p, repeat)
	}
	s.sum()
	if err != nil {
		s.Error = err.Error()
	}
	return s, err
}

// measureOnce measures every limit and every mode once.
func (c Config) measureOnce(ctx context.Context, s *Section, p *steps, repeat int) error {
	for _, name := range c.Limits {
		p.next("%s", name)
		run, err := runLimit(ctx, c, name, repeat)
		if err != nil {
			return err
		}
		s.Limits.Runs = append(s.Limits.Runs, run)
		p.say("%s: %s", name, run.line())
	}
	for _, mode := range c.Modes {
		p.next("%s", mode)
		run, err := runWorkload(ctx, c, c.Workload, mode, repeat)
		if err != nil {
			return err
		}
		s.Runs = append(s.Runs, run)
		p.say("%s: %s", mode, run.line())
	}
	return nil
}

// line tells of a measurement in a few words.
func (c Cost) line() string {
	s := fmt.Sprintf("%s tuples/s, %s tuples/CPU-s", amount(c.TuplesPerSecond), amount(c.TuplesPerCPUSecond))
	if !c.Steady {
		s += ", not steady after the warm-up"
	}
	if c.Noisy {
		s += ", noisy: " + c.describe()
	}
	return s
}

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
	var modes []string
	for i := range runs {
		if mode := runs[i].Mode; !slices.Contains(modes, mode) {
			modes = append(modes, mode)
		}
	}
	for _, mode := range modes {
		all = append(all, summarizeMode(mode, runs))
	}
	limits.FusedLoop = summaryOf(all, FusedLoop).TuplesPerSecond.Median
	limits.FusedLoopMap = summaryOf(all, FusedLoopMap).TuplesPerSecond.Median
	limits.BatchedChannel = summaryOf(all, BatchedChannel).TuplesPerSecond.Median
	limits.SocketRelay = summaryOf(all, SocketRelay).TuplesPerSecond.Median
	base, cpu := summaryOf(all, naive).TuplesPerSecond, summaryOf(all, naive).TuplesPerCPUSecond
	for i := range all {
		s := &all[i]
		s.Cost = ratio(s.TuplesPerSecond.Median, limits.FusedLoop)
		if base.N > 0 {
			s.RatioToNaive = s.TuplesPerSecond.Median / base.Median
			s.VersusNaive = s.TuplesPerSecond.Compare(base)
			s.CPURatioToNaive = ratio(s.TuplesPerCPUSecond.Median, cpu.Median)
			s.CPUVersusNaive = s.TuplesPerCPUSecond.Compare(cpu)
		}
	}
	return all
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

// summarizeMode sums up the runs of a mode.
func summarizeMode(mode string, runs []Run) Summary {
	s := Summary{Name: mode}
	var costs []Cost
	var allocs, calls, gc, spouts, managers, bolts, all, allBytes, sockets []float64
	var own []*Run
	for i := range runs {
		run := &runs[i]
		if run.Mode != mode {
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
		sockets = append(sockets, run.SocketBytesPerTuple)
		for _, p := range run.Processes {
			s.PeakRSSBytes = max(s.PeakRSSBytes, p.PeakRSSBytes)
		}
	}
	s.sum(costs)
	s.AllocsPerTuple, s.ManagerSyscalls, s.GCShare = median(allocs), median(calls), median(gc)
	s.Nanos.Spouts, s.Nanos.StreamManagers, s.Nanos.Bolts = median(spouts), median(managers), median(bolts)
	s.AllAllocsPerTuple, s.AllocBytesPerTuple, s.SocketBytesPerTuple = median(all), median(allBytes), median(sockets)
	s.Roles = medianRoles(own)
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
