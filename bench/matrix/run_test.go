package matrix

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/profiles"
)

// load reads a matrix that must be right.
func load(t *testing.T, text string) *Matrix {
	t.Helper()
	m, err := Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const three = `
name: three
sections:
  - {name: a, title: First, kind: throughput, containers: 2}
  - {name: b, kind: latency, rates: [1000]}
  - {name: c, kind: curve}
`

// fakes are measurements that take no time. That of b does what it is told.
func fakes(b measurement) measures {
	quick := func(_ context.Context, c bench.Config) (*bench.Section, error) {
		c.Progress("measured")
		return &bench.Section{Latency: []bench.LatencyRun{{Mode: "naive"}}}, nil
	}
	all := map[bench.SectionKind]measurement{bench.KindThroughput: quick, bench.KindLatency: quick, bench.KindCurve: quick}
	if b != nil {
		all[bench.KindLatency] = b
	}
	return measures{kinds: all}
}

func names(s *bench.Suite) string {
	var all []string
	for i := range s.Sections {
		all = append(all, s.Sections[i].Name)
	}
	return strings.Join(all, " ")
}

func TestRunMeasuresEverySection(t *testing.T) {
	m := load(t, three)
	var checkpoints, lines []string
	var last Progress
	s, err := run(t.Context(), m, Options{
		Command: "typed",
		Progress: func(p Progress) {
			lines = append(lines, p.Section+": "+p.Line)
			if p.Elapsed < last.Elapsed || p.Number < last.Number || p.Sections != 3 || p.Left < 0 || p.Left > m.Estimate() {
				t.Errorf("%+v after %+v", p, last)
			}
			last = p
		},
		Checkpoint: func(s *bench.Suite) error {
			checkpoints = append(checkpoints, names(s)+": "+s.Partial)
			return nil
		},
	}, fakes(nil))
	if err != nil || s.Partial != "" || names(s) != "a b c" || s.Name != "three" || s.Command != "typed" || s.Schema != bench.SuiteSchema {
		t.Errorf("%+v, %v", s, err)
	}
	if s.Sections[0].Title != "First" || s.Sections[0].Kind != bench.KindThroughput || s.Seconds <= 0 {
		t.Errorf("%+v", s.Sections[0])
	}
	if got := strings.Join(checkpoints, "|"); got != "a: it ended after section a, 1 of 3|a b: it ended after section b, 2 of 3" {
		t.Errorf("checkpoints: %s", got)
	}
	if len(lines) != 6 || lines[3] != "b: measured" {
		t.Errorf("progress: %q", lines)
	}
}

func TestFailedSectionDoesNotEndTheRun(t *testing.T) {
	lost := &bench.MismatchError{}
	for name, measured := range map[string]*bench.Section{"nothing measured": nil, "something measured": {Runs: []bench.Run{{Mode: "naive"}}}} {
		s, err := run(t.Context(), load(t, three), Options{}, fakes(func(context.Context, bench.Config) (*bench.Section, error) {
			return measured, lost
		}))
		var mismatch *bench.MismatchError
		if !errors.As(err, &mismatch) || errors.Is(err, ErrInterrupted) || !strings.Contains(err.Error(), "section b: ") {
			t.Errorf("%s: %v", name, err)
		}
		if names(s) != "a b c" || s.Partial != "failed: b" || s.Sections[1].Error == "" || s.Sections[2].Error != "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestInterruptedRun(t *testing.T) {
	for name, tc := range map[string]struct {
		measured *bench.Section
		want     string
	}{
		"nothing measured":       {nil, "a"},
		"empty section":          {&bench.Section{}, "a"},
		"some of it is measured": {&bench.Section{Runs: []bench.Run{{Mode: "naive"}}}, "a b"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		s, err := run(ctx, load(t, three), Options{}, fakes(func(context.Context, bench.Config) (*bench.Section, error) {
			cancel(why)
			return tc.measured, context.Cause(ctx)
		}))
		if !errors.Is(err, ErrInterrupted) || !errors.Is(err, why) {
			t.Errorf("%s: %v", name, err)
		}
		if names(s) != tc.want || s.Partial != "interrupted in section b, 2 of 3" {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestFailedCheckpointEndsTheRun(t *testing.T) {
	full := errors.New("disk full")
	s, err := run(t.Context(), load(t, three), Options{Checkpoint: func(*bench.Suite) error { return full }}, fakes(nil))
	if !errors.Is(err, full) || names(s) != "a" || s.Partial == "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestClock(t *testing.T) {
	m := load(t, three)
	now := time.Now()
	c := clock{matrix: m, began: now, current: now}
	if _, left := c.read(0); left < m.Estimate()-time.Minute || left > m.Estimate() {
		t.Errorf("%v are left of %v", left, m.Estimate())
	}
	// The first section took ten times as long as thought.
	c.began = now.Add(-10 * m.Sections[0].Estimate())
	c.next(0)
	rest := m.Sections[1].Estimate() + m.Sections[2].Estimate()
	if _, left := c.read(1); left < 9*rest || left > 11*rest {
		t.Errorf("%v are left, want about ten times %v", left, rest)
	}
	// A section that takes longer than thought leaves what comes after it.
	c.current = c.current.Add(-1000 * time.Hour)
	if _, left := c.read(2); left != 0 {
		t.Errorf("%v are left of a section that is late", left)
	}
}

// TestProfiles checks that their files are where the suite says, and that those of an older run are gone.
func TestProfiles(t *testing.T) {
	leaktest.Check(t)
	m := load(t, `
name: real
defaults: {duration: 200ms, warm_up: 20ms, in_process: true, words: 100}
sections:
  - {name: words, kind: throughput, modes: [optimized], limits: [], profiles: true}
`)
	dir := t.TempDir()
	old := filepath.Join(dir, "profiles", "words", "old", "cpu.pprof")
	if err := os.MkdirAll(filepath.Dir(old), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Run(t.Context(), m, Options{Output: dir})
	if err != nil {
		t.Fatal(err)
	}
	summaries := s.Sections[0].Profiles
	if len(summaries) == 0 || summaries[0].Variant != "optimized" || len(summaries[0].Files) == 0 {
		t.Fatalf("%+v", summaries)
	}
	for _, file := range summaries[0].Files {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() == 0 || !strings.HasPrefix(file, "profiles/words/") {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the older profile: %v", err)
	}
}

func TestFailedProfilesKeepWhatWasMeasured(t *testing.T) {
	m := load(t, "name: m\nsections: [{name: a, kind: throughput, profiles: true}]")
	broken := errors.New("broken")
	with := fakes(nil)
	with.profiles = func(_ context.Context, c bench.Config) ([]profiles.Summary, error) {
		if c.ProfileDir != "" {
			t.Errorf("profiles go to %s", c.ProfileDir)
		}
		return []profiles.Summary{{Variant: "naive"}}, broken
	}
	s, err := run(t.Context(), m, Options{}, with)
	if !errors.Is(err, broken) || len(s.Sections) != 1 || len(s.Sections[0].Latency) != 1 || len(s.Sections[0].Profiles) != 1 || s.Partial != "failed: a" {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestRealRun measures a little in this process.
func TestRealRun(t *testing.T) {
	leaktest.Check(t)
	m := load(t, `
name: real
defaults: {duration: 20ms, warm_up: 20ms, in_process: true, words: 100}
sections:
  - {name: words, kind: throughput, modes: [naive, optimized], repeat: 2}
`)
	s, err := Run(t.Context(), m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	words := &s.Sections[0]
	if len(words.Runs) != 4 || len(words.Summaries) != 3 || words.Limits.FusedLoop <= 0 || words.Spec.Workload != bench.RandomWords {
		t.Errorf("%+v", words)
	}
	if words.Runs[0].Emitted == 0 || words.Runs[0].Emitted != words.Runs[0].Counted {
		t.Errorf("%+v", words.Runs[0])
	}
}

func TestRealRunIsInterrupted(t *testing.T) {
	leaktest.Check(t)
	m := load(t, `
name: real
defaults: {duration: 20ms, warm_up: 20ms, in_process: true, words: 100}
sections:
  - {name: words, kind: throughput, modes: [optimized], repeat: 1000}
`)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Run(ctx, m, Options{Progress: func(p Progress) {
		if strings.Contains(p.Line, "tuples/s,") && strings.Contains(p.Line, "optimized") { // of the first run of the engine
			cancel()
		}
	}})
	if !errors.Is(err, ErrInterrupted) || len(s.Sections) != 1 || len(s.Sections[0].Runs) == 0 || s.Partial == "" {
		t.Errorf("%+v, %v", s, err)
	}
}
