package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench/page"
	"github.com/ardea-stream/ardea/bench/rivals"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// peersDir is where make peers puts the adapters.
const peersDir = "bin/peers"

func (a *app) benchPeersCommand() *cobra.Command {
	var c rivals.Config
	var adapters, json, html string
	cmd := &cobra.Command{
		Use:   "peers",
		Short: "Measure other systems on the same words",
		Long: `Count the same words in other systems and in Ardea, one system at a time, repeats
interleaved. CPU time is that of all processes of a system, brokers included, and
every count is checked against the words that were drawn. Systems are reached
through adapters, which make peers builds; one that cannot run here is left out
with a line that says why. Latencies are measured in an open loop, at 100,000
draws a second and at 70 % of a system's own maximum.

The plan is printed first. It makes as many repeats as fit into --budget.

--plant-wrong-count tests the check itself: each row runs once, the adapter spoils
a count, and the command fails if a row's counts are taken for right.`,
		Example: `  ardea bench peers --json peers.json
  ardea bench peers --peers ardea,channels,nats/core --repeat 5
  ardea bench peers --peers flink --workloads words175k,sentences
  ardea bench peers --smoke
  ardea bench peers --plant-wrong-count swapped --duration 1s --warm-up 1s`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return a.benchPeers(cmd.Context(), c, adapters, json, html)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&c.Peers, "peers", nil, "measure only `LIST`: peers with all their variants, or peer/variant")
	f.StringSliceVar(&c.Workloads, "workloads", nil, "measure only `LIST`: words175k, words20, sentences, pipeline; the first has the most repeats, and the latencies")
	f.IntVar(&c.Repeat, "repeat", rivals.DefaultRepeat, "measure up to `N` times, in turn")
	f.DurationVar(&c.Duration, "duration", rivals.DefaultDuration, "measure for `TIME` in every run")
	f.DurationVar(&c.WarmUp, "warm-up", rivals.DefaultWarmUp, "let a run become steady for up to `TIME` before")
	f.DurationVar(&c.Budget, "budget", rivals.DefaultBudget, "take no longer than `TIME` in all")
	f.IntVar(&c.Parallelism, "parallelism", 1, "run `N` sources and N counting tasks")
	f.BoolVar(&c.Smoke, "smoke", false, "run one row of each adapter once, to see that it works")
	f.BoolVar(&c.NoLatency, "no-latency", false, "measure no latencies")
	f.StringVar(&adapters, "adapters", peersDir, "take the adapters in `DIR`")
	f.StringVar(&c.Dir, "dir", "", "let systems write below `DIR` (default: the system's folder for temporary files)")
	f.StringVar(&c.Plant, "plant-wrong-count", "", "measure nothing, but see that the check catches `FAULT` in each row: "+strings.Join(contract.Plants(), ", "))
	f.StringVar(&json, "json", "", "write the report to `FILE`")
	f.StringVar(&html, "html", "", "write a page with charts to `FILE`")
	return cmd
}

func (a *app) benchPeers(ctx context.Context, c rivals.Config, adapters, json, html string) error {
	found, err := rivals.FindAdapters(adapters)
	if err != nil {
		return &usageError{err: err}
	}
	if len(found) == 0 {
		a.say("no adapters in " + adapters + ", so there is only Ardea: make peers builds them")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.Adapters = append([]rivals.Adapter{{Name: "ardea", Args: []string{self, peerName}}}, found...)
	c.Root = sourceRoot()
	if err := c.Validate(); err != nil {
		return &usageError{err: err}
	}
	if c.Plant != "" {
		if json != "" || html != "" {
			return &usageError{err: errors.New("--plant-wrong-count measures nothing: leave --json and --html out")}
		}
		return a.plantWrongCounts(ctx, c)
	}
	file, err := openResult(json)
	if err != nil {
		return err
	}
	charts, err := openNamed("--html", html)
	if err != nil {
		return err
	}
	report, err := a.measurePeers(ctx, c)
	if report == nil {
		return err
	}
	report.Command = strings.Join(append([]string{"ardea"}, os.Args[1:]...), " ")
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", errInterrupted, err)
	}
	_, _ = fmt.Fprintln(a.stdout)
	return errors.Join(err, file.write(report.WriteJSON), report.WriteTable(a.stdout),
		charts.write(func(w io.Writer) error { return page.WritePeersHTML(w, report) }))
}

// measurePeers returns no report if nothing could be measured.
func (a *app) measurePeers(ctx context.Context, c rivals.Config) (*rivals.Report, error) {
	c.Progress = a.say
	report, err := rivals.Measure(ctx, c)
	if _, unknown := errors.AsType[*rivals.UnknownError](err); unknown {
		return nil, &usageError{err: err}
	}
	return report, err
}

// plantWrongCounts runs each row once with a wrong count and tells which were caught.
func (a *app) plantWrongCounts(ctx context.Context, c rivals.Config) error {
	report, err := a.measurePeers(ctx, c)
	if report == nil || len(report.Rows) == 0 {
		return err
	}
	p := report.Planted()
	_, err = fmt.Fprintln(a.stdout, p)
	if ctx.Err() != nil {
		err = errInterrupted
	}
	return errors.Join(err, p.Err())
}

// sourceRoot returns the folder of this repository if the command runs in it, else nothing.
func sourceRoot() string {
	if _, err := os.Stat(filepath.Join("bench", "peers", "README.md")); err != nil {
		return ""
	}
	return "."
}
