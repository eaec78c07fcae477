package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench/page"
)

// defaultCosts is how many costs ardea bench explain prints of each mode.
const defaultCosts = 10

// benchExplainOptions are the flags of ardea bench explain.
type benchExplainOptions struct {
	file  string
	scope page.Scope
	top   int
	json  string
}

func (a *app) benchExplainCommand() *cobra.Command {
	var o benchExplainOptions
	cmd := &cobra.Command{
		Use:   "explain SUITE.json",
		Short: "Rank what the next nanoseconds would buy",
		Long: `Rank what the CPU time of a tuple is spent on: by category and by what the
processes do, with the functions that are responsible, and by how much the
throughput could grow at most if the category cost nothing.

SUITE.json is a file that 'ardea bench run' wrote, of a matrix with profiles.`,
		Example: `  ardea bench explain results/suite.json
  ardea bench explain results/suite.json --mode naive --role "stream managers"`,
		Args: cobra.ExactArgs(1),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			o.file = args[0]
			return a.benchExplain(cmd.Context(), a.stdout, o)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.scope.Section, "section", "", "explain only the section `NAME`")
	f.StringVar(&o.scope.Mode, "mode", "", "explain the `MODE`; without it the mode optimized, or all where there is none")
	f.StringVar(&o.scope.Role, "role", "", "explain only processes of the `ROLE`, such as \"stream managers\"")
	f.IntVar(&o.top, "top", defaultCosts, "print the `N` greatest costs of each mode, 0 for all")
	f.StringVar(&o.json, "json", "", "write all of it to `FILE`")
	return cmd
}

func (*app) benchExplain(ctx context.Context, out io.Writer, o benchExplainOptions) error {
	if o.top < 0 {
		return usagef("--top %d: use 0 or more", o.top)
	}
	s, err := openSuite(ctx, o.file)
	if err != nil {
		return err
	}
	list, err := page.Explain(s, o.scope)
	if err != nil {
		return usagef("%s: %w", o.file, err)
	}
	file, err := openNamed("--json", o.json)
	if err != nil {
		return err
	}
	return errors.Join(page.WriteExplanations(out, list, o.top), file.write(indented(list)))
}
