package local

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

const (
	plainEvery = 5 * time.Second // between lines where there is no terminal
	rateWindow = 2 * time.Second // of the live line
	maxMourned = 10              // deaths that the summary lists
)

// Progress shows how a run goes: on a terminal by one line that is drawn anew,
// elsewhere by a line every five seconds. It is also the writer for everything
// else that goes to the same place, see Options.Stderr. Any goroutine may use it.
type Progress struct {
	live     *LiveLine
	terminal bool
	named    string // topology, as a heading of the line

	mu   sync.Mutex
	past []*Sample // of the last rateWindow, or since the last plain line; ascending
}

// NewProgress returns a progress for a topology that writes to w. width returns
// the columns of the terminal that w is, see TerminalWidth; nil says that it is none.
func NewProgress(w io.Writer, topology string, width func() int) *Progress {
	return &Progress{live: NewLiveLine(w, width), terminal: width != nil, named: topology}
}

// Show takes a sample. It is meant for Options.OnSample.
func (p *Progress) Show(s *Sample) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal {
		p.showPlain(s)
		return
	}
	for len(p.past) > 1 && s.Elapsed-p.past[0].Elapsed > rateWindow {
		p.past = p.past[1:]
	}
	p.live.Set(p.describe(s))
	p.past = append(p.past, s)
}

func (p *Progress) showPlain(s *Sample) {
	if len(p.past) > 0 && s.Elapsed-p.past[0].Elapsed < plainEvery {
		return
	}
	if len(p.past) > 0 || s.Elapsed >= plainEvery {
		p.print(p.describe(s) + "\n")
	}
	p.past = append(p.past[:0], s)
}

// Write writes lines without harm to the live one. b should end with a newline.
func (p *Progress) Write(b []byte) (int, error) { return p.live.Write(b) }

// Summary replaces the live line by an account of the whole run.
func (p *Progress) Summary(r *Result) {
	p.live.Set("")
	p.print(summary(r))
}

// print ignores errors: a run does not end because nobody looks on.
func (p *Progress) print(text string) { _, _ = io.WriteString(p.live, text) }

// describe puts a sample into one line, with rates since the oldest past one.
func (p *Progress) describe(s *Sample) string {
	before := &Sample{}
	if len(p.past) > 0 {
		before = p.past[0]
	}
	seconds := (s.Elapsed - before.Elapsed).Seconds()
	now, then := s.Totals(), before.Totals()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v  emitted %s/s (%s)  executed %s/s (%s)", p.named, s.Elapsed.Round(time.Second),
		Amount(float64(now.Emitted-then.Emitted)/seconds), Amount(float64(now.Emitted)),
		Amount(float64(now.Executed-then.Executed)/seconds), Amount(float64(now.Executed)))
	if now.SlowTasks > 0 {
		fmt.Fprintf(&b, "  held back by %d slow", now.SlowTasks)
	}
	if now.QueueBytes > 0 {
		fmt.Fprintf(&b, "  queued %sB", Amount(float64(now.QueueBytes)))
	}
	if now.Errors > 0 {
		fmt.Fprintf(&b, "  errors %d", now.Errors)
	}
	if now.Restarts > 0 {
		fmt.Fprintf(&b, "  restarts %d", now.Restarts)
	}
	b.WriteString(shares(s, before, seconds))
	return b.String()
}

// shares lists how many processors each group of processes keeps busy.
func shares(s, before *Sample, seconds float64) string {
	past := map[string]float64{}
	for _, g := range before.Groups() {
		past[g.Name] = g.Usage.CPUSeconds()
	}
	var b strings.Builder
	for _, g := range s.Groups() {
		used := g.Usage.CPUSeconds() - past[g.Name]
		if used <= 0 {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("  cpu")
		}
		fmt.Fprintf(&b, " %s %.0f%%", g.Name, 100*used/seconds)
	}
	return b.String()
}

// Amount writes a number with three digits or so, such as 12.3k.
func Amount(n float64) string {
	switch {
	case n < 0 || n != n:
		return "0"
	case n < 1e4:
		return fmt.Sprintf("%.0f", n)
	case n < 1e6:
		return fmt.Sprintf("%.1fk", n/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.2fM", n/1e6)
	default:
		return fmt.Sprintf("%.2fG", n/1e9)
	}
}

// summary is the account of a run: a table of its groups of processes and a line of totals.
func summary(r *Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v, mode %s, containers %d", r.Topology, r.Elapsed.Round(time.Millisecond), r.Mode, r.Containers)
	if r.Interrupted {
		b.WriteString(", interrupted")
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "components\tprocesses\ttasks\temitted\treceived\terrors\tCPU s\tpeak MiB\t")
	for _, g := range r.Sample.Groups() {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%.2f\t%d\t\n",
			g.Name, g.Processes, g.Tasks, g.Emitted, g.Received, g.Errors, g.Usage.CPUSeconds(), g.PeakRSSBytes>>20)
	}
	_ = t.Flush() // to memory
	all, cpu, seconds := r.Sample.Totals(), r.Sample.Total().CPUSeconds(), r.Elapsed.Seconds()
	fmt.Fprintf(&b, "%d tuples emitted, %d executed", all.Emitted, all.Executed)
	if seconds > 0 && cpu > 0 {
		fmt.Fprintf(&b, ", %s/s emitted, %s per CPU-second", Amount(float64(all.Emitted)/seconds), Amount(float64(all.Emitted)/cpu))
	}
	if all.Dropped > 0 {
		fmt.Fprintf(&b, ", %d dropped", all.Dropped)
	}
	if all.Errors > 0 {
		fmt.Fprintf(&b, ", %d errors of user code (%d panics)", all.Errors, all.Panics)
	}
	if all.Restarts > 0 {
		fmt.Fprintf(&b, ", %d restarts of processes", all.Restarts)
	}
	b.WriteString("\n")
	b.WriteString(mourned(r.Deaths))
	for _, in := range r.Sample.Tasks() {
		if in.Metrics.LastError != "" {
			fmt.Fprintf(&b, "last error of %s-%d: %s\n", in.Component, in.Task, in.Metrics.LastError)
		}
	}
	return b.String()
}

// mourned lists deaths, the last ones if there are many.
func mourned(deaths []Death) string {
	var b strings.Builder
	if more := len(deaths) - maxMourned; more > 0 {
		fmt.Fprintf(&b, "%d deaths before these:\n", more)
		deaths = deaths[more:]
	}
	for i := range deaths {
		d := &deaths[i]
		fmt.Fprintf(&b, "%s (pid %d) %s, %v after the start\n", d.Name(), d.PID, d.Cause(), d.Elapsed.Round(time.Millisecond))
	}
	return b.String()
}
