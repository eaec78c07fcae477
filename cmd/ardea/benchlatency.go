package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/local"
)

func (a *app) benchLatencyCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "latency",
		Short: "Measure the latency at fixed rates",
		Long: `Send tuples at fixed rates from a spout to a bolt, over two hops, and take the
time from the instant that each was due to its execution and, with at-least-once,
to the ack that completes it. Nothing waits for the engine: a tuple that is sent
late counts as late. The same schedule over two sockets without an engine shows
what the machine takes.`,
		Example: `  ardea bench latency
  ardea bench latency --rate 10000,100000,500000,1000000 --load 0.1,0.5,0.7,0.9
  ardea bench latency --guarantee at-least-once --load 0.5
  ardea bench latency --rate 1000000 --containers 2 --repeat 5 --json latency.json`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return a.measure(cmd.Context(), a.stdout, o, bench.MeasureLatency)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.addRates(f, " (default "+strconv.Itoa(bench.DefaultRate)+")", "")
	o.addModes(f, local.DefaultMode)
	o.addGuarantees(f)
	f.IntVar(&o.containers, "containers", 1, "run `N` stream managers; with 2 the tuples pass both")
	o.addWindow(f, bench.DefaultDuration)
	return cmd
}

func (a *app) benchCurveCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "curve",
		Short: "Measure the latency against the load",
		Long: `Measure the capacity, then the latency at rising shares of it, and look for the
highest rates at which the 99th percentile stays within some bounds.`,
		Example: `  ardea bench curve
  ardea bench curve --modes naive,heron2017,optimized --load 0.1,0.5,0.7,0.9 --bound 1ms,10ms --json curve.json`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return a.measure(cmd.Context(), a.stdout, o, func(ctx context.Context, c bench.Config) (*bench.Report, error) {
				s, err := bench.MeasureCurve(ctx, c)
				return s.Report(), err
			})
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.addRates(f, "", " (default 0.1 to 0.95)")
	f.DurationSliceVar(&o.bounds, "bound", bench.DefaultBounds(), "look for the highest rates whose 99th percentile is within `TIMES`")
	o.addModes(f, local.DefaultMode)
	o.addGuarantees(f)
	f.IntVar(&o.containers, "containers", 1, "run `N` stream managers; with 2 the tuples pass both")
	o.addDuration(f, 5*time.Second)
	f.StringVar(&o.json, "json", "", "write the report to `FILE`")
	return cmd
}

func (a *app) benchOverheadCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "overhead",
		Short: "Measure what measuring takes",
		Long: `Count random words in runs that are left alone, in runs that are observed as in a
comparison of modes, and in runs whose tuples carry the instant at which they
were sent. Every repeat has one run of each, in turn first; each is compared with
the run of the same repeat that was left alone.`,
		Example: `  ardea bench overhead
  ardea bench overhead --repeat 30 --json overhead.json`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return a.overhead(cmd.Context(), o)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.modes, "mode", []string{local.DefaultMode}, "measure in the mode `MODE`")
	o.addTasks(f)
	o.addWords(f)
	o.addDuration(f, bench.DefaultDuration)
	f.IntVar(&o.repeat, "repeat", 12, "measure everything `N` times; under "+strconv.Itoa(bench.LeastPaired)+" show nothing")
	f.StringVar(&o.json, "json", "", "write the report to `FILE`")
	return cmd
}

// overhead measures and prints what measuring takes.
func (a *app) overhead(ctx context.Context, o benchOptions) error {
	if len(o.modes) != 1 {
		return usagef("--mode: name one mode")
	}
	c, err := o.config()
	if err != nil {
		return err
	}
	file, err := openResult(o.json)
	if err != nil {
		return err
	}
	c.Progress, c.Stderr = a.say, a.stderr
	report, err := bench.MeasureOverhead(ctx, c)
	if report == nil {
		return err
	}
	return errors.Join(err, file.write(report.WriteJSON), report.WriteTable(a.stdout))
}
