package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench/logbench"
)

func (a *app) logBenchCommand() *cobra.Command {
	var c logbench.Config
	var json, cpu, coldBytes, recoverBytes string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure durable logs on this machine's disk",
		Long: `Measure durable logs, each figure beside its limit, which is measured in turn with
it on the same disk. Every run reads back what it has written. Leave the machine
alone meanwhile. The figures:

  append   durable appends of many writers, beside a bare group-commit loop
  single   one writer, beside a bare write and fdatasync
  tail     from an append to a reader, beside a sync and a channel
  catchup  appends beside a reader of a cold log, paced and not
  recovery opening a store after kill -9, beside reading its journal
  many     many logs: memory, opening, appends beside a store of few
  peers    other engines, with --peers
  allocs   allocations for each record

The status is 0 also when a figure falls short of what was asked: it is a
measurement. It is 1 when a record was lost, changed or invented.`,
		Example: `  ardea log bench --dir /var/lib/scratch
  ardea log bench --only append,single --duration 2s --repeat 9 --json log.json
  ardea log bench --only catchup --cold-bytes 1GiB
  ardea log bench --only append --cpu-profile cpu.pb.gz
  ardea log bench --only peers --peers ./logpeers`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			for flag, to := range map[string]struct {
				text string
				n    *int64
			}{"--cold-bytes": {coldBytes, &c.ColdBytes}, "--recover-bytes": {recoverBytes, &c.Recover}} {
				n, err := parseBytes(to.text)
				if err != nil {
					return usagef("%s: %w", flag, err)
				}
				*to.n = n
			}
			return a.logBench(cmd.Context(), c, json, cpu)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&c.Dir, "dir", "", "write below `DIR` (default: the system's folder for temporary files)")
	f.StringSliceVar(&c.Only, "only", nil, "measure only the figures of `LIST`")
	f.DurationVar(&c.Duration, "duration", logbench.DefaultDuration, "measure for `TIME` in each run")
	f.IntVar(&c.Repeat, "repeat", logbench.DefaultRepeat, "measure everything `N` times")
	f.StringVar(&coldBytes, "cold-bytes", "4GiB", "catch up with a log of `BYTES`")
	f.StringVar(&recoverBytes, "recover-bytes", "1GiB", "recover a journal of `BYTES`")
	f.IntVar(&c.Logs, "logs", logbench.DefaultLogs, "take `N` logs for many")
	f.StringVar(&c.PeerProgram, "peers", "", "measure the engines of `PROGRAM`, which is logpeers")
	f.BoolVar(&c.Keep, "keep", false, "leave what was written where it is")
	f.StringVar(&json, "json", "", "write the report to `FILE`")
	f.StringVar(&cpu, "cpu-profile", "", "write a CPU profile of all of it, limits too, to `FILE`")
	cmd.AddCommand(a.logBenchVictimCommand())
	return cmd
}

// victimName is the hidden command of a process that is to be killed.
const victimName = "victim"

func (a *app) logBenchVictimCommand() *cobra.Command {
	return &cobra.Command{
		Use:    victimName + " SPEC",
		Short:  "Fill a store and wait to be killed; started by ardea itself",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			in := a.stdin
			if in == nil {
				in = strings.NewReader("")
			}
			return logbench.Victim(cmd.Context(), args[0], in, a.stdout)
		}),
	}
}

func (a *app) logBench(ctx context.Context, c logbench.Config, json, cpu string) error {
	if c.Duration == 0 || c.Repeat == 0 || c.Logs == 0 { // of a Config they are defaults
		return usagef("--duration, --repeat and --logs must be more than 0")
	}
	if err := c.Validate(); err != nil {
		return &usageError{err: err}
	}
	file, err := openResult(json)
	if err != nil {
		return err
	}
	profile, err := openNamed("--cpu-profile", cpu)
	if err != nil {
		return err
	}
	var recorded bytes.Buffer
	if cpu != "" {
		if err := pprof.StartCPUProfile(&recorded); err != nil {
			return err
		}
	}
	c.Progress = a.say
	c.VictimArgs = func(spec string) []string { return []string{"log", "bench", victimName, spec} }
	report, err := logbench.Run(ctx, c)
	pprof.StopCPUProfile()
	if report == nil || len(report.Figures) == 0 {
		return err
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", errInterrupted, err)
	}
	whole := func(w io.Writer) error {
		_, err := recorded.WriteTo(w)
		return err
	}
	return errors.Join(err, file.write(report.WriteJSON), profile.write(whole), a.printLogReport(report))
}

func (a *app) printLogReport(report *logbench.Report) error {
	_, _ = fmt.Fprintln(a.stdout)
	return report.WriteTable(a.stdout)
}
