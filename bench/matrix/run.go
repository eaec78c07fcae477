package matrix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/bench"
)

// ErrInterrupted is what Run's error wraps when its context has ended, beside the context's cause.
var ErrInterrupted = errors.New("matrix: interrupted")

// Options says how a matrix is run. ChildArgs is needed unless all sections run in one process.
type Options struct {
	// Command is what was typed, for the suite.
	Command string
	// Output is the directory of the results, in whose folder profiles a folder
	// for each section gets profiles; one of an older run is replaced. Empty
	// means that they are read and removed.
	Output string
	// ChildArgs, NoPGO and Stderr are those of bench.Config.
	ChildArgs func(bench.Spec) []string
	NoPGO     string
	Stderr    io.Writer
	// Logger is that of bench.Config.
	Logger *slog.Logger
	// Progress is called with what has just begun or ended. Nil drops it. It must not block.
	Progress func(Progress)
	// Checkpoint is called after each section but the last with the suite so
	// far, whose Partial says that more was to come. It borrows the suite. An
	// error ends the run. Nil drops it.
	Checkpoint func(*bench.Suite) error
}

// Progress is where a run is.
type Progress struct {
	Section  string // that is being measured
	Number   int    // of it, from 1
	Sections int
	Line     string        // for people: what has just begun or ended
	Elapsed  time.Duration // since the run began
	Left     time.Duration // about, of the whole run; corrected by what the sections so far took
}

// Run measures the sections of a matrix one after the other. It returns the
// suite of what was measured with an error too: its Partial then says what is
// missing. A section that fails does not keep the others from being measured;
// its failure stands in its Error and is part of Run's. The end of ctx ends the
// run, with an error that wraps ErrInterrupted. The caller owns the suite.
func Run(ctx context.Context, m *Matrix, o Options) (*bench.Suite, error) {
	return run(ctx, m, o, measurements)
}

// runner is a run of a matrix.
type runner struct {
	Options
	measures
	matrix *Matrix
	suite  *bench.Suite
	clock  clock
}

func run(ctx context.Context, m *Matrix, o Options, with measures) (*bench.Suite, error) {
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Checkpoint == nil {
		o.Checkpoint = func(*bench.Suite) error { return nil }
	}
	now := time.Now()
	r := &runner{Options: o, measures: with, matrix: m, clock: clock{matrix: m, began: now, current: now}}
	r.suite = &bench.Suite{
		Schema: bench.SuiteSchema, Name: m.Name, Command: o.Command, Started: now.UTC().Truncate(time.Millisecond),
		Machine: bench.ThisMachine(), Sections: []bench.Section{},
	}
	err := r.sections(ctx)
	r.suite.Seconds = time.Since(now).Seconds()
	return r.suite, err
}

// sections measures all of them.
func (r *runner) sections(ctx context.Context) error {
	var failures []error
	for i := range r.matrix.Sections {
		s := &r.matrix.Sections[i]
		section, err := r.section(ctx, i)
		if ctx.Err() != nil {
			if section != nil && !empty(section) { // what was measured before the end stands
				r.suite.Sections = append(r.suite.Sections, *section)
			}
			r.suite.Partial = fmt.Sprintf("interrupted in section %s, %d of %d", s.Name, i+1, len(r.matrix.Sections))
			return errors.Join(append(failures, fmt.Errorf("%w in section %s: %w", ErrInterrupted, s.Name, context.Cause(ctx)))...)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("section %s: %w", s.Name, err))
		}
		r.suite.Sections = append(r.suite.Sections, *section)
		r.clock.next(i)
		if last := i == len(r.matrix.Sections)-1; last {
			break
		}
		r.suite.Partial = fmt.Sprintf("it ended after section %s, %d of %d", s.Name, i+1, len(r.matrix.Sections))
		r.suite.Seconds = time.Since(r.clock.began).Seconds()
		if err := r.Checkpoint(r.suite); err != nil {
			return errors.Join(append(failures, err)...)
		}
	}
	r.suite.Partial = failed(r.suite.Sections)
	return errors.Join(failures...)
}

// empty reports whether nothing was measured.
func empty(s *bench.Section) bool {
	return len(s.Runs)+len(s.Limits.Runs)+len(s.Latency)+len(s.Curves) == 0 && (s.Ablation == nil || len(s.Ablation.Cells) == 0)
}

// failed says which sections have failed, empty if none has.
func failed(sections []bench.Section) string {
	var names []string
	for i := range sections {
		if sections[i].Error != "" {
			names = append(names, sections[i].Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "failed: " + strings.Join(names, ", ")
}

// section measures one. Its result is nil only if ctx has ended before anything was measured.
func (r *runner) section(ctx context.Context, i int) (*bench.Section, error) {
	s := r.matrix.Sections[i]
	s.Config.ChildArgs, s.Config.Stderr, s.Config.Logger = r.ChildArgs, r.Stderr, r.Logger
	say := func(line string) {
		elapsed, left := r.clock.read(i)
		r.Progress(Progress{
			Section: s.Name, Number: i + 1, Sections: len(r.matrix.Sections), Line: line, Elapsed: elapsed, Left: left,
		})
	}
	s.Config.Progress = say
	say("begins")
	if s.Kind == bench.KindAblation {
		s.Config.NoPGO = r.NoPGO
	}
	section, err := r.kinds[s.Kind](ctx, s.Config)
	if section == nil {
		if ctx.Err() != nil {
			return nil, err
		}
		section = &bench.Section{Containers: s.Config.Containers}
	}
	if err == nil {
		err = r.profile(ctx, &s, section)
	}
	section.Name, section.Title, section.Kind = s.Name, s.Title, s.Kind
	if err != nil {
		section.Error = err.Error()
		say("ended early: " + err.Error())
	}
	return section, err
}

// clock reckons with the time that is left.
type clock struct {
	matrix   *Matrix
	began    time.Time
	current  time.Time     // when the section began
	estimate time.Duration // of the sections that have ended
}

// next notes the end of a section.
func (c *clock) next(ended int) {
	c.estimate += c.matrix.Sections[ended].Estimate()
	c.current = time.Now()
}

// read returns the time since the beginning, and about the time that is left,
// in section i. Estimates are scaled by how far off they were so far.
func (c *clock) read(i int) (elapsed, left time.Duration) {
	scale := 1.0
	if c.estimate > 0 {
		scale = c.current.Sub(c.began).Seconds() / c.estimate.Seconds()
	}
	scaled := func(d time.Duration) time.Duration { return time.Duration(scale * float64(d)) }
	left = max(0, scaled(c.matrix.Sections[i].Estimate())-time.Since(c.current))
	for j := i + 1; j < len(c.matrix.Sections); j++ {
		left += scaled(c.matrix.Sections[j].Estimate())
	}
	return time.Since(c.began), left
}
