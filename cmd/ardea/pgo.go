package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
)

// maxGuide bounds the profile that stands in the repository, in bytes.
const maxGuide = 1 << 20

// benchPGOCommand is for who builds the program: make pgo and make pgo-gain call it.
func (a *app) benchPGOCommand() *cobra.Command {
	var o ablationOptions
	var output string
	cmd := &cobra.Command{
		Use:    "pgo",
		Short:  "Make the profile that guides the compiler, or measure what it gains",
		Hidden: true,
		Long: `With --output, run some workloads in all modes and write the CPU profiles of all
processes as one, for go build -pgo. With --no-pgo, run the random words with this
program and with the other one in turn, and print the gain.`,
		Example: `  ardea bench pgo --output cmd/ardea/default.pgo
  ardea bench pgo --no-pgo bin/ardea-nopgo --repeat 10`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			switch {
			case (output == "") == (o.noPGO == ""):
				return usagef("give either --output or --no-pgo")
			case output != "":
				return a.recordPGO(cmd.Context(), o, output)
			default:
				return a.comparePGO(cmd.Context(), o)
			}
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&output, "output", "", "write a profile to `FILE`")
	f.StringVar(&o.noPGO, "no-pgo", "", "compare with `PROGRAM`, this one built with -pgo=off")
	o.addModes(f, "naive,heron2017,optimized")
	o.addTasks(f)
	o.addWords(f)
	o.addWindow(f, 5*time.Second)
	return cmd
}

func (a *app) recordPGO(ctx context.Context, o ablationOptions, output string) error {
	c, err := o.config()
	if err != nil {
		return err
	}
	file, err := openNamed("--output", output)
	if err != nil {
		return err
	}
	c.Progress, c.Stderr = a.say, a.stderr
	var guide bytes.Buffer
	if err := bench.RecordPGO(ctx, c, &guide); err != nil {
		return err
	}
	if guide.Len() > maxGuide {
		return fmt.Errorf("the profile has %d bytes, allowed are %d: measure for a shorter --duration", guide.Len(), maxGuide)
	}
	err = file.write(func(w io.Writer) error {
		_, err := w.Write(guide.Bytes())
		return err
	})
	if err == nil {
		a.say(fmt.Sprintf("%s: %d bytes", output, guide.Len()))
	}
	return err
}

func (a *app) comparePGO(ctx context.Context, o ablationOptions) error {
	c, file, err := a.ablationConfig(o)
	if err != nil {
		return err
	}
	report, err := bench.ComparePGO(ctx, c)
	if report == nil || len(report.Runs) == 0 {
		return err
	}
	_, _ = fmt.Fprintln(a.stdout)
	return errors.Join(err, file.write(report.WriteJSON), report.WriteTable(a.stdout))
}
