package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/matrix"
	"github.com/ardea-stream/ardea/bench/page"
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
	text, err := readText(readme)
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
	file, err := openBounded(path)
	if err != nil {
		return nil, usagef("--suite: %w: name the suite.json of ardea bench run", err)
	}
	defer func() { _ = file.Close() }() // it is only read
	s, err := page.ReadSuite(file)
	if err != nil {
		return nil, usagef("--suite: %s: %w: name the suite.json of ardea bench run", path, err)
	}
	return s, nil
}

// readText reads a text, of which no more than a result may have.
func readText(path string) ([]byte, error) {
	file, err := openBounded(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it is only read
	text, err := io.ReadAll(io.LimitReader(file, page.MaxFile+1))
	if err == nil && len(text) > page.MaxFile {
		err = errTooLarge(path)
	}
	return text, err
}

// openBounded opens a file that is no larger than results are, as far as that is known before it is read.
func openBounded(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() > page.MaxFile {
		err = errTooLarge(path)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func errTooLarge(path string) error {
	return fmt.Errorf("%s is larger than %d MiB", path, page.MaxFile>>20)
}
