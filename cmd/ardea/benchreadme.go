package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/matrix"
)

func (a *app) benchReadmeCommand() *cobra.Command {
	var suite string
	cmd := &cobra.Command{
		Use:   "readme FILE",
		Short: "Put measured tables into a Markdown file",
		Long: `Replace what stands in a Markdown file between the lines ` + bench.ReadmeBegin + ` and
` + bench.ReadmeEnd + ` by the tables of a measured suite, or between ` + bench.ProfilesBegin + ` and
` + bench.ProfilesEnd + ` by those of its profiles. make bench does it to README.md and docs/profiling.md.`,
		Example: `  ardea bench readme --suite ardea-report/suite.json README.md`,
		Hidden:  true, // it is for this project
		Args:    cobra.ExactArgs(1),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			return refreshReadme(suite, args[0])
		}),
	}
	cmd.Flags().StringVar(&suite, "suite", filepath.Join(reportDir, "suite.json"), "take the tables from `FILE`")
	return cmd
}

// refreshReadme puts the tables of a suite into a text, which stays as it was if anything is wrong.
func refreshReadme(suite, readme string) error {
	s, err := readSuite(suite)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		return usagef("%w: name a Markdown file", err)
	}
	refresh := bench.RefreshReadme
	if bytes.Contains(text, []byte(bench.ProfilesBegin)) {
		refresh = bench.RefreshProfiles
	}
	fresh, err := refresh(text, s)
	if err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	return matrix.WriteFile(readme, func(w io.Writer) error {
		_, err := w.Write(fresh)
		return err
	})
}

// readSuite reads what ardea bench run has written.
func readSuite(path string) (*bench.Suite, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("--suite: %w: name the suite.json of ardea bench run", err)
	}
	s := &bench.Suite{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, usagef("--suite: %s: %w: name the suite.json of ardea bench run", path, err)
	}
	if s.Schema != bench.SuiteSchema {
		return nil, usagef("--suite: %s has the schema %q, not %q: name the suite.json of ardea bench run", path, s.Schema, bench.SuiteSchema)
	}
	return s, nil
}
