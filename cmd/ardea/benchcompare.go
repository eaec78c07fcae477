package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/page"
)

// benchCompareOptions are the flags of ardea bench compare.
type benchCompareOptions struct{ a, b, html, json string }

func (a *app) benchCompareCommand() *cobra.Command {
	var o benchCompareOptions
	cmd := &cobra.Command{
		Use:   "compare A.json B.json",
		Short: "Say how two results differ",
		Long: `Compare two results, section by section and mode by mode: medians with their
intervals, the change, the p-value of the Mann-Whitney U test, and where both
have profiles what has changed in each category of CPU time. B is called faster
or slower only where the runs support it.

A and B are files that 'ardea bench run' wrote as suite.json, or that --json of
the other measurements wrote.`,
		Example: `  ardea bench compare before/suite.json after/suite.json
  ardea bench compare a.json b.json --html difference.html`,
		Args: cobra.ExactArgs(2),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			o.a, o.b = args[0], args[1]
			return a.benchCompare(cmd.Context(), a.stdout, o)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.html, "html", "", "write a page with differential flame graphs to `FILE`")
	f.StringVar(&o.json, "json", "", "write the comparison to `FILE`")
	return cmd
}

func (*app) benchCompare(ctx context.Context, out io.Writer, o benchCompareOptions) error {
	before, err := openSuite(ctx, o.a)
	if err != nil {
		return err
	}
	after, err := openSuite(ctx, o.b)
	if err != nil {
		return err
	}
	html, err := openNamed("--html", o.html)
	if err != nil {
		return err
	}
	file, err := openNamed("--json", o.json)
	if err != nil {
		return err
	}
	c := page.Compare(before, after)
	return errors.Join(c.WriteText(out), html.write(c.WriteHTML), file.write(indented(c)))
}

// openSuite reads a result. The end of ctx ends it at once, whatever the
// reading waits for, with the cause: the program is about to end then, so what
// still reads is left alone.
func openSuite(ctx context.Context, path string) (*bench.Suite, error) {
	type result struct {
		suite *bench.Suite
		err   error
	}
	done := make(chan result, 1)
	go func() {
		s, err := loadSuite(path)
		done <- result{s, err}
	}()
	select {
	case r := <-done:
		return r.suite, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// loadSuite reads a result. What cannot be read is a fault of the command line.
func loadSuite(path string) (*bench.Suite, error) {
	file, err := openBounded(path)
	if err != nil {
		return nil, usagef("%w: name a file that ardea bench wrote", err)
	}
	defer func() { _ = file.Close() }() // it is only read
	s, err := page.Read(file)
	switch {
	case errors.Is(err, page.ErrSchema):
		return nil, usagef("%s: %w: use the version of ardea that wrote it", path, err)
	case err != nil:
		return nil, usagef("%s: %w: name a file that ardea bench wrote with --json or as suite.json", path, err)
	default:
		return s, nil
	}
}

// indented returns what writes v as indented JSON.
func indented(v any) func(io.Writer) error {
	return func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		return nil
	}
}
