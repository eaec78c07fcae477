package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/local"
)

// runOptions are the flags of ardea run.
type runOptions struct {
	name    string
	example exampleOptions

	containers, tasksPerProcess int
	inProcess                   bool
	mode                        string
	duration                    time.Duration
	maxRestarts                 int
	hangTimeout                 time.Duration
	pprof, metrics              string
	json                        string
}

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run TOPOLOGY",
		Short: "Run a built-in topology",
		Long: `Run a built-in topology on this machine until its streams end, --duration is over
or Ctrl-C drains it. A drain may take 30s, and at least once 150s, in which lost
tuples are found and emitted again; then the run ends with an error. The topologies are

` + describeExamples(),
		Example: `  ardea run wordcount --input book.txt --output counts.txt
  ardea run randomwords --duration 10s --mode naive --json result.json
  ardea run trending --bolts 4 --containers 2 --metrics :9090`,
		Args:              oneExample,
		ValidArgsFunction: completeExamples,
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return a.run(cmd.Context(), a.stdout, o)
		}),
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func (o *runOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	o.example.addFlags(f)
	f.IntVar(&o.containers, "containers", 1, "run `N` stream managers, the tasks dealt to them in turn")
	f.StringVar(&o.mode, "mode", local.DefaultMode, "forward tuples in `MODE`: "+strings.Join(dataplane.Modes, ", "))
	f.DurationVar(&o.duration, "duration", 0, "drain after `TIME`, such as 10s or 5m (0: when the streams end)")
	f.IntVar(&o.tasksPerProcess, "tasks-per-process", 1, "let up to `N` tasks share a process")
	f.BoolVar(&o.inProcess, "in-process", false, "run everything in this process, for debugging")
	f.IntVar(&o.maxRestarts, "max-restarts", local.DefaultMaxRestarts, "start a process that dies again up to `N` times a minute; 0: a death ends the run")
	f.DurationVar(&o.hangTimeout, "hang-timeout", local.DefaultHangTimeout, "kill a process, and so start it again, that does not answer for `TIME` (0: never)")
	addPprof(f, &o.pprof)
	addMetrics(f, &o.metrics)
	f.StringVar(&o.json, "json", "", "write the figures of the run to `FILE`")
}

// options checks the flags.
func (o *runOptions) options() (local.Options, error) {
	lo := local.Options{
		Containers: o.containers, TasksPerProcess: o.tasksPerProcess, InProcess: o.inProcess,
		Mode: o.mode, Duration: o.duration, Pprof: o.pprof, Metrics: o.metrics,
		MaxRestarts: local.OrNever(o.maxRestarts), HangTimeout: local.OrNever(o.hangTimeout),
	}
	if o.maxRestarts < 0 || o.hangTimeout < 0 {
		return lo, usagef("--max-restarts is %d and --hang-timeout %v: the least is 0, which turns them off", o.maxRestarts, o.hangTimeout)
	}
	if o.containers < 1 || o.tasksPerProcess < 1 {
		return lo, usagef("--containers is %d and --tasks-per-process %d: the least is 1", o.containers, o.tasksPerProcess)
	}
	if err := lo.Validate(); err != nil {
		return lo, &usageError{err: err}
	}
	return lo, nil
}

// distinctFiles refuses to write what is read, or two things to one file.
func (o *runOptions) distinctFiles() error {
	files := []struct{ flag, path string }{{"--input", o.example.input}, {"--output", o.example.output}, {"--json", o.json}}
	for i, a := range files {
		for _, b := range files[:i] {
			if a.path != "" && b.path != "" && sameFile(a.path, b.path) {
				return usagef("%s and %s are the same file, %s: name another", b.flag, a.flag, a.path)
			}
		}
	}
	return nil
}

// sameFile reports whether two paths lead to the same regular file, which need not exist.
func sameFile(a, b string) bool {
	ai, aerr := os.Stat(a)
	bi, berr := os.Stat(b)
	if aerr == nil && berr == nil {
		return ai.Mode().IsRegular() && os.SameFile(ai, bi)
	}
	a, aerr = filepath.Abs(a)
	b, berr = filepath.Abs(b)
	return aerr == nil && berr == nil && a == b
}

// args are those with which a child arrives at the same topology.
func (o *runOptions) args() []string {
	args := []string{"run", o.name, "--spouts", strconv.Itoa(o.example.spouts), "--bolts", strconv.Itoa(o.example.bolts)}
	if o.example.input != "" {
		args = append(args, "--input", o.example.input)
	}
	if o.example.output != "" {
		args = append(args, "--output", o.example.output)
	}
	return args
}

// run runs a topology, or plays the part of its child.
func (a *app) run(ctx context.Context, out io.Writer, o runOptions) error {
	t, err := o.example.build(o.name)
	if err != nil {
		return err
	}
	lo, err := o.options()
	if err != nil {
		return err
	}
	if local.InChild() {
		return local.RunChild(ctx, t)
	}
	if err := o.distinctFiles(); err != nil {
		return err
	}
	file, err := openResult(o.json)
	if err != nil {
		return err
	}
	progress := local.NewProgress(a.stderr, t.Name, a.width)
	lo.Args, lo.Stderr, lo.OnSample = o.args(), progress, progress.Show
	lo.Logger = slog.New(slog.NewTextHandler(progress, &slog.HandlerOptions{Level: slog.LevelWarn}))
	result, err := local.Run(ctx, t, lo)
	if result == nil {
		return err
	}
	progress.Summary(result)
	if werr := file.write(bench.ReportOf(result).WriteJSON); err == nil {
		err = werr
	}
	if err == nil {
		err = printPublished(out, result)
	}
	return err
}

// maxPrinted bounds the results of tasks that are printed, in bytes.
const maxPrinted = 1000

// printPublished writes what tasks have published, as far as it is short text.
func printPublished(out io.Writer, result *local.Result) error {
	for _, p := range result.Sample.Processes {
		for i, task := range p.Tasks {
			var names []string
			for name := range result.Published {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				text, ok := result.Published[name][task]
				if !ok || len(text) > maxPrinted || !utf8.Valid(text) {
					continue
				}
				if _, err := fmt.Fprintf(out, "%s-%d %s: %s\n", p.Components[i], task, name, text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
