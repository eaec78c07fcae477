package profiles

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/google/pprof/profile"
)

// Merge writes the CPU profiles in some files as one, without labels and
// addresses, in the form that the Go compiler takes for profile-guided
// optimization. Processes without samples add nothing. Errors are those of
// ReadFile, ErrNoSamples if no file has a sample, or of w.
func Merge(w io.Writer, paths []string) error {
	var all []*profile.Profile
	for _, path := range paths {
		p, err := parseFile(path)
		if err != nil {
			return err
		}
		if len(p.Sample) > 0 {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return ErrNoSamples
	}
	merged, err := profile.Merge(all)
	if err == nil {
		// A second time: samples of the same functions and lines have become equal.
		merged, err = profile.Merge([]*profile.Profile{anonymous(merged)})
	}
	if err != nil {
		return fmt.Errorf("profiles: merge: %w", err)
	}
	return merged.Write(w)
}

// anonymous drops what differs between processes and builds that do the same.
func anonymous(p *profile.Profile) *profile.Profile {
	p.Comments, p.TimeNanos = nil, 0
	for _, s := range p.Sample {
		s.Label, s.NumLabel, s.NumUnit = nil, nil, nil
	}
	for _, m := range p.Mapping {
		m.File, m.BuildID = "", ""
	}
	for _, l := range p.Location {
		l.Address = 0
	}
	return p
}

// parseFile reads a file as Read does and returns all of the profile.
func parseFile(path string) (*profile.Profile, error) {
	if _, err := ReadFile(path); err != nil { // which tells well what is wrong
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	p, err := profile.ParseData(data)
	if err != nil {
		return nil, errors.Join(ErrNotProfile, err)
	}
	p.Sample = slices.DeleteFunc(p.Sample, func(s *profile.Sample) bool { return len(s.Location) == 0 })
	return p, nil
}
