package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/matrix"
	"github.com/ardea-stream/ardea/local"
)

// demoText is the text that is counted, from the root of the repository.
const demoText = "examples/wordcount/testdata/opticks.txt"

// demoModes are those that the demo shows, slowest first.
var demoModes = []string{"naive", "heron2017", "optimized"}

// demoMatrix is what the demo measures.
const demoMatrix = "quick"

// demoOptions are the flags of ardea demo.
type demoOptions struct {
	text             string
	containers       int
	bolts            int
	benchContainers  int
	duration, warmUp time.Duration
	repeat           int
	output, json     string
}

func (a *app) demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show what the engine does, in about a minute",
		Long: `Count the words of a real text on two containers in every forwarding mode and
check the counts against those of a program without an engine; then compare the
modes by counting random words, beside the fused loop: one goroutine that picks
words and counts them. The comparison is the matrix quick of ardea bench run, and
its report is written. Ctrl-C ends the demo with status 130 and leaves a report of
what was measured. Run the demo in the root of the repository.`,
		Example: `  ardea demo
  ardea demo --text book.txt --containers 3 --output demo`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context(), a.stdout, o)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.text, "text", demoText, "count the words of `FILE`")
	f.IntVar(&o.containers, "containers", 2, "count them with `N` stream managers")
	f.IntVar(&o.bolts, "bolts", 3, "count them with `N` counting tasks")
	f.IntVar(&o.benchContainers, "bench-containers", 1, "count random words with `N` stream managers")
	f.DurationVar(&o.duration, "duration", 0, "measure for `TIME` in every run (0: as the matrix says)")
	f.DurationVar(&o.warmUp, "warm-up", 0, "let a run become steady for up to `TIME` before (0: as the matrix says)")
	f.IntVar(&o.repeat, "repeat", 0, "measure every mode `N` times, in turn (0: as the matrix says)")
	f.StringVar(&o.output, "output", reportDir, "write the report into `DIR`, which is made if need be")
	f.StringVar(&o.json, "json", "", "write the figures to `FILE` as well")
	return cmd
}

// matrix returns what the demo measures, as the flags change it.
func (o *demoOptions) matrix() (*matrix.Matrix, error) {
	run := benchRunOptions{matrix: demoMatrix}
	m, err := run.load()
	if err != nil {
		return nil, err
	}
	for i := range m.Sections {
		c := &m.Sections[i].Config
		c.Containers = o.benchContainers
		c.Duration = cmp.Or(o.duration, c.Duration)
		c.WarmUp = cmp.Or(o.warmUp, c.WarmUp)
		c.Repeat = cmp.Or(o.repeat, c.Repeat)
		check := *c
		check.ChildArgs = childArgs
		if err := check.Validate(); err != nil {
			return nil, &usageError{err: err}
		}
	}
	return m, nil
}

// demo is the whole demo.
func (a *app) demo(ctx context.Context, out io.Writer, o demoOptions) error {
	began := time.Now()
	m, err := o.matrix()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(o.text)
	if err != nil {
		return usagef("--text: %w: run this in the root of the repository, or name a text", err)
	}
	file, err := openResult(o.json)
	if err != nil {
		return err
	}
	results, err := openResults(o.output)
	if err != nil {
		return err
	}
	defer results.close()
	_, _ = fmt.Fprintf(out, "1. Count the words of %s with %d containers and %d counting tasks.\n\n", filepath.Base(o.text), o.containers, o.bolts)
	if err := a.demoCount(ctx, out, o, text); err != nil {
		return err
	}
	c := &m.Sections[0].Config
	_, _ = fmt.Fprintf(out, "\n2. Count %d random words, %d runs of %v in each mode, interleaved.\n\n", bench.DefaultWords, c.Repeat, c.Duration)
	suite, err := matrix.Run(ctx, m, matrix.Options{
		Command: "ardea demo", ChildArgs: childArgs, Stderr: a.stderr,
		Progress: func(p matrix.Progress) { _, _ = fmt.Fprintln(out, "   "+p.Line) },
	})
	if err != nil {
		return demoEnded(out, results, suite, err)
	}
	report := reportOf(suite, 0)
	_, _ = fmt.Fprintln(out)
	if err := errors.Join(report.WriteTable(out), file.write(report.WriteJSON), results.write(suite)); err != nil {
		return err
	}
	printOthers(out, suite.Sections[1:])
	_, err = fmt.Fprintf(out, "\nAll counts are right. The demo took %v. Its report is %s.\n", time.Since(began).Round(time.Second), results.page())
	return err
}

