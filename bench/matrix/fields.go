package matrix

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/topology"
)

// Bounds of the fields of a section. bench has the same for some: these are
// told with their line.
const (
	maxRepeat     = 1000
	maxContainers = 1024
	maxSeed       = 1 << 31
	leastLoad     = 0.001
	leastSkew     = 0.01
	leastBound    = time.Microsecond
	maxBound      = time.Minute
	leastWindow   = 10 * time.Millisecond
	maxWindow     = time.Hour
	maxBatch      = 1 << 24
)

// kinds are those of sections, each with the modes that it measures when none are named.
var kinds = map[bench.SectionKind][]string{
	bench.KindThroughput: {"naive", "heron2017", "optimized"},
	bench.KindLatency:    {"optimized"},
	bench.KindCurve:      {"naive", "optimized"},
	bench.KindAblation:   nil,
}

// field is something that a section can say.
type field struct {
	shared bool                // it may stand in defaults
	kinds  []bench.SectionKind // that have it, nil for all
	read   func(f *faults, s *Section, p pair)
}

// Kinds that share a field.
var (
	throughput = []bench.SectionKind{bench.KindThroughput}
	paced      = []bench.SectionKind{bench.KindLatency, bench.KindCurve}
	saturated  = []bench.SectionKind{bench.KindThroughput, bench.KindAblation}
	repeated   = []bench.SectionKind{bench.KindThroughput, bench.KindLatency, bench.KindAblation}
	withModes  = []bench.SectionKind{bench.KindThroughput, bench.KindLatency, bench.KindCurve}
)

// fields are all that a section can say. name and kind are read by identify, before the others.
var fields = map[string]field{
	"name":  {read: func(*faults, *Section, pair) {}},
	"kind":  {read: func(*faults, *Section, pair) {}},
	"title": {read: func(f *faults, s *Section, p pair) { s.Title = f.text(p) }},

	"modes":    {shared: true, kinds: withModes, read: readModes},
	"limits":   {shared: true, kinds: throughput, read: readLimits},
	"profiles": {shared: true, kinds: throughput, read: func(f *faults, s *Section, p pair) { s.Profiles = f.boolean(p) }},
	"rates": {kinds: paced, read: func(f *faults, s *Section, p pair) {
		s.Config.Rates = f.numbers(p, 1, bench.MaxRate, "[10000, 100000]")
	}},
	"loads": {kinds: paced, read: func(f *faults, s *Section, p pair) {
		s.Config.Loads = f.numbers(p, leastLoad, 1, "[0.1, 0.5, 0.9]")
	}},
	"factors": {kinds: []bench.SectionKind{bench.KindAblation}, read: func(f *faults, s *Section, p pair) {
		s.Config.Factors = f.texts(p, "["+strings.Join(bench.DefaultFactors(), ", ")+"]")
		f.among(p.line, "factor", s.Config.Factors, switches())
	}},
	"bounds": {kinds: []bench.SectionKind{bench.KindCurve}, read: func(f *faults, s *Section, p pair) {
		s.Config.Bounds = f.durations(p, leastBound, maxBound, "[1ms, 10ms]")
	}},

	"workload": {shared: true, kinds: saturated, read: readWorkload},
	"spouts":   {shared: true, kinds: saturated, read: count(topology.MaxParallelism, func(c *bench.Config) *int { return &c.Workload.Spouts })},
	"bolts":    {shared: true, kinds: saturated, read: count(topology.MaxParallelism, func(c *bench.Config) *int { return &c.Workload.Bolts })},
	"words":    {shared: true, kinds: saturated, read: count(bench.MaxWords, func(c *bench.Config) *int { return &c.Workload.Words })},
	"size":     {shared: true, kinds: saturated, read: count(bench.MaxSize, func(c *bench.Config) *int { return &c.Workload.Size })},
	"keys":     {shared: true, kinds: saturated, read: count(bench.MaxKeys, func(c *bench.Config) *int { return &c.Workload.Keys })},
	"map":      {shared: true, kinds: saturated, read: func(f *faults, s *Section, p pair) { s.Config.Workload.Map = f.boolean(p) }},
	"skew": {shared: true, kinds: saturated, read: func(f *faults, s *Section, p pair) {
		s.Config.Workload.Skew = f.number(p, leastSkew, bench.MaxSkew)
	}},
	"seed": {shared: true, read: func(f *faults, s *Section, p pair) { s.Config.Seed = uint64(f.integer(p, 0, maxSeed)) }},

	"guarantee": {shared: true, read: func(f *faults, s *Section, p pair) { s.Config.Guarantees = f.guarantees(p, []string{f.text(p)}) }},
	"guarantees": {shared: true, kinds: withModes, read: func(f *faults, s *Section, p pair) {
		s.Config.Guarantees = f.guarantees(p, f.texts(p, "["+strings.Join(guarantees(), ", ")+"]"))
	}},
	"pending": {shared: true, read: count(topology.MaxMaxPending, func(c *bench.Config) *int { return &c.Pending })},

	"repeat": {shared: true, kinds: repeated, read: count(maxRepeat, func(c *bench.Config) *int { return &c.Repeat })},
	"duration": {shared: true, read: func(f *faults, s *Section, p pair) {
		s.Config.Duration = f.duration(p, p.value, leastWindow, maxWindow)
	}},
	"warm_up": {shared: true, read: func(f *faults, s *Section, p pair) {
		s.Config.WarmUp = f.duration(p, p.value, leastWindow, maxWindow)
	}},

	"containers":        {shared: true, read: count(maxContainers, func(c *bench.Config) *int { return &c.Containers })},
	"tasks_per_process": {shared: true, read: count(topology.MaxParallelism, func(c *bench.Config) *int { return &c.TasksPerProcess })},
	"in_process":        {shared: true, read: func(f *faults, s *Section, p pair) { s.Config.InProcess = f.boolean(p) }},
	"min_batch":         {shared: true, read: count(maxBatch, func(c *bench.Config) *int { return &c.MinBatch })},
	"max_batch":         {shared: true, read: count(maxBatch, func(c *bench.Config) *int { return &c.MaxBatch })},
}

