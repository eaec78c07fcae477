package bench

import (
	"context"
	"fmt"
	"slices"
)

// naive is the mode that others are compared with.
const naive = "naive"

// Compare runs the random-words workload in all modes and the limits, in turn,
// as often as c.Repeat says. The report of what was done so far is returned
// with an error too. The error is that of Config.Validate or local.Start, a
// *MismatchError when a run has not counted what it sent, or the cause of ctx's end.
func Compare(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{naive, "heron2017", "optimized"}, []string{FusedLoop})
	return c.interleave(ctx)
}

// MeasureLimits measures the loops without an engine alone. See Compare.
func MeasureLimits(ctx context.Context, c Config) (*Report, error) {
	c.InProcess = true // there are no children
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Modes = []string{}
	c = c.withDefaults(nil, []string{FusedLoop, BatchedChannel, SocketRelay})
	return c.interleave(ctx)
}

// interleave measures everything in turn: A B C, A B C.
func (c Config) interleave(ctx context.Context) (*Report, error) {
	r := &Report{Runs: []Run{}, Machine: ThisMachine()}
	step, steps := 0, c.Repeat*(len(c.Limits)+len(c.Modes))
	say := func(format string, args ...any) {
		c.Progress(fmt.Sprintf("[%d/%d] ", step, steps) + fmt.Sprintf(format, args...))
	}
	for repeat := 1; repeat <= c.Repeat; repeat++ {
		for _, name := range c.Limits {
			step++
			say("%s ...", name)
			run, err := runLimit(ctx, c, name, repeat)
			if err != nil {
				return r.summed(), err
			}
			r.Limits.Runs = append(r.Limits.Runs, run)
			say("%s: %s", name, run.line())
		}
		for _, mode := range c.Modes {
			step++
			say("%s ...", mode)
			run, err := runWords(ctx, c, mode, repeat)
			if err != nil {
				return r.summed(), err
			}
			r.Runs = append(r.Runs, run)
			say("%s: %s", mode, run.line())
		}
	}
	return r.summed(), nil
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

// summed fills in what follows from the runs.
func (r *Report) summed() *Report {
	r.Summaries = nil
	for _, name := range []string{FusedLoop, BatchedChannel, SocketRelay} {
		if s := summarizeLimit(name, r.Limits.Runs); s.Runs > 0 {
			r.Summaries = append(r.Summaries, s)
		}
	}
	var modes []string
	for i := range r.Runs {
		if mode := r.Runs[i].Mode; !slices.Contains(modes, mode) {
			modes = append(modes, mode)
		}
	}
	for _, mode := range modes {
		r.Summaries = append(r.Summaries, summarizeMode(mode, r.Runs))
	}
	r.Limits.FusedLoop = r.summary(FusedLoop).TuplesPerSecond.Median
	r.Limits.BatchedChannel = r.summary(BatchedChannel).TuplesPerSecond.Median
	r.Limits.SocketRelay = r.summary(SocketRelay).TuplesPerSecond.Median
	base := r.summary(naive).TuplesPerSecond
	for i := range r.Summaries {
		s := &r.Summaries[i]
		s.Cost = ratio(s.TuplesPerSecond.Median, r.Limits.FusedLoop)
		if base.N > 0 {
			s.RatioToNaive = s.TuplesPerSecond.Median / base.Median
			s.VersusNaive = s.TuplesPerSecond.Compare(base)
		}
	}
	return r
}

// summary returns the summary of that name, an empty one if there is none.
func (r *Report) summary(name string) Summary {
	for i := range r.Summaries {
		if r.Summaries[i].Name == name {
			return r.Summaries[i]
		}
	}
	return Summary{}
}

// summarizeMode sums up the runs of a mode.
func summarizeMode(mode string, runs []Run) Summary {
	s := Summary{Name: mode}
	var costs []Cost
	var allocs, calls, gc, spouts, managers, bolts []float64
	for i := range runs {
		run := &runs[i]
		if run.Mode != mode {
			continue
		}
		costs = append(costs, run.Cost)
		nanos := 1e9 / float64(run.Tuples)
		spouts = append(spouts, run.CPU.Spouts*nanos)
		managers = append(managers, run.CPU.StreamManagers*nanos)
		bolts = append(bolts, run.CPU.Bolts*nanos)
		allocs = append(allocs, run.ManagerAllocsPerTuple)
		calls = append(calls, run.ManagerSyscalls)
		gc = append(gc, run.GCShare)
		for _, p := range run.Processes {
			s.PeakRSSBytes = max(s.PeakRSSBytes, p.PeakRSSBytes)
		}
	}
	s.sum(costs)
	s.AllocsPerTuple, s.ManagerSyscalls, s.GCShare = median(allocs), median(calls), median(gc)
	s.Nanos.Spouts, s.Nanos.StreamManagers, s.Nanos.Bolts = median(spouts), median(managers), median(bolts)
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
	var wall, cpu, calls, switches []float64
	for i := range costs {
		c := &costs[i]
		wall = append(wall, c.TuplesPerSecond)
		cpu = append(cpu, c.TuplesPerCPUSecond)
		calls = append(calls, c.Syscalls)
		switches = append(switches, c.ContextSwitches)
		s.SyscallSource = c.SyscallSource
		if c.Noisy {
			s.NoisyRuns++
		}
	}
	s.Runs = len(costs)
	s.TuplesPerSecond, s.TuplesPerCPUSecond = NewStat(wall), NewStat(cpu)
	s.Nanos.Total = ratio(1e9, s.TuplesPerCPUSecond.Median)
	s.Syscalls, s.ContextSwitches = median(calls), median(switches)
}
