package bench

import (
	"context"
	"fmt"
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
// and optimized) with all guarantees, and the limits, in turn, as often as c.Repeat says. What was
// measured so far is returned with an error too; it is nil only if c is not
// valid. The error is that of Config.Validate or local.Start, a *MismatchError
// or an *AckError when a run has not counted or acked what it sent, or the cause of ctx's end.
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
	p := steps{progress: c.Progress, of: c.Repeat * (len(c.Limits) + len(c.settings()))}
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

// measureOnce measures every limit and every mode with every guarantee once.
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
	for _, of := range c.settings() {
		p.next("%s", of)
		run, err := runWorkload(ctx, c, c.Workload.promising(of.guarantee), of.mode, repeat)
		if err != nil {
			return err
		}
		s.Runs = append(s.Runs, run)
		p.say("%s: %s", of, run.line())
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
