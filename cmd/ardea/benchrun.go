package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/matrices"
	"github.com/ardea-stream/ardea/bench/matrix"
)

// reportDir is where results go when nothing else is said.
const reportDir = "ardea-report"

// benchRunOptions are the flags of ardea bench run.
type benchRunOptions struct {
	matrix   string // a file, or one of the project's
	output   string
	sections []string
	dryRun   bool
	json     string
	into     string // a suite.json that is whole but for the sections
	noPGO    string
	command  string // that was typed
}

func (a *app) benchRunCommand() *cobra.Command {
	var o benchRunOptions
	cmd := &cobra.Command{
		Use:   "run MATRIX",
		Short: "Measure what a matrix describes and write a report",
		Long: `Measure section after section of a matrix and write the results into a directory:

  suite.json      all of it, for programs
  benchmark.txt   the runs as Go benchmark text, for benchstat
  report.md       the report as Markdown
  report.html     the report as one page with charts, which needs no network
  profiles/       the CPU profiles of sections that ask for them

MATRIX is a YAML file, or one of the project's: ` + strings.Join(matrices.Names(), ", ") + `. Ctrl-C ends the
measurement and leaves a report of what was measured, marked as partial. The exit
status is 0 if all was measured, 1 if a section failed, and 130 after Ctrl-C.`,
		Example: `  ardea bench run quick
  ardea bench run bench/matrices/full.yaml --sections random-words,latency --output results
  ardea bench run full --sections acks --into ardea-report/suite.json
  ardea bench run full --dry-run`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return matrices.Names(), cobra.ShellCompDirectiveDefault
		},
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			o.matrix, o.command = args[0], typed(cmd, args)
			return a.benchRun(cmd.Context(), a.stdout, o)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.output, "output", reportDir, "write the results into `DIR`, which is made if need be")
	f.StringSliceVar(&o.sections, "sections", nil, "measure only the `SECTIONS`, separated by commas")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be measured and how long it takes, and measure nothing")
	f.StringVar(&o.noPGO, "no-pgo", "", "let `PROGRAM`, this one built with -pgo=off, show in ablations what its profile is worth")
	f.StringVar(&o.json, "json", "", "write suite.json to `FILE` as well")
	f.StringVar(&o.into, "into", "", "report on the suite in `FILE` with what is measured in place of its sections of the same names")
	return cmd
}

// benchRun measures a matrix.
func (a *app) benchRun(ctx context.Context, out io.Writer, o benchRunOptions) error {
	m, err := o.load()
	if err != nil {
		return err
	}
	if o.noPGO != "" {
		if err := checkNoPGO(o.noPGO); err != nil {
			return err
		}
	}
	if o.dryRun {
		return printMatrix(out, m)
	}
	results, err := openResults(o.output)
	if err != nil {
		return err
	}
	defer results.close()
	if o.into != "" {
		if results.around, err = readSuite("--into", o.into); err != nil {
			return err
		}
	}
	file, err := openResult(o.json)
	if err != nil {
		return err
	}
	progress := newBenchProgress(a.stderr, a.width)
	suite, err := matrix.Run(ctx, m, matrix.Options{
		Command: o.command, Output: o.output, ChildArgs: childArgs, NoPGO: o.noPGO, Stderr: progress,
		Progress: progress.show, Checkpoint: results.write,
	})
	progress.stop()
	if len(suite.Sections) == 0 {
		return errors.Join(err, errors.New("nothing was measured, so nothing is written"))
	}
	whole, merr := results.whole(suite)
	if merr != nil {
		return errors.Join(err, merr, printSuite(out, suite))
	}
	if results.failed { // after a section, which ended the run: err says it
		return errors.Join(err, file.write(whole.WriteJSON), printSuite(out, suite))
	}
	if werr := errors.Join(results.write(suite), file.write(whole.WriteJSON)); werr != nil {
		return errors.Join(err, werr)
	}
	return errors.Join(err, printSuite(out, suite), results.print(out))
}

