package wordcount

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea/topology"
)

// TotalsName is the name under which the sink publishes Totals.
const TotalsName = "totals"

// Totals is what the sink publishes, as JSON.
type Totals struct {
	Words    int64 `json:"words"`    // occurrences
	Distinct int   `json:"distinct"` // different words
}

// sink gathers all counts and writes them sorted.
type sink struct {
	path string

	task *topology.Task
	temp *os.File // becomes path when it is complete; nil without a path
	// inPlace says that path is no regular file, and temp that file itself.
	inPlace bool
	rows    []row
}

type row struct {
	word  string
	count int64
}

// Open creates a temporary file beside the output, so that a place that cannot
// be written to is known before the work is done. A device or pipe is written
// to as it is, and a link keeps pointing to the file that it names.
func (s *sink) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	s.task = task
	if s.path == "" {
		return nil
	}
	if target, err := filepath.EvalSymlinks(s.path); err == nil {
		s.path = target
	}
	if info, err := os.Stat(s.path); err == nil && !info.Mode().IsRegular() {
		if s.temp, err = os.OpenFile(s.path, os.O_WRONLY, 0); err != nil {
			return fmt.Errorf("wordcount: output: %w", err)
		}
		s.inPlace = true
		return nil
	}
	temp, err := os.CreateTemp(filepath.Dir(s.path), "."+filepath.Base(s.path)+".*")
	if err != nil {
		return fmt.Errorf("wordcount: output: %w", err)
	}
	s.temp = temp
	return nil
}

// Execute keeps one word and its count.
func (s *sink) Execute(t *topology.Tuple) error {
	word, err := t.String(0)
	if err != nil {
		return err
	}
	n, err := t.Int(1)
	if err != nil {
		return err
	}
	s.rows = append(s.rows, row{word, n})
	return nil
}

// Finish writes the file and publishes the totals.
func (s *sink) Finish() error {
	slices.SortFunc(s.rows, func(a, b row) int { return strings.Compare(a.word, b.word) })
	totals := Totals{Distinct: len(s.rows)}
	for _, r := range s.rows {
		totals.Words += r.count
	}
	if s.temp != nil {
		if err := s.write(); err != nil {
			return fmt.Errorf("wordcount: output: %w", err)
		}
	}
	text, err := json.Marshal(totals)
	if err != nil {
		return err
	}
	s.task.Publish(TotalsName, text)
	return nil
}

// write fills the temporary file and gives it the output's name.
func (s *sink) write() error {
	w := bufio.NewWriter(s.temp)
	for _, r := range s.rows {
		_, _ = fmt.Fprintf(w, "%s\t%d\n", r.word, r.count) // Flush returns the error
	}
	temp := s.temp
	s.temp = nil
	if s.inPlace {
		return errors.Join(w.Flush(), temp.Close())
	}
	err := errors.Join(w.Flush(), temp.Chmod(0o644), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}

// Close removes the temporary file if it was not completed.
func (s *sink) Close() error {
	if s.temp == nil {
		return nil
	}
	if s.inPlace {
		return s.temp.Close()
	}
	return errors.Join(s.temp.Close(), os.Remove(s.temp.Name()))
}
