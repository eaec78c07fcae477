package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The lines of a README between which RefreshReadme writes.
const (
	ReadmeBegin = "<!-- bench:begin -->"
	ReadmeEnd   = "<!-- bench:end -->"
)

// Errors of RefreshReadme.
var (
	// ErrNoMarks says that a text has not exactly one place for the table.
	ErrNoMarks = errors.New("bench: the text must have one line that begins the tables and, below it, one that ends them: put them where the tables shall stand")
	// ErrPartial says that a suite is not whole.
	ErrPartial = errors.New("bench: the suite is partial, so nobody should quote it: measure again")
	// ErrNoThroughput says that a suite has no headline.
	ErrNoThroughput = errors.New("bench: the suite compares no modes at saturation: add a section of kind throughput to the matrix")
)

// RefreshReadme returns a Markdown text in which the figures of a suite stand
// between the lines ReadmeBegin and ReadmeEnd: the first comparison at
// saturation as the headline, the others by one line each, the first latencies at
// fixed rates, and the first comparison and the first latencies with acks.
// Nothing else is changed. The error is ErrNoMarks,
// ErrPartial or ErrNoThroughput. The caller keeps text and owns the result.
func RefreshReadme(text []byte, s *Suite) ([]byte, error) {
	return refresh(text, s, ReadmeBegin, ReadmeEnd, s.readme)
}

// refresh returns a text in which what tables gives stands between two lines.
func refresh(text []byte, s *Suite, from, to string, tables func() (string, error)) ([]byte, error) {
	if s.Partial != "" {
		return nil, fmt.Errorf("%w (%s)", ErrPartial, s.Partial)
	}
	lines := strings.SplitAfter(string(text), "\n")
	begin, end := -1, -1
	for i, line := range lines {
		at := &end
		switch strings.TrimRight(line, "\r\n") {
		case from:
			at = &begin
		case to:
		default:
			continue
		}
		if *at >= 0 {
			return nil, fmt.Errorf("%w: %s, %s", ErrNoMarks, from, to)
		}
		*at = i
	}
	if begin < 0 || end < begin {
		return nil, fmt.Errorf("%w: %s, %s", ErrNoMarks, from, to)
	}
	fresh, err := tables()
	if err != nil {
		return nil, err
	}
	before, after := strings.Join(lines[:begin+1], ""), strings.Join(lines[end:], "")
	return []byte(before + fresh + after), nil
}

// readme is what stands between the marks.
func (s *Suite) readme() (string, error) {
	head := slices.IndexFunc(s.Sections, func(t Section) bool { return t.Kind == KindThroughput && len(t.Summaries) > 0 })
	if head < 0 {
		return "", ErrNoThroughput
	}
	var b strings.Builder
	fmt.Fprintf(&b, "    %s\n\n", harmless(s.Command))
	s.Sections[head].writeHeadline(&b)
	fmt.Fprintf(&b, "\n%s %s\n", s.Sections[head].origin(), s.Machine)
	writeOthers(&b, s.Sections, head)
	for i := range s.Sections {
		if t := &s.Sections[i]; t.Kind == KindLatency && len(t.Latency) > 0 && !hasComplete(t.Latency) {
			t.writeLatencies(&b)
			break
		}
	}
	s.writeAcks(&b, head)
	if later := s.LaterText(); later != "" {
		fmt.Fprintf(&b, "\n%s\n", harmless(later))
	}
	return b.String(), nil
}

// origin says how the figures came about, and what disturbed.
func (s *Section) origin() string {
	runs, noisy, all := 0, 0, 0
	for i := range s.Summaries {
		runs = max(runs, s.Summaries[i].Runs)
		noisy += s.Summaries[i].NoisyRuns
		all += s.Summaries[i].Runs
	}
	text := fmt.Sprintf("Medians of %d interleaved runs with 95 %% intervals.", runs)
	if runs == 1 {
		text = "One run of each."
	}
	if noisy > 0 {
		text += fmt.Sprintf(" %d of all %d runs were disturbed by other programs or the host.", noisy, all)
	}
	return text
}

// writeHeadline writes a row for every limit and mode.
func (s *Section) writeHeadline(b *strings.Builder) {
	writeHeading(b, []string{
		"", "tuples/s", "95 % interval", "tuples/CPU-s", "vs naive", "of fused loop", "allocs/tuple", "syscalls/1000 tuples",
	})
	for i := range s.Summaries {
		t := &s.Summaries[i]
		rate := t.TuplesPerSecond
		interval := "-"
		if rate.N > 1 {
			interval = amount(rate.Low) + " - " + amount(rate.High)
		}
		writeMarkdown(b, []string{
			t.Name, amount(rate.Median), interval, amount(t.TuplesPerCPUSecond.Median), t.versus(),
			optional("%.2f", t.Cost), fmt.Sprintf("%.3f", t.AllocsPerTuple), t.syscalls(),
		})
	}
}

// writeOthers writes a row for every other comparison of naive and optimized.
func writeOthers(b *strings.Builder, sections []Section, head int) {
	first := true
	for i := range sections {
		s := &sections[i]
		if i == head || s.Kind != KindThroughput || tracked(s.Summaries) {
			continue
		}
		old, best := summaryOf(s.Summaries, naive), summaryOf(s.Summaries, "optimized")
		if old.Runs == 0 || best.Runs == 0 {
			continue
		}
		if first {
			b.WriteString("\n")
			writeHeading(b, []string{"tuples/s", "naive", "optimized", "vs naive"})
			first = false
		}
		title := s.Title
		if title == "" {
			title = s.Name
		}
		writeMarkdown(b, []string{title, amount(old.TuplesPerSecond.Median), amount(best.TuplesPerSecond.Median), best.versus()})
	}
}

// writeLatencies writes a row for every mode and rate, of several runs the merged one.
func (s *Section) writeLatencies(b *strings.Builder) {
	b.WriteString("\n")
	writeHeading(b, []string{"latency", "tuples/s", "p50", "p99", "p99.9", "max"})
	for _, l := range quoted(s.Latency) {
		row := []string{l.Mode, amount(l.Rate), micros(l.Latency.P50), micros(l.Latency.P99), micros(l.Latency.P999), micros(l.Latency.Max)}
		if l.Rejected != "" {
			row = []string{l.Mode, amount(l.Rate), "does not count: " + l.Rejected, "", "", ""}
		}
		writeMarkdown(b, row)
	}
	b.WriteString("\nLatency counts from the instant a tuple was due; the pacer's lateness is part of it.\n")
}

// quoted returns the runs that a table for readers has: of several of each mode and rate the merged ones.
func quoted(runs []LatencyRun) []*LatencyRun {
	several := slices.ContainsFunc(runs, func(l LatencyRun) bool { return l.Repeat == merged })
	var all []*LatencyRun
	for i := range runs {
		if !several || runs[i].Repeat == merged {
			all = append(all, &runs[i])
		}
	}
	return all
}

// writeHeading begins a Markdown table.
func writeHeading(b *strings.Builder, row []string) {
	writeMarkdown(b, row)
	b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
}

// writeMarkdown writes a row of a Markdown table.
func writeMarkdown(b *strings.Builder, row []string) {
	for _, text := range row {
		if text = harmless(text); text == "-" {
			text = ""
		}
		b.WriteString("| " + text + " ")
	}
	b.WriteString("|\n")
}

// harmless makes a text harmless in a table and for the marks.
func harmless(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;").Replace(text)
}