// demoEnded writes what was measured before err ended it, and returns err and what else went wrong.
func demoEnded(out io.Writer, results *results, suite *bench.Suite, err error) error {
	if len(suite.Sections) == 0 {
		return fmt.Errorf("%w; nothing was measured, so no report is written", err)
	}
	if werr := results.write(suite); werr != nil {
		return errors.Join(err, werr)
	}
	_, _ = fmt.Fprintf(out, "\nThis is a partial result: %s. Its report is %s.\n", suite.Partial, results.page())
	return err
}

// printOthers tells in a line for each mode what sections behind the headline came to.
func printOthers(out io.Writer, sections []bench.Section) {
	for i := range sections {
		_, _ = fmt.Fprintf(out, "\n%s\n", heading(&sections[i]))
		for k := range sections[i].Summaries {
			_, _ = fmt.Fprintf(out, "%v.\n", &sections[i].Summaries[k])
		}
	}
}

// demoCount counts a text in every mode and compares the counts with independentCount.
func (a *app) demoCount(ctx context.Context, out io.Writer, o demoOptions, text []byte) error {
	want := independentCount(text)
	dir, err := os.MkdirTemp("", "ardea-demo-")
	if err != nil {
		return fmt.Errorf("directory for the counts: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, mode := range demoModes {
		ro := runOptions{
			name: "wordcount", containers: o.containers, tasksPerProcess: 1, mode: mode,
			example: exampleOptions{input: o.text, output: filepath.Join(dir, mode), spouts: 1, bolts: o.bolts},
		}
		t, err := ro.example.build(ro.name)
		if err != nil {
			return err
		}
		lo, err := ro.options()
		if err != nil {
			return err
		}
		lo.Args, lo.Stderr = ro.args(), a.stderr
		result, err := local.Run(ctx, t, lo)
		if cause := context.Cause(ctx); err != nil && (cause == nil || !errors.Is(err, cause)) {
			return err
		}
		if err != nil || result.Interrupted { // while it started, or while it counted
			return fmt.Errorf("%w in mode %s, before anything was measured, so no report is written: %w", errInterrupted, mode, context.Cause(ctx))
		}
		have, err := os.ReadFile(ro.example.output)
		if err != nil {
			return fmt.Errorf("counts: %w", err)
		}
		if err := sameCounts(have, want); err != nil {
			return fmt.Errorf("wordcount in mode %s is wrong: %w", mode, err)
		}
		_, _ = fmt.Fprintf(out, "   %-10s %d processes, %.2f s: %d different words, all counts equal to those of an independent program\n",
			mode, len(result.Sample.Processes), result.Elapsed.Seconds(), bytes.Count(have, []byte("\n")))
	}
	return nil
}

// word is a maximal run of letters, decimal digits and apostrophes.
var word = regexp.MustCompile(`[\p{L}\p{Nd}']+`)

// independentCount counts the words of a text in another way than the example
// does, to check it with: all at once, by a regular expression and a map. The
// form is that of the example: word, tab, count, sorted by bytes.
func independentCount(text []byte) []byte {
	counts := map[string]int{}
	for _, w := range word.FindAllString(string(text), -1) {
		counts[strings.ToLower(w)]++
	}
	var b bytes.Buffer
	for _, w := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%s\t%d\n", w, counts[w])
	}
	return b.Bytes()
}

// sameCounts returns an error that names the first line in which two counts differ.
func sameCounts(have, want []byte) error {
	if bytes.Equal(have, want) {
		return nil
	}
	haves, wants := strings.Split(string(have), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(haves), len(wants)) {
		h, w := "nothing", "nothing"
		if i < len(haves) {
			h = haves[i]
		}
		if i < len(wants) {
			w = wants[i]
		}
		if h != w {
			return fmt.Errorf("line %d of the counts is %q, an independent program has %q", i+1, h, w)
		}
	}
	return nil
}
