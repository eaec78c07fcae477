package page

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/bench"
)

// WriteBenchmark writes every run as a line of Go benchmark text, which
// benchstat reads: one benchmark for each section, with the mode as a part of
// its name, and the guarantee where the section has tracked tuples, so that
// `benchstat -col /mode` compares modes, `benchstat -col /guarantee` guarantees
// and `benchstat A B` two results. Limits and runs at fixed rates are benchmarks of their own;
// rejected runs are left out. The error is that of w.
func WriteBenchmark(w io.Writer, s *bench.Suite) error {
	s = cleanSuite(s)
	var b strings.Builder
	key := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + strings.Join(strings.Fields(value), " ") + "\n")
		}
	}
	key("goos", s.Machine.OS)
	key("goarch", s.Machine.Arch)
	key("pkg", "github.com/ardea-stream/ardea/bench")
	key("cpu", s.Machine.CPU)
	key("commit", s.Machine.Commit)
	key("go", s.Machine.Go)
	key("kernel", s.Machine.Kernel)
	key("suite", s.Name)
	key("partial", s.Partial)
	for _, unit := range []string{"tuples/s", "tuples/cpu-s"} {
		b.WriteString("Unit " + unit + " better=higher\n")
	}
	for _, unit := range []string{
		"ns/tuple", "allocs/tuple", "syscalls/ktuple", "switches/ktuple", "p50-us", "p99-us", "p999-us",
		"complete-p50-us", "complete-p99-us",
	} {
		b.WriteString("Unit " + unit + " better=lower\n")
	}
	for i := range s.Sections {
		benchmarkSection(&b, &s.Sections[i], i)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("page: write: %w", err)
	}
	return nil
}

func benchmarkSection(b *strings.Builder, s *bench.Section, i int) {
	name := "Section" + strconv.Itoa(i+1)
	if s.Name != "" {
		name = camel(s.Name)
	}
	promise := promises(s)
	for k := range s.Limits.Runs {
		l := &s.Limits.Runs[k]
		writeLine(b, name+"/limit="+namePart(l.Name), &l.Cost, l.AllocsPerTuple)
	}
	for k := range s.Runs {
		r := &s.Runs[k]
		writeLine(b, name+"/mode="+namePart(r.Mode)+promise(r.Guarantee), &r.Cost, r.ManagerAllocsPerTuple)
	}
	single := singleRuns(s.Latency)
	for k := range single {
		writeLatency(b, name, &single[k], promise(single[k].Guarantee))
	}
	for k := range s.Curves {
		for p := range s.Curves[k].Points {
			point := &s.Curves[k].Points[p]
			writeLatency(b, name, point, promise(point.Guarantee))
		}
	}
}

// promises returns what adds the guarantee to a benchmark's name, in a section
// with tracked tuples; in others there would be one.
func promises(s *bench.Section) func(bench.Guarantee) string {
	tracked := slices.ContainsFunc(s.Runs, func(r bench.Run) bool { return r.Guarantee.Tracked() }) ||
		slices.ContainsFunc(s.Latency, func(l bench.LatencyRun) bool { return l.Guarantee.Tracked() }) ||
		slices.ContainsFunc(s.Curves, func(c bench.Curve) bool { return c.Guarantee.Tracked() })
	return func(g bench.Guarantee) string {
		if !tracked {
			return ""
		}
		return "/guarantee=" + namePart(string(cmp.Or(g, bench.AtMostOnce)))
	}
}

// writeLine writes a measurement at saturation; one without tuples has nothing to say.
func writeLine(b *strings.Builder, name string, c *bench.Cost, allocs float64) {
	if c.Tuples == 0 || c.TuplesPerSecond == 0 {
		return
	}
	fmt.Fprintf(b, "Benchmark%s %d %s ns/op %s tuples/s", name, c.Tuples, number(1e9/c.TuplesPerSecond), number(c.TuplesPerSecond))
	if c.TuplesPerCPUSecond > 0 {
		fmt.Fprintf(b, " %s tuples/cpu-s %s ns/tuple", number(c.TuplesPerCPUSecond), number(1e9/c.TuplesPerCPUSecond))
	}
	fmt.Fprintf(b, " %s allocs/tuple", number(allocs))
	if c.SyscallSource != "" && c.SyscallSource != bench.NoSyscalls {
		fmt.Fprintf(b, " %s syscalls/ktuple %s switches/ktuple", number(c.Syscalls), number(c.ContextSwitches))
	}
	b.WriteByte('\n')
}

// writeLatency writes one run at a fixed rate.
func writeLatency(b *strings.Builder, name string, l *bench.LatencyRun, promise string) {
	if l.Rejected != "" || l.Counted == 0 {
		return
	}
	fmt.Fprintf(b, "Benchmark%s/mode=%s%s/rate=%s %d %s p50-us %s p99-us %s p999-us", name, namePart(l.Mode), promise, number(l.Rate), l.Counted,
		number(l.Latency.P50), number(l.Latency.P99), number(l.Latency.P999))
	if c := l.Complete; c != nil {
		fmt.Fprintf(b, " %s complete-p50-us %s complete-p99-us", number(c.P50), number(c.P99))
	}
	b.WriteByte('\n')
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// camel turns the name of a section into that of a benchmark.
func camel(name string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(slug(name), func(r rune) bool { return r == '-' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	if b.Len() == 0 {
		return "Section"
	}
	return b.String()
}

// namePart makes a name one part of a benchmark's name: without blanks, slashes and signs that benchstat reads.
func namePart(name string) string {
	if name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("+_.", r):
			return r
		default:
			return '_'
		}
	}, name); name != "" {
		return name
	}
	return "unnamed"
}
