package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/local"
)

// benchOptions are the flags of all ardea bench commands. Each command has some of them.
type benchOptions struct {
	modes, acks                 []string
	containers                  int
	spouts, bolts, words        int
	rate                        float64
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
  ardea bench limits
  ardea bench ablation`,
		Args: cobra.NoArgs,
		RunE: a.help,
	}
	cmd.AddCommand(
		a.benchRunCommand(), a.benchReadmeCommand(), a.benchWordcountCommand(), a.benchLatencyCommand(), a.benchLimitsCommand(),
		a.benchAblationCommand(), a.benchPGOCommand(), a.benchCompareCommand(), a.benchExplainCommand(),
	)
	return cmd
}

func (a *app) benchWordcountCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "wordcount",
		Short: "Compare forwarding modes by counting random words",
		Long: `Count random words as fast as possible in several forwarding modes, interleaved
with the fused loop: one goroutine that picks words and counts them, no engine.`,
		Example: `  ardea bench wordcount
  ardea bench wordcount --modes naive,optimized --containers 2 --spouts 2 --bolts 2 --repeat 10
  ardea bench wordcount --modes naive,naive+pool,naive+inplace,naive+lazy,heron2017 --json ablation.json`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			if err := checkAcks(o.acks); err != nil {
				return err
			}
			return a.measure(cmd.Context(), a.stdout, o, bench.Compare)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.addModes(f, "naive,heron2017,optimized")
	f.StringSliceVar(&o.acks, "acks", []string{"off"}, "run with `ACKS`: off; on comes with at-least-once, not in this version")
	o.addTasks(f)
	o.addWords(f)
	o.addWindow(f, bench.DefaultDuration)
	f.IntVar(&o.minBatch, "min-batch", 0, "let batches begin with `BYTES` (0: the engine's default)")
	f.IntVar(&o.maxBatch, "max-batch", 0, "let batches grow to `BYTES` (0: the engine's default)")
	addPprof(f, &o.pprof)
	f.BoolVar(&o.channel, "channel", false, "measure the batched channel as well: two goroutines, no engine")
	f.BoolVar(&o.sockets, "sockets", false, "measure the socket relay as well: three goroutines with Unix sockets between them, no engine")
	return cmd
}

func (a *app) benchLatencyCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "latency",
		Short: "Measure the latency at a fixed rate",
		Long: `Send tuples at a fixed rate from a spout to a bolt, over two hops, and take the
time from the instant that each was due to its execution. Nothing waits for the
engine: a tuple that is sent late counts as late.`,
		Example: `  ardea bench latency
  ardea bench latency --rate 1000000 --containers 2 --repeat 5 --json latency.json`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return a.measure(cmd.Context(), a.stdout, o, bench.MeasureLatency)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Float64Var(&o.rate, "rate", bench.DefaultRate, "send `N` tuples a second")
	o.addModes(f, local.DefaultMode)
	f.IntVar(&o.containers, "containers", 1, "run `N` stream managers; with 2 the tuples pass both")
	o.addWindow(f, bench.DefaultDuration)
	return cmd
}

func (a *app) benchLimitsCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "limits",
		Short: "Measure what programs without an engine reach",
		Long: `Count random words without an engine, in three ways:

  fused loop       one goroutine picks a word and counts it
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

func (o *benchOptions) addModes(f *pflag.FlagSet, standard string) {
	usage := "measure the `MODES`, separated by commas: " + strings.Join(dataplane.Modes, ", ") +
		", naive with any of +pool, +inplace, +lazy, or optimized without what ardea bench ablation -h lists, as in optimized-hash"
	f.StringSliceVar(&o.modes, "modes", strings.Split(standard, ","), usage)
}

func (o *benchOptions) addTasks(f *pflag.FlagSet) {
	f.IntVar(&o.containers, "containers", 1, "run `N` stream managers, the tasks dealt to them in turn")
	f.IntVar(&o.spouts, "spouts", 1, "run `N` tasks that send words")
	f.IntVar(&o.bolts, "bolts", 1, "run `N` tasks that count words")
	f.IntVar(&o.tasksPerProcess, "tasks-per-process", 1, "let up to `N` tasks share a process")
	f.BoolVar(&o.inProcess, "in-process", false, "run everything in this process, for profiles")
}

func (o *benchOptions) addWords(f *pflag.FlagSet) {
	f.IntVar(&o.words, "words", bench.DefaultWords, "draw from `N` different words")
	f.Uint64Var(&o.seed, "seed", 1, "draw other words for another `N`")
}

func (o *benchOptions) addWindow(f *pflag.FlagSet, standard time.Duration) {
	f.DurationVar(&o.duration, "duration", standard, "measure for `TIME` in every run")
	f.DurationVar(&o.warmUp, "warm-up", bench.DefaultWarmUp, "let a run become steady for up to `TIME` before")
	f.IntVar(&o.repeat, "repeat", 3, "measure everything `N` times, in turn")
	f.StringVar(&o.json, "json", "", "write the report to `FILE`")
}

// checkAcks refuses what this version cannot do.
func checkAcks(acks []string) error {
	for _, v := range acks {
		switch v {
		case "off":
		case "on":
			return usagef("--acks on: acks come with at-least-once, not in this version: leave it off")
		default:
			return usagef("--acks %s: use off", v)
		}
	}
	return nil
}

// config checks the flags and returns what they ask for. Flags that a command
// does not have are zero, which means the default.
func (o *benchOptions) config() (bench.Config, error) {
	c := bench.Config{
		Modes: o.modes, Repeat: o.repeat, Containers: o.containers, Spouts: o.spouts, Bolts: o.bolts, Words: o.words,
		Seed: o.seed, Rate: o.rate, Duration: o.duration, WarmUp: o.warmUp, TasksPerProcess: o.tasksPerProcess,
		InProcess: o.inProcess, Pprof: o.pprof, MinBatch: o.minBatch, MaxBatch: o.maxBatch, ChildArgs: childArgs,
	}
	if o.channel || o.sockets {
		c.Limits = []string{bench.FusedLoop}
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
	if len(r.Summaries) == 0 && len(r.Latency) == 0 {
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
