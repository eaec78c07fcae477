package page

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// Bounds of what a verdict needs.
const (
	significance = 0.05
	enoughRuns   = 4 // on each side; with fewer the p-value cannot fall under significance
)

// Verdict says how B stands to A.
type Verdict string

// The verdicts. Faster means more tuples, or less latency.
const (
	Faster Verdict = "faster"
	Slower Verdict = "slower"
	// NoVerdict means that the intervals overlap, that p is 0.05 or more, or
	// that there are fewer than four measurements on a side.
	NoVerdict Verdict = "unclear"
)

// Comparison says how suite B differs from suite A. Its JSON is for scripts:
// fields are added, not changed.
type Comparison struct {
	A string `json:"a"` // name and commit
	B string `json:"b"`
	// Warnings are what makes the two less comparable: another machine, other
	// versions, parts that only one of them has.
	Warnings []string `json:"warnings,omitempty"`
	Changes  []Change `json:"changes"`
	// Profiles are the differences of what both have profiled.
	Profiles []ProfileChange `json:"profiles,omitempty"`
}

// Change is one figure of both suites.
type Change struct {
	Section string `json:"section"`
	Name    string `json:"name"` // the mode, limit, or combination of switches
	Metric  string `json:"metric"`
	// LowerIsBetter holds for times.
	LowerIsBetter bool       `json:"lower_is_better,omitempty"`
	A             bench.Stat `json:"a"`
	B             bench.Stat `json:"b"`
	Ratio         float64    `json:"ratio"` // of the medians, B over A
	// P is the two-sided p-value of the Mann-Whitney U test, 1 where single measurements are not known.
	P       float64 `json:"p"`
	Verdict Verdict `json:"verdict"`
}

// ProfileChange is where the CPU time of a mode's processes has changed.
type ProfileChange struct {
	Section    string              `json:"section"`
	Variant    string              `json:"variant"`
	Difference profiles.Difference `json:"difference"`
}

// Compare compares what both suites have measured, section by section. Sections
// belong together by name, runs by mode, guarantee and rate. Neither suite is changed.
func Compare(a, b *bench.Suite) *Comparison {
	a, b = cleanSuite(a), cleanSuite(b)
	c := &Comparison{A: sideName(a), B: sideName(b), Warnings: differences(a, b), Changes: []Change{}}
	for i := range a.Sections {
		sa := &a.Sections[i]
		k := slices.IndexFunc(b.Sections, func(s bench.Section) bool { return s.Name == sa.Name })
		if k < 0 {
			c.Warnings = append(c.Warnings, fmt.Sprintf("only A has the section %q", sa.Name))
			continue
		}
		c.section(sa, &b.Sections[k])
	}
	for i := range b.Sections {
		name := b.Sections[i].Name
		if !slices.ContainsFunc(a.Sections, func(s bench.Section) bool { return s.Name == name }) {
			c.Warnings = append(c.Warnings, fmt.Sprintf("only B has the section %q", name))
		}
	}
	return c
}

func sideName(s *bench.Suite) string {
	name := joined(" ", s.Name, prefixed("commit ", s.Machine.Commit))
	if name == "" {
		return "without a name"
	}
	return name
}

