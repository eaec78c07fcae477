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
	"github.com/ardea-stream/ardea/bench/page"
	"github.com/ardea-stream/ardea/bench/rivals"
)

func (a *app) benchReadmeCommand() *cobra.Command {
	var suite, peers string
	cmd := &cobra.Command{
		Use:   "readme FILE",
		Short: "Put measured tables into a Markdown file",
		Long: `Replace what stands in a Markdown file between the lines ` + bench.ReadmeBegin + ` and
` + bench.ReadmeEnd + ` by the tables of a measured suite, or between ` + bench.ProfilesBegin + ` and
` + bench.ProfilesEnd + ` by those of its profiles. make bench does it to README.md and docs/profiling.md.
With --peers the tables are those of ardea bench peers, between ` + rivals.MarkBegin + ` and
` + rivals.MarkEnd + `; make bench-peers does that to docs/peers.md.`,
		Example: `  ardea bench readme --suite ardea-report/suite.json README.md`,
		Hidden:  true, // it is for this project
		Args:    cobra.ExactArgs(1),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			if peers != "" {
				return refreshPeers(peers, args[0])
			}
			return refreshReadme(suite, args[0])
		}),
	}
	cmd.Flags().StringVar(&suite, "suite", filepath.Join(reportDir, "suite.json"), "take the tables from `FILE`")
	cmd.Flags().StringVar(&peers, "peers", "", "take the tables from `FILE`, which ardea bench peers --json has written")
	return cmd
}

// refreshReadme puts the tables of a suite into a text, which stays as it was if anything is wrong.
func refreshReadme(suite, readme string) error {
	s, err := readSuite("--suite", suite)
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
	return writeFresh(readme, fresh, err)
}

// refreshPeers puts the tables of a measurement of peers into a text, which stays as it was if anything is wrong.
func refreshPeers(report, readme string) error {
	data, err := readText(report)
	if err != nil {
		return usagef("--peers: %w: name the file of ardea bench peers --json", err)
	}
	var r rivals.Report
	if err := json.Unmarshal(data, &r); err != nil {
		return usagef("--peers: %s: %w: name the file of ardea bench peers --json", report, err)
	}
	text, err := readText(readme)
	if err != nil {
		return usagef("%w: name a Markdown file", err)
	}
	fresh, err := rivals.Refresh(text, &r)
	return writeFresh(readme, fresh, err)
}

// writeFresh replaces a text, unless there is an error.
func writeFresh(readme string, fresh []byte, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	return matrix.WriteFile(readme, func(w io.Writer) error {
		_, err := w.Write(fresh)
		return err
	})
}

// readSuite reads what ardea bench run has written.
func readSuite(flag, path string) (*bench.Suite, error) {
	file, err := openBounded(path)
	if err != nil {
		return nil, usagef("%s: %w: name the suite.json of ardea bench run", flag, err)
	}
	defer func() { _ = file.Close() }() // it is only read
	s, err := page.ReadSuite(file)
	if err != nil {
		return nil, usagef("%s: %s: %w: name the suite.json of ardea bench run", flag, path, err)
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
