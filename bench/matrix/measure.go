package matrix

import (
	"context"
	"os"
	"path/filepath"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// measurement measures a section. What was measured before an error is returned with it.
type measurement func(context.Context, bench.Config) (*bench.Section, error)

// measures are the functions that measure: tests have others.
type measures struct {
	kinds    map[bench.SectionKind]measurement
	profiles func(context.Context, bench.Config) ([]profiles.Summary, error)
}

// measurements are those of package bench.
var measurements = measures{profiles: bench.ProfileModes, kinds: map[bench.SectionKind]measurement{
	bench.KindThroughput: bench.MeasureThroughput,
	bench.KindLatency:    bench.MeasureFixed,
	bench.KindCurve:      bench.MeasureCurve,
	bench.KindAblation:   bench.MeasureAblation,
}}

// profileFolder is where profiles go, in the directory of the results.
const profileFolder = "profiles"

// profile makes the runs that a section's profiles are taken of, if it asks for them.
func (r *runner) profile(ctx context.Context, s *Section, section *bench.Section) error {
	if !s.Profiles {
		return nil
	}
	c := s.Config
	if r.Output != "" {
		c.ProfileDir = filepath.Join(r.Output, profileFolder, s.Name)
		if err := os.RemoveAll(c.ProfileDir); err != nil { // of an older run
			return &OutputError{Path: c.ProfileDir, Err: err}
		}
	}
	summaries, err := r.profiles(ctx, c)
	for i := range summaries {
		for k, file := range summaries[i].Files {
			if relative, err := filepath.Rel(r.Output, file); err == nil {
				summaries[i].Files[k] = filepath.ToSlash(relative)
			}
		}
	}
	section.Profiles = summaries
	return err
}
