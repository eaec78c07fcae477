package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/local"
)

// benchOptions are the flags of all ardea bench commands. Each command has some of them.
type benchOptions struct {
	modes, guarantees           []string
	pending                     int
	containers                  int
	spouts, bolts, words        int
	rates, loads                []float64
	bounds                      []time.Duration
	workload                    workloadOptions
	duration, warmUp            time.Duration
	repeat                      int
	seed                        uint64
	tasksPerProcess             int
	minBatch, maxBatch          int
	inProcess, channel, sockets bool
	pprof                       string
	json                        string
}

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the engine",
		Long: `Measure the engine on this machine. Throughput comes with its price in CPU time of
all processes and beside what a program without an engine reaches; every run
checks that what was sent was counted. Leave the machine alone meanwhile.`,
		Example: `  ardea bench run quick
  ardea bench wordcount --repeat 5
  ardea bench latency --rate 100000
  ardea bench curve
  ardea bench limits
  ardea bench ablation
  ardea bench overhead`,
		Args: cobra.NoArgs,
		RunE: a.help,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return checkGiven(cmd.Flags())
		},
	}
	cmd.AddCommand(
		a.benchRunCommand(), a.benchReadmeCommand(), a.benchWordcountCommand(), a.benchLatencyCommand(), a.benchLimitsCommand(),
		a.benchAblationCommand(), a.benchPGOCommand(), a.benchCompareCommand(), a.benchExplainCommand(),
	)
	cmd.AddCommand(a.benchCurveCommand(), a.benchOverheadCommand(), a.benchPeersCommand())
	return cmd
}

func (a *app) benchWordcountCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "wordcount",
		Short: "Compare forwarding modes by counting random words",
		Long: `Count random words as fast as possible in several forwarding modes, interleaved
with the fused loop: one goroutine that picks words and counts them, no engine.
Other workloads come by name:

` + workloadTable(),
		Example: `  ardea bench wordcount
  ardea bench wordcount --workload sized --size 2048 --modes naive,optimized
  ardea bench wordcount --modes naive,optimized --containers 2 --spouts 2 --bolts 2 --repeat 10
  ardea bench wordcount --modes naive,optimized --guarantee at-most-once,at-least-once
  ardea bench wordcount --modes naive,naive+pool,naive+inplace,naive+lazy,heron2017 --json ablation.json`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return a.measure(cmd.Context(), a.stdout, o, bench.Compare)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.addModes(f, "naive,heron2017,optimized")
	o.addGuarantees(f)
	o.addTasks(f)
	o.addWorkload(f)
	o.addWords(f)
	o.addWindow(f, bench.DefaultDuration)
	f.IntVar(&o.minBatch, "min-batch", 0, "let batches begin with `BYTES` (0: the engine's default)")
	f.IntVar(&o.maxBatch, "max-batch", 0, "let batches grow to `BYTES` (0: the engine's default)")
	addPprof(f, &o.pprof)
	f.BoolVar(&o.channel, "channel", false, "measure the batched channel as well: two goroutines, no engine")
	f.BoolVar(&o.sockets, "sockets", false, "measure the socket relay as well: three goroutines with Unix sockets between them, no engine")
	return cmd
}

func (a *app) benchLimitsCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "limits",
		Short: "Measure what programs without an engine reach",
		Long: `Count random words without an engine, in four ways:

  fused loop       one goroutine picks a word and counts it
  fused loop, map  the same with a plain Go map
  batched channel  one goroutine picks, another counts, 256 words at a time over a channel
  socket relay     a writer, a relay and a reader with Unix sockets between them, 64 KiB at a time`,
		Example: `  ardea bench limits --repeat 5`,
		Args:    cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return a.measure(cmd.Context(), a.stdout, o, bench.MeasureLimits)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.addWords(f)
	o.addWindow(f, bench.DefaultDuration)
	return cmd
}

// config checks the flags and returns what they ask for. Flags that a command
// does not have are zero, which means the default.
func (o *benchOptions) config() (bench.Config, error) {
	guarantees, err := o.promises()
	if err != nil {
		return bench.Config{}, err
	}
	c := bench.Config{
		Guarantees: guarantees, Pending: o.pending,
		Modes: o.modes, Repeat: o.repeat, Containers: o.containers, Spouts: o.spouts, Bolts: o.bolts, Words: o.words,
		Seed: o.seed, Rates: o.rates, Loads: o.loads, Bounds: o.bounds, Duration: o.duration, WarmUp: o.warmUp, TasksPerProcess: o.tasksPerProcess,
		InProcess: o.inProcess, Pprof: o.pprof, MinBatch: o.minBatch, MaxBatch: o.maxBatch, ChildArgs: childArgs,
	}
	w := &o.workload
	c.Workload = bench.Spec{Workload: w.workload, Size: w.size, Keys: w.keys, Skew: w.skew, Map: w.plainMap}
	if o.channel || o.sockets || w.plainMap {
		c.Limits = []string{bench.FusedLoop}
	}
	if w.plainMap {
		c.Limits = append(c.Limits, bench.FusedLoopMap)
	}
	if o.channel {
		c.Limits = append(c.Limits, bench.BatchedChannel)
	}
	if o.sockets {
		c.Limits = append(c.Limits, bench.SocketRelay)
	}
	if err := c.Validate(); err != nil {
		return c, &usageError{err: err}
	}
	return c, nil
}

// measure runs one kind of measurement and prints its report.
func (a *app) measure(ctx context.Context, out io.Writer, o benchOptions, kind func(context.Context, bench.Config) (*bench.Report, error)) error {
	c, err := o.config()
	if err != nil {
		return err
	}
	if err := local.CheckPprof(ctx, c.Pprof); err != nil {
		return &usageError{err: err}
	}
	file, err := openResult(o.json)
	if err != nil {
		return err
	}
	c.Progress, c.Stderr = a.say, a.stderr
	report, err := kind(ctx, c)
	if report == nil {
		return err
	}
	return errors.Join(err, file.write(report.WriteJSON), printReport(out, report))
}

// printReport prints what a report holds; one without any measurement is not worth it.
func printReport(out io.Writer, r *bench.Report) error {
	if len(r.Summaries) == 0 && len(r.Latency) == 0 && len(r.Curves) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(out)
	if err := r.WriteTable(out); err != nil || len(r.Summaries) == 0 {
		return err
	}
	_, _ = fmt.Fprintln(out)
	return r.WriteDetails(out)
}

// say writes a line of progress.
func (a *app) say(line string) { _, _ = fmt.Fprintln(a.stderr, line) }