// count returns what reads a whole number of a configuration, from 1.
func count(most int, of func(*bench.Config) *int) func(*faults, *Section, pair) {
	return func(f *faults, s *Section, p pair) { *of(&s.Config) = f.integer(p, 1, most) }
}

func readModes(f *faults, s *Section, p pair) {
	s.Config.Modes = f.texts(p, "["+strings.Join(kinds[bench.KindThroughput], ", ")+"]")
	for _, mode := range s.Config.Modes {
		if _, err := dataplane.ParseMode(mode); err != nil {
			f.add(p.line, "modes: %s", strings.TrimPrefix(err.Error(), "dataplane: "))
		}
	}
}

// readLimits reads the loops without an engine; an empty list means none.
func readLimits(f *faults, s *Section, p pair) {
	s.Config.Limits = []string{}
	if p.value.Kind == yaml.SequenceNode && len(p.value.Content) == 0 {
		return
	}
	s.Config.Limits = f.texts(p, "["+bench.FusedLoop+"]")
	f.among(p.line, "limit", s.Config.Limits, bench.LimitNames())
}

// readWorkload reads the name of a workload that can be saturated.
func readWorkload(f *faults, s *Section, p pair) {
	s.Config.Workload.Workload = f.text(p)
	if s.Config.Workload.Workload != "" {
		f.among(p.line, "workload", []string{s.Config.Workload.Workload}, workloads())
	}
}

// guarantees checks the names of guarantees.
func (f *faults) guarantees(p pair, names []string) []bench.Guarantee {
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" }) // which has been told
	f.among(p.line, "guarantee", names, guarantees())
	var all []bench.Guarantee
	for _, name := range names {
		all = append(all, bench.Guarantee(name))
	}
	return all
}

// guarantees are the names of all.
func guarantees() []string {
	var names []string
	for _, g := range bench.Guarantees() {
		names = append(names, string(g))
	}
	return names
}

// workloads are the names of all.
func workloads() []string {
	var names []string
	for _, w := range bench.Workloads() {
		names = append(names, w.Name)
	}
	return names
}

// switches are the names of all optimizations that can be turned off.
func switches() []string {
	var names []string
	for _, s := range dataplane.Switches {
		names = append(names, s.Name)
	}
	return names
}

// among adds a fault for every name that is not one of those allowed.
func (f *faults) among(line int, what string, names, allowed []string) {
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			f.add(line, "there is no %s %s: use %s", what, shorten(name), choices(allowed))
		}
	}
}

// standard is a section of which nothing was said.
func standard() Section {
	return Section{Config: bench.Config{
		Repeat: 1, Seed: 1, Duration: bench.DefaultDuration, WarmUp: bench.DefaultWarmUp,
	}}
}

// finish fills in what depends on the kind and lets bench look at the whole,
// when nothing is wrong with the parts.
func (f *faults) finish(s *Section) {
	c := &s.Config
	if c.Modes == nil || s.Kind == bench.KindAblation {
		c.Modes = kinds[s.Kind]
	}
	if s.Kind != bench.KindAblation { // which has a default of its own
		c.Containers = cmp.Or(c.Containers, 1)
	}
	// What came from the defaults and is of no use here.
	if s.Kind != bench.KindThroughput {
		c.Limits, s.Profiles = nil, false
	}
	if !slices.Contains(saturated, s.Kind) {
		c.Workload = bench.Spec{}
	}
	if s.Kind == bench.KindLatency && c.Rates == nil && c.Loads == nil {
		f.add(s.Line, "section %s says neither rates nor loads: add rates, in tuples a second, or loads, as shares of the maximum", s.Name)
	}
	if c.MaxBatch > 0 && c.MinBatch > c.MaxBatch {
		f.add(s.Line, "section %s: min_batch is %d, over max_batch, %d: swap them", s.Name, c.MinBatch, c.MaxBatch)
	}
	check := *c
	check.ChildArgs = func(bench.Spec) []string { return nil }
	for _, err := range parts(check.Validate()) {
		f.add(s.Line, "section %s: %s", s.Name, strings.TrimPrefix(err.Error(), "bench: "))
	}
}

// parts takes a joined error apart.
func parts(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		if err == nil {
			return nil
		}
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}
