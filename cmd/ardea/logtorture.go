package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench/logbench/torture"
)

func (a *app) logTortureCommand() *cobra.Command {
	var c torture.Config
	var json string
	cmd := &cobra.Command{
		Use:   "torture",
		Short: "Kill processes that append, flip bits, and see whether anything is lost",
		Long: `Test durable logs on the disk that they will be on. Processes append with all
levels from several writers to several logs, and are killed (kill -9) at random
moments. Then all is read: each record that was acknowledged must be there, with
its bytes and in order; none twice, none that nobody appended. Bits of copies of
the store are flipped: that must be told, or make no difference. It needs 256 MiB of
room, and says so before it begins.

The status is 1 when a promise was broken; the store is then left for a look.
A kill does not empty the system's cache: this does not replace pulling the plug.`,
		Example: `  ardea log torture --dir /var/lib/scratch --duration 10m
  ardea log torture --seed 42 --json torture.json`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error { return a.logTorture(cmd.Context(), c, json) }),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&c.Dir, "dir", "", "write below `DIR` (default: the system's folder for temporary files)")
	f.DurationVar(&c.Duration, "duration", torture.DefaultDuration, "go on for `TIME`")
	f.Uint64Var(&c.Seed, "seed", 0, "choose as in the run with the seed `N` (0: a random one)")
	f.BoolVar(&c.Keep, "keep", false, "leave the last store where it is")
	f.StringVar(&json, "json", "", "write the counts to `FILE`")
	cmd.AddCommand(a.logTortureChildCommand())
	return cmd
}

func (a *app) logTortureChildCommand() *cobra.Command {
	return &cobra.Command{
		Use:    victimName + " SPEC",
		Short:  "Append until it is killed; started by ardea itself",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return torture.Child(cmd.Context(), args[0], a.stdout)
		}),
	}
}

// errBroken says that a store broke its promises.
var errBroken = errors.New("the store broke its promises")

func (a *app) logTorture(ctx context.Context, c torture.Config, json string) error {
	c.Progress = a.say
	c.ChildArgs = func(spec string) []string { return []string{"log", "torture", victimName, spec} }
	if c.Duration == 0 {
		c.Duration = time.Nanosecond // of a Config 0 is the default
	}
	if err := c.Validate(); err != nil {
		return &usageError{err: err}
	}
	file, err := openResult(json)
	if err != nil {
		return err
	}
	report, err := torture.Run(ctx, c)
	if report == nil {
		return err
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", errInterrupted, err)
	}
	if !report.OK() {
		err = errors.Join(errBroken, err)
	}
	if report.KeptIn != "" {
		a.say("left in " + report.KeptIn)
	}
	return errors.Join(err, file.write(report.WriteJSON), report.WriteText(a.stdout))
}