// load reads the matrix and picks the sections that are asked for.
func (o *benchRunOptions) load() (*matrix.Matrix, error) {
	text, known := matrices.Text(o.matrix)
	file, err := os.Open(o.matrix)
	var r io.Reader = strings.NewReader(text)
	switch {
	case err == nil:
		defer func() { _ = file.Close() }()
		if info, err := file.Stat(); !known || err != nil || !info.IsDir() { // a directory of results may be named like a matrix
			r = file
		}
	case !known || !errors.Is(err, os.ErrNotExist):
		return nil, usagef("%w: name a YAML file, or one of %s", err, strings.Join(matrices.Names(), ", "))
	}
	m, err := matrix.Load(r)
	var bad *matrix.LoadError
	switch {
	case errors.As(err, &bad):
		return nil, &usageError{err: errors.New(describeFaults(o.matrix, bad.Faults))}
	case err != nil:
		return nil, usagef("%s: %w: name a YAML file", o.matrix, err)
	}
	if m, err = m.Select(o.sections); err != nil {
		return nil, usagef("--sections: %w", err)
	}
	return m, nil
}

// describeFaults lists faults as compilers do.
func describeFaults(file string, faults []matrix.Fault) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is no matrix that can be run:", file)
	for _, f := range faults {
		if f.Line == 0 {
			fmt.Fprintf(&b, "\n  %s: %s", file, f.Text)
		} else {
			fmt.Fprintf(&b, "\n  %s:%d: %s", file, f.Line, f.Text)
		}
	}
	return b.String()
}

// typed returns the command line as somebody would type it again.
func typed(cmd *cobra.Command, args []string) string {
	words := append([]string{cmd.CommandPath()}, args...)
	for _, name := range []string{"sections", "into"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			words = append(words, "--"+name, strings.Trim(f.Value.String(), "[]"))
		}
	}
	return strings.Join(words, " ")
}

// printMatrix says what would be measured.
func printMatrix(out io.Writer, m *matrix.Matrix) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "section\tkind\tcontainers\tmodes\tabout")
	for i := range m.Sections {
		s := &m.Sections[i]
		modes, containers := strings.Join(s.Config.Modes, " ")+promised(s), strconv.Itoa(s.Config.Containers)
		if s.Kind == bench.KindAblation {
			modes = "-" + promised(s)
		}
		if s.Config.Containers == 0 {
			containers = "-"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%v\n", s.Name, s.Kind, containers, modes, s.Estimate().Round(time.Second))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s takes about %v.\n", m.Name, m.Estimate().Round(time.Second))
	return err
}

// promised tells of a section's guarantees, unless it has the default one alone.
func promised(s *matrix.Section) string {
	if !slices.ContainsFunc(s.Config.Guarantees, bench.Guarantee.Tracked) {
		return ""
	}
	if len(s.Config.Guarantees) > 1 {
		return ", with acks and without"
	}
	return ", with acks"
}

// printSuite prints the headline, the first comparison at saturation or else
// the first section, and what the other sections came to.
func printSuite(out io.Writer, s *bench.Suite) error {
	head := 0
	for i := range s.Sections {
		if s.Sections[i].Kind == bench.KindThroughput {
			head = i
			break
		}
	}
	first := &s.Sections[head]
	_, _ = fmt.Fprintf(out, "\n%s\n\n", heading(first))
	if err := reportOf(s, head).WriteTable(out); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out)
	for i := range s.Sections {
		section := &s.Sections[i]
		if section.Error != "" {
			_, _ = fmt.Fprintf(out, "%s ended early: %s\n", section.Name, section.Error)
		}
		for _, rejected := range rejectedRuns(section) {
			_, _ = fmt.Fprintf(out, "%s: %s\n", section.Name, rejected)
		}
	}
	if s.Partial != "" {
		_, _ = fmt.Fprintf(out, "This is a partial result: %s.\n", s.Partial)
	}
	return nil
}

// reportOf returns a section as a report of its own.
func reportOf(s *bench.Suite, i int) *bench.Report {
	section := &s.Sections[i]
	return &bench.Report{
		Runs: section.Runs, Summaries: section.Summaries, Tests: section.Tests, Latency: section.Latency,
		Curves: section.Curves, Limits: section.Limits, Machine: s.Machine,
	}
}

func heading(s *bench.Section) string {
	if s.Title != "" {
		return s.Title
	}
	return s.Name
}

// rejectedRuns tells of runs that do not count.
func rejectedRuns(s *bench.Section) []string {
	var lines []string
	add := func(runs []bench.LatencyRun) {
		for i := range runs {
			if r := &runs[i]; r.Rejected != "" {
				lines = append(lines, fmt.Sprintf("%s at %.0f tuples/s does not count: %s", r.Variant(), r.Rate, r.Rejected))
			}
		}
	}
	add(s.Latency)
	for i := range s.Curves {
		add(s.Curves[i].Points)
	}
	return lines
}
