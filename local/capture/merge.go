package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/pprof/profile"
)

// ErrTrace says that traces cannot be merged.
var ErrTrace = errors.New("capture: traces of several processes cannot be merged: choose one process")

// HasLabels reports whether samples of a kind carry the labels of goroutines.
func HasLabels(k Kind) bool { return k == CPU || k == Goroutine }

// Merge writes one file that holds the profiles of several, all of one kind.
// With a component only samples that carry its label are kept, see HasLabels.
// The file is complete or not there. A trace must be alone, else the error is ErrTrace.
func Merge(path string, k Kind, files []string, component string) error {
	if k == Trace {
		if len(files) != 1 {
			return ErrTrace
		}
		return writeFile(path, func(w io.Writer) error { return copyFile(w, files[0]) })
	}
	var all []*profile.Profile
	for _, name := range files {
		p, err := parseFile(name)
		if err != nil {
			return err
		}
		if component != "" {
			p.Sample = slices.DeleteFunc(p.Sample, func(s *profile.Sample) bool {
				return !slices.Contains(s.Label["component"], component)
			})
		}
		all = append(all, p)
	}
	merged, err := profile.Merge(all)
	if err != nil {
		return fmt.Errorf("capture: merge: %w", err)
	}
	merged.DurationNanos = longest(all) // they ran at the same time; the sum would make them look idle
	return writeFile(path, merged.Write)
}

func longest(all []*profile.Profile) (nanos int64) {
	for _, p := range all {
		nanos = max(nanos, p.DurationNanos)
	}
	return nanos
}

func parseFile(path string) (*profile.Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("capture: merge: %w", err)
	}
	defer func() { _ = f.Close() }()
	p, err := profile.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("capture: merge %s: %w", filepath.Base(path), err)
	}
	return p, nil
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(w, f)
	return err
}