// differences tells in what the circumstances differ.
func differences(a, b *bench.Suite) []string {
	var out []string
	differ := func(what, x, y string) {
		if x != y {
			out = append(out, fmt.Sprintf("%s differs: %s and %s", what, orNone(x), orNone(y)))
		}
	}
	x, y := &a.Machine, &b.Machine
	differ("the processor", x.CPU, y.CPU)
	differ("the number of cores", strconv.Itoa(x.Cores), strconv.Itoa(y.Cores))
	differ("the memory", fmt.Sprintf("%d GiB", (x.MemoryBytes+1<<29)>>30), fmt.Sprintf("%d GiB", (y.MemoryBytes+1<<29)>>30))
	differ("the system", joined("/", x.OS, x.Arch), joined("/", y.OS, y.Arch))
	differ("the kernel", x.Kernel, y.Kernel)
	differ("the version of Go", x.Go, y.Go)
	differ("the mitigations", x.Mitigations, y.Mitigations)
	differ("the commit", x.Commit, y.Commit)
	for _, side := range []struct {
		name string
		s    *bench.Suite
	}{{"A", a}, {"B", b}} {
		if side.s.Partial != "" {
			out = append(out, side.name+" is partial: "+side.s.Partial)
		}
		if noisy, runs := noisyRuns(side.s); noisy > 0 {
			out = append(out, fmt.Sprintf("%s: %d of %s noisy", side.name, noisy, were(runs)))
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func noisyRuns(s *bench.Suite) (noisy, runs int) {
	costs(s, func(_, _ string, c *bench.Cost) {
		runs++
		if c.Noisy {
			noisy++
		}
	})
	return noisy, runs
}

// section compares two sections of one name.
func (c *Comparison) section(a, b *bench.Section) {
	if a.Spec.Workload != b.Spec.Workload || a.Spec.Guarantee != b.Spec.Guarantee || a.Containers != b.Containers || a.Spec.Spouts != b.Spec.Spouts || a.Spec.Bolts != b.Spec.Bolts {
		c.Warnings = append(c.Warnings, fmt.Sprintf("section %q measures other things: %s and %s", a.Name, describe(a), describe(b)))
	}
	for _, side := range []struct {
		name string
		s    *bench.Section
	}{{"A", a}, {"B", b}} {
		if side.s.Error != "" {
			c.Warnings = append(c.Warnings, fmt.Sprintf("section %q of %s failed: %s", a.Name, side.name, side.s.Error))
		}
	}
	for _, x := range samples(a) {
		for _, y := range samples(b) {
			if x.name == y.name && x.metric == y.metric {
				c.Changes = append(c.Changes, changeOf(a.Name, x, y))
				break
			}
		}
	}
	for i := range a.Profiles {
		p := &a.Profiles[i]
		k := slices.IndexFunc(b.Profiles, func(q profiles.Summary) bool { return q.Variant == p.Variant && q.Role == p.Role })
		if k >= 0 {
			c.Profiles = append(c.Profiles, ProfileChange{Section: a.Name, Variant: p.Variant, Difference: profiles.Diff(*p, b.Profiles[k])})
		}
	}
}

// sample is one figure of one suite, as often as it was measured.
type sample struct {
	name, metric string
	lower        bool
	stat         bench.Stat
	values       []float64 // nil if only stat is known
}

// samples are the figures of a section that can be compared.
func samples(s *bench.Section) []sample {
	var out []sample
	for i := range s.Summaries {
		m := &s.Summaries[i]
		out = append(out,
			newSample(m.Name, "tuples/s", false, m.TuplesPerSecond, singles(s, m, func(c *bench.Cost) float64 { return c.TuplesPerSecond })),
			newSample(m.Name, "tuples/CPU-s", false, m.TuplesPerCPUSecond, singles(s, m, func(c *bench.Cost) float64 { return c.TuplesPerCPUSecond })))
	}
	out = append(out, latencySamples(s.Latency)...)
	if s.Ablation != nil {
		for i := range s.Ablation.Cells {
			cell := &s.Ablation.Cells[i]
			out = append(out, newSample(cellName(cell), "tuples/s", false, cell.TuplesPerSecond, nil))
		}
	}
	return slices.DeleteFunc(out, func(x sample) bool { return x.stat.Median == 0 })
}

// cellName tells cells of one name apart that were measured for different reasons.
func cellName(c *bench.Cell) string {
	if c.Name == string(c.Kind) {
		return c.Name
	}
	return joined(" ", c.Name, "("+string(c.Kind)+")")
}

// newSample takes the interval from the single values, if they are known.
func newSample(name, metric string, lower bool, stat bench.Stat, values []float64) sample {
	if len(values) > 0 {
		stat = bench.NewStat(values)
	}
	return sample{name: name, metric: metric, lower: lower, stat: stat, values: values}
}

// latencySamples are percentiles of single runs that count, by mode and rate.
func latencySamples(runs []bench.LatencyRun) []sample {
	var names []string
	values := map[string][4][]float64{}
	for i := range runs {
		l := &runs[i]
		if l.Rejected != "" || l.Repeat == 0 {
			continue
		}
		name := l.Variant() + " at " + rateName(l)
		if l.Load > 0 { // the capacity was measured anew, so that the rate is another each time
			name = fmt.Sprintf("%s at %.0f %% of capacity", l.Variant(), 100*l.Load)
		}
		if _, known := values[name]; !known {
			names = append(names, name)
		}
		v := values[name]
		v[0], v[1] = append(v[0], l.Latency.P50), append(v[1], l.Latency.P99)
		if c := l.Complete; c != nil {
			v[2], v[3] = append(v[2], c.P50), append(v[3], c.P99)
		}
		values[name] = v
	}
	var out []sample
	for _, name := range names {
		for i, metric := range []string{"p50 µs", "p99 µs", "complete p50 µs", "complete p99 µs"} {
			out = append(out, newSample(name, metric, true, bench.Stat{}, values[name][i])) // without values it is left out
		}
	}
	return out
}

func changeOf(section string, a, b sample) Change {
	c := Change{
		Section: section, Name: a.name, Metric: a.metric, LowerIsBetter: a.lower, A: a.stat, B: b.stat,
		Ratio: ratio(b.stat.Median, a.stat.Median), P: 1, Verdict: NoVerdict,
	}
	order := b.stat.Compare(a.stat)
	supported := order != bench.Unclear && min(a.stat.N, b.stat.N) >= enoughRuns
	if a.values != nil && b.values != nil {
		c.P = bench.MannWhitney(a.values, b.values)
		supported = supported && c.P < significance
	}
	if supported {
		c.Verdict = Slower
		if (order == bench.Greater) != c.LowerIsBetter {
			c.Verdict = Faster
		}
	}
	return c
}
