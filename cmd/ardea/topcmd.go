package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/local"
)

const (
	topEvery    = time.Second
	topPatience = 5 * time.Second // for an answer of the run
)

// topOptions are the flags of ardea top.
type topOptions struct {
	run, dir          string
	once, json, tasks bool
}

func (a *app) topCommand() *cobra.Command {
	var o topOptions
	cmd := &cobra.Command{
		Use:   "top [TOPOLOGY|PID|DIR]",
		Short: "Watch a running topology",
		Long: `Watch a topology that runs on this machine under your name, whatever program runs
it: rates, queues, latencies and errors of its components, and what its processes
use, refreshed every second. Without a name it is the only one that runs.

Keys: t shows and hides tasks, the arrows and PgUp, PgDn, Home, End scroll, q or
Ctrl-C quits. Where there is no terminal it prints one picture, of one second.`,
		Example: `  ardea top
  ardea top wordcount
  ardea top 4711 --once --tasks
  ardea top wordcount --json`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1, len(args) == 1 && o.dir != "":
				return usagef("several runs are named: name one, by its topology, its pid or --dir")
			case len(args) == 1:
				o.run = args[0]
			}
			return nil
		},
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error { return a.top(cmd.Context(), o) }),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.tasks, "tasks", false, "show the tasks of each component from the start")
	f.BoolVar(&o.once, "once", false, "print one picture and end")
	f.BoolVar(&o.json, "json", false, "print one sample as JSON and end")
	f.StringVar(&o.dir, "dir", "", "look for the run in run directory `DIR`, for those that were given one")
	return cmd
}

// top shows a run.
func (a *app) top(ctx context.Context, o topOptions) error {
	run, err := findRun(ctx, o.run, o.dir)
	if err != nil {
		return err
	}
	v := &topView{run: run, tasks: o.tasks}
	terminal := a.console()
	switch {
	case o.json:
		err = a.topJSON(ctx, run)
	case o.once || terminal == nil:
		err = a.topOnce(ctx, v)
	default:
		err = watch(ctx, v, terminal)
	}
	if runEnded(err) {
		_, err = fmt.Fprintf(a.stdout, "%s, pid %d, has ended\n", run.Topology, run.PID)
	}
	return err
}

// runEnded reports whether an error says that the run is no more.
func runEnded(err error) bool {
	return errors.Is(err, local.ErrEnded) || errors.Is(err, local.ErrNotRunning)
}

// errSilent says that the run does not answer.
var errSilent = fmt.Errorf("no answer for %v: is the run stopped, or the machine busy?", topPatience)

// sampleOf asks a run and does not wait for ever.
func sampleOf(ctx context.Context, run *local.Running) (*local.Sample, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, topPatience, errSilent)
	defer cancel()
	return run.Sample(ctx)
}

func (a *app) topJSON(ctx context.Context, run *local.Running) error {
	s, err := sampleOf(ctx, run)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}

// topOnce prints two samples' worth.
func (a *app) topOnce(ctx context.Context, v *topView) error {
	for i := range 2 {
		if i > 0 {
			timer := time.NewTimer(topEvery)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		s, err := sampleOf(ctx, v.run)
		if err != nil {
			return err
		}
		v.take(s)
	}
	_, err := fmt.Fprint(a.stdout, v.plain())
	return err
}
