package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ardea-stream/ardea/bench"
)

// MaxFile is the size in bytes of the largest result that is read.
const MaxFile = 512 << 20

// maxFault bounds what is quoted of a text that is no result, in bytes from its beginning and from its end.
const maxFault = 80

// Errors of Read. They are wrapped with what was found.
var (
	// ErrForeign means that the text is no result of a measurement.
	ErrForeign = errors.New("page: not a result of ardea bench")
	// ErrSchema means a result in a form that this version does not know.
	ErrSchema = errors.New("page: a result in another form")
)

// probe has what tells the forms apart.
type probe struct {
	Schema   *string         `json:"schema"`
	Sections json.RawMessage `json:"sections"`
	Runs     json.RawMessage `json:"runs"`
	Machine  json.RawMessage `json:"machine"`
}

// Read reads a suite, as `ardea bench run` writes it to suite.json, or the
// report of a single measurement, as --json writes it, which becomes a suite of
// a section for each workload. The error is r's, or wraps ErrForeign or ErrSchema.
func Read(r io.Reader) (*bench.Suite, error) {
	return read(r, true)
}

// ReadSuite is Read for a suite only: the error for a report wraps ErrForeign.
func ReadSuite(r io.Reader) (*bench.Suite, error) {
	return read(r, false)
}

func read(r io.Reader, reports bool) (*bench.Suite, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: it is larger than %d MiB", ErrForeign, MaxFile>>20)
	}
	var p probe
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, foreign(err)
	}
	switch {
	case p.Schema != nil && *p.Schema != bench.SuiteSchema:
		return nil, fmt.Errorf("%w: its schema is %q, this version reads %q", ErrSchema, clipped(*p.Schema), bench.SuiteSchema)
	case p.Schema != nil:
		var s bench.Suite
		if err := json.Unmarshal(data, &s); err != nil {
			return nil, foreign(err)
		}
		return &s, nil
	case !reports:
		return nil, fmt.Errorf("%w: it has no schema", ErrForeign)
	case p.Runs != nil && p.Machine != nil:
		var report bench.Report
		if err := json.Unmarshal(data, &report); err != nil {
			return nil, foreign(err)
		}
		return suiteOf(&report), nil
	default:
		return nil, fmt.Errorf("%w: it has neither a schema nor runs and a machine", ErrForeign)
	}
}

// clipped returns the beginning and the end of a text that may hold anything, for an error.
func clipped(text string) string {
	if len(text) > 2*maxFault {
		text = text[:maxFault] + " ... " + text[len(text)-maxFault:]
	}
	return cleanText(text)
}

// foreign says why a text is no result.
func foreign(err error) error { return fmt.Errorf("%w: %s", ErrForeign, clipped(err.Error())) }

// suiteOf makes a suite of a report.
func suiteOf(r *bench.Report) *bench.Suite {
	s := &bench.Suite{Schema: bench.SuiteSchema, Machine: r.Machine}
	if len(r.Runs) > 0 || len(r.Summaries) > 0 {
		section := bench.Section{
			Name: bench.RandomWords, Kind: bench.KindThroughput, Runs: r.Runs, Summaries: r.Summaries, Tests: r.Tests, Limits: r.Limits,
		}
		section.Spec.Workload = bench.RandomWords
		if len(r.Runs) > 0 {
			run := &r.Runs[0]
			section.Name, section.Containers = slug(run.Workload), run.Containers
			section.Spec = bench.Spec{Workload: run.Workload, Spouts: run.Spouts, Bolts: run.Bolts}
		}
		s.Sections = append(s.Sections, section)
	}
	if len(r.Latency) > 0 {
		section := bench.Section{Name: "latency", Kind: bench.KindLatency, Latency: r.Latency, Containers: r.Latency[0].Containers}
		section.Spec = bench.Spec{Workload: bench.Latency, Spouts: 1, Bolts: 1}
		s.Sections = append(s.Sections, section)
	}
	if len(r.Curves) > 0 {
		section := bench.Section{Name: "curve", Kind: bench.KindCurve, Curves: slices.Clone(r.Curves)}
		section.Spec = bench.Spec{Workload: bench.Latency, Spouts: 1, Bolts: 1}
		s.Sections = append(s.Sections, section)
	}
	return s
}
