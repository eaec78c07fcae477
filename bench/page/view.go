package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/bench"
)

// view is a page: what the HTML and the Markdown form of a report have in common.
type view struct {
	Title    string
	Subtitle string
	Partial  string
	Warnings []string
	Command  string
	Facts    []fact
	Findings []finding
	Sections []section
	Glossary []fact

	charts int // that have an ID
}

// fact is a name and what it is.
type fact struct{ Name, Text string }

// finding is one figure that a reader should take away.
type finding struct{ Value, Label, Text string }

// section is one part of a page with a heading of its own.
type section struct {
	ID, Title, Kicker string
	Lead              []string
	Error             string
	Steps             []step
	Blocks            []block
}

// step is something to do, perhaps with a command.
type step struct{ Text, Code string }

// newView lays out a cleaned suite.
func newView(s *bench.Suite) *view {
	v := &view{Title: title(s), Subtitle: subtitle(s), Partial: s.Partial, Command: s.Command, Glossary: glossary}
	v.Facts = machineFacts(s)
	v.Findings = findings(s)
	for i := range s.Sections {
		v.Sections = append(v.Sections, v.sectionOf(&s.Sections[i], i))
	}
	v.Sections = append(v.Sections, losses(s), reproduce(s))
	v.number()
	return v
}

// number gives every chart an identifier.
func (v *view) number() {
	for i := range v.Sections {
		for k := range v.Sections[i].Blocks {
			if c := v.Sections[i].Blocks[k].Chart; c != nil {
				v.charts++
				c.ID = "chart-" + strconv.Itoa(v.charts)
			}
		}
	}
}

func (*view) sectionOf(s *bench.Section, i int) section {
	out := section{
		ID: fmt.Sprintf("s%d-%s", i+1, slug(s.Name)), Title: sectionTitle(s), Kicker: kicker(s), Lead: []string{describe(s)}, Error: s.Error,
	}
	out.add(throughputBlocks(s)...)
	out.add(latencyBlocks(s.Latency)...)
	out.add(curveBlocks(s.Curves)...)
	out.add(ablationBlocks(s.Ablation)...)
	out.add(cpuBlocks(s)...)
	return out
}

func (s *section) add(blocks ...block) { s.Blocks = append(s.Blocks, blocks...) }

func title(s *bench.Suite) string {
	if s.Name == "" {
		return "Ardea, measured"
	}
	return "Ardea, measured: " + s.Name
}

func subtitle(s *bench.Suite) string {
	var parts []string
	if !s.Started.IsZero() {
		parts = append(parts, s.Started.UTC().Format("2 January 2006, 15:04 MST"))
	}
	if s.Seconds > 0 {
		parts = append(parts, "took "+time.Duration(min(s.Seconds, 1e8)*float64(time.Second)).Round(time.Second).String())
	}
	if n := len(s.Sections); n > 0 {
		parts = append(parts, count(n, "experiment"))
	}
	if later := s.LaterText(); later != "" {
		parts = append(parts, later)
	}
	return strings.Join(parts, " · ")
}

func sectionTitle(s *bench.Section) string {
	switch {
	case s.Title != "":
		return s.Title
	case s.Name != "":
		return s.Name
	default:
		return "Untitled experiment"
	}
}

func kicker(s *bench.Section) string {
	switch s.Kind {
	case bench.KindThroughput:
		return "Throughput at saturation"
	case bench.KindLatency:
		return "Latency at fixed rates"
	case bench.KindCurve:
		return "Latency against load"
	case bench.KindAblation:
		return "Ablation"
	default:
		return string(s.Kind)
	}
}

// describe tells the workload of a section in a sentence.
func describe(s *bench.Section) string {
	var parts []string
	add := func(n int, noun string) {
		if n > 0 {
			parts = append(parts, count(n, noun))
		}
	}
	add(s.Containers, "container")
	add(s.Spec.Spouts, "spout")
	add(s.Spec.Bolts, "bolt")
	if s.Spec.Words > 0 {
		parts = append(parts, "a dictionary of "+rounded(float64(s.Spec.Words))+" words")
	}
	text := "Workload: " + s.Spec.Workload
	if s.Spec.Workload == "" {
		text = "Workload: not named"
	}
	if len(parts) > 0 {
		text += " with " + listed(parts)
	}
	if s.Spec.Guarantee.Tracked() {
		text += ", " + string(s.Spec.Guarantee)
	}
	if s.Spec.Pending > 0 {
		text += ", with up to " + rounded(float64(s.Spec.Pending)) + " pending tuples of a spout"
	}
	return text + "."
}

// machineFacts are where and with what the suite was measured, and how quiet it was there.
func machineFacts(s *bench.Suite) []fact {
	m := &s.Machine
	var facts []fact
	add := func(name, text string) {
		if text != "" {
			facts = append(facts, fact{Name: name, Text: text})
		}
	}
	cores := ""
	if m.Cores > 0 {
		cores = count(m.Cores, "core")
	}
	memory := ""
	if m.MemoryBytes > 0 {
		memory = fmt.Sprintf("%.1f GiB", float64(m.MemoryBytes)/(1<<30))
	}
	add("Processor", joined(", ", m.CPU, cores))
	add("Memory", memory)
	add("System", joined(", ", joined("/", m.OS, m.Arch), prefixed("kernel ", m.Kernel)))
	add("Go", m.Go)
	commit := m.Commit
	if clean, changed := strings.CutSuffix(commit, "+"); changed {
		commit = clean + ", with changes that are not committed"
	}
	add("Commit", commit)
	add("Mitigations", m.Mitigations)
	add("Noise", noiseFact(s))
	add("Warm-up", warmUpFact(s))
	return facts
}

func joined(separator string, parts ...string) string {
	var have []string
	for _, p := range parts {
		if p != "" {
			have = append(have, p)
		}
	}
	return strings.Join(have, separator)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// costs calls visit with what every measurement at saturation has cost.
func costs(s *bench.Suite, visit func(section, name string, c *bench.Cost)) {
	for i := range s.Sections {
		sec := &s.Sections[i]
		for k := range sec.Limits.Runs {
			visit(sectionTitle(sec), sec.Limits.Runs[k].Name, &sec.Limits.Runs[k].Cost)
		}
		for k := range sec.Runs {
			visit(sectionTitle(sec), sec.Runs[k].Variant(), &sec.Runs[k].Cost)
		}
	}
}

// noiseFact says how much the machine was disturbed.
func noiseFact(s *bench.Suite) string {
	runs, noisy, steal, others := 0, 0, 0.0, 0.0
	note := func(n bench.Noise) {
		runs++
		steal, others = max(steal, n.StealShare), max(others, n.OthersShare)
		if n.Noisy {
			noisy++
		}
	}
	costs(s, func(_, _ string, c *bench.Cost) { note(c.Noise) })
	for i := range s.Sections {
		for k := range s.Sections[i].Latency {
			note(s.Sections[i].Latency[k].Noise)
		}
	}
	if runs == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %s noisy; at most %s stolen by the host, %s used by other programs",
		noisy, count(runs, "run"), percent(steal), percent(others))
}

// warmUpFact says how long runs needed until they were steady.
func warmUpFact(s *bench.Suite) string {
	runs, steady, longest := 0, 0, 0.0
	costs(s, func(_, _ string, c *bench.Cost) {
		runs++
		longest = max(longest, c.WarmUpSeconds)
		if c.Steady {
			steady++
		}
	})
	if runs == 0 || longest == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %s steady when the window began, after at most %s s", steady, count(runs, "run"), significant(longest))
}
