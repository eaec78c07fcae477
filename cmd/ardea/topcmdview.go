package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

const (
	maxTopErrors = 3               // lines at the bottom
	silentAfter  = 3 * time.Second // a process is said to be silent
)

// topLine is a line of the screen.
type topLine struct {
	text    string
	heading bool
}

// topView is what is shown, and how much of it.
type topView struct {
	run         *local.Running
	now, before *local.Sample // before is nil at first
	tasks       bool          // rows of single tasks are shown
	scroll      int           // rows of the tables above the screen
	note        string        // why there is nothing newer, empty if there is
}

// take makes a sample the newest.
func (v *topView) take(s *local.Sample) {
	v.before, v.now, v.note = v.now, s, ""
}

func (v *topView) tracked() bool { return v.run.Guarantee == topology.AtLeastOnce.String() }

// plain is everything, as a text without a bound on its width.
func (v *topView) plain() string {
	f := figuresOf(v.run, v.now, v.before)
	lines := append(v.head(f, math.MaxInt), topLine{})
	lines = append(lines, v.tables(f, math.MaxInt)...)
	if faults := v.faults(f); len(faults) > 0 {
		lines = append(append(lines, topLine{}), faults...)
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimRight(cut(l.text, math.MaxInt), " ") + "\n")
	}
	return b.String()
}

// frame is the screen: the totals, as much of the tables as there is room for,
// the last errors and the keys. It has height lines of width columns at most.
func (v *topView) frame(width, height int) []topLine {
	if v.now == nil {
		return fit([]topLine{{text: "waiting for " + v.run.Topology + " " + v.note}}, width, height)
	}
	f := figuresOf(v.run, v.now, v.before)
	head := append(v.head(f, width), topLine{})
	foot := v.faults(f)
	if more := len(foot) - maxTopErrors; more > 0 {
		foot = append(foot[:maxTopErrors], topLine{text: fmt.Sprintf("... and %d more", more)})
	}
	body := v.tables(f, width)
	room := max(1, height-len(head)-len(foot)-1)
	v.scroll = max(0, min(v.scroll, len(body)-room))
	end := min(len(body), v.scroll+room)
	keys := "q quit  t tasks"
	if len(body) > room {
		keys += fmt.Sprintf("  arrows scroll: %d-%d of %d", v.scroll+1, end, len(body))
	}
	lines := slices.Concat(head, body[v.scroll:end])
	for len(lines) < height-len(foot)-1 {
		lines = append(lines, topLine{})
	}
	return fit(append(append(lines, foot...), topLine{text: keys}), width, height)
}

// fit cuts what does not fit. The last line stays: it has the keys.
func fit(lines []topLine, width, height int) []topLine {
	if len(lines) > height {
		lines = append(lines[:max(0, height-1)], lines[len(lines)-1])
	}
	for i := range lines {
		lines[i].text = cut(lines[i].text, width)
	}
	return lines
}

// head is the run and its totals.
func (v *topView) head(f *topFigures, width int) []topLine {
	r, s, all := v.run, v.now, &f.all
	run := []string{r.Topology, fmt.Sprintf("pid %d", r.PID), r.Mode}
	if r.Guarantee != "" {
		run = append(run, r.Guarantee)
	}
	run = append(run, "up "+s.Elapsed.Round(time.Second).String())
	if v.note != "" {
		run = append(run, v.note)
	}
	lines := wrap(run, width)
	containers := map[uint32]bool{}
	for i := range s.Processes {
		containers[s.Processes[i].Container] = true
	}
	lines = append(lines, wrap([]string{
		fmt.Sprintf("containers %d", len(containers)), fmt.Sprintf("processes %d", v.processes()), "cpu " + percent(f.cpu),
		"memory " + bytesOf(f.memory), fmt.Sprintf("restarts %d", f.restarts), fmt.Sprintf("errors %d", all.errors),
	}, width)...)
	flow := []string{
		fmt.Sprintf("emitted %s (%s)", perSecond(all.emitted), local.Amount(float64(all.allEmitted))),
		fmt.Sprintf("executed %s (%s)", perSecond(all.executed), local.Amount(float64(all.allExecuted))),
		"queued " + bytesOf(uint64(max(0, f.queue))), fmt.Sprintf("slow tasks %d", f.clamped),
	}
	if f.dropped > 0 {
		flow = append(flow, fmt.Sprintf("dropped %d", f.dropped))
	}
	if f.unlogged > 0 {
		flow = append(flow, fmt.Sprintf("refused by logs %d", f.unlogged))
	}
	lines = append(lines, wrap(flow, width)...)
	if v.tracked() {
		lines = append(lines, wrap([]string{
			"pending " + local.Amount(float64(all.pending)), fmt.Sprintf("acked %s (%s)", perSecond(all.acked), local.Amount(float64(all.allAcked))),
			fmt.Sprintf("failed %d", all.failed), fmt.Sprintf("replayed %d", all.replayed),
			"complete p50 " + quantile(all, 0.5) + " p99 " + quantile(all, 0.99),
		}, width)...)
	}
	return lines
}

// processes counts those that the run has, with the one that started it.
func (v *topView) processes() int {
	if v.run.InProcess {
		return 1
	}
	return 1 + len(v.now.Processes)
}

// tables are the components, and the tasks if they are shown, and the processes.
func (v *topView) tables(f *topFigures, width int) []topLine {
	components := [][]string{v.taskCells(nil, "")}
	for i := range f.components {
		c := &f.components[i]
		components = append(components, v.taskCells(c, c.name))
		for j := range c.tasks {
			if v.tasks {
				components = append(components, v.taskCells(&c.tasks[j], fmt.Sprintf("  %s-%d", c.name, c.tasks[j].id)))
			}
		}
	}
	processes := [][]string{{"PROCESS", "PID", "CPU", "MEMORY", "RESTARTS", "QUEUE", "TUPLES/S", "DROPPED"}}
	for i := range f.processes {
		processes = append(processes, processCells(&f.processes[i]))
	}
	return append(append(table(components, width), topLine{}), table(processes, width)...)
}

// taskCells is a row of the components' table, or its heading of no task. The
// columns that matter least stand last, since narrow screens lose them.
func (v *topView) taskCells(t *topTask, name string) []string {
	if t == nil {
		cells := []string{"COMPONENT", "TASKS", "EMIT/S", "EXEC/S", "ERRORS"}
		if v.tracked() {
			cells = append(cells, "PENDING", "ACK/S", "FAILED", "P50", "P99")
		}
		return append(cells, "CLAMPS")
	}
	tasks, clamps := "", "-"
	if len(t.tasks) > 0 {
		tasks = digits(len(t.tasks))
	}
	if t.spout {
		clamps = digits(t.clamps)
	}
	cells := []string{name, tasks, number(t.emitted), number(t.executed), digits(t.errors)}
	switch {
	case !v.tracked():
	case t.spout:
		cells = append(cells, local.Amount(float64(t.pending)), number(t.acked), digits(t.failed), quantile(t, 0.5), quantile(t, 0.99))
	default:
		cells = append(cells, "-", "-", "-", "-", "-")
	}
	return append(cells, clamps)
}

func processCells(p *topProcess) []string {
	name := p.name
	if p.silent > silentAfter {
		name += fmt.Sprintf(" (silent for %v)", p.silent.Round(time.Second))
	}
	cells := []string{name, digits(p.pid), "-", "-", digits(p.restarts), "-", "-", "-"}
	if p.measured {
		cells[2], cells[3] = percent(p.cpu), bytesOf(p.memory)
	}
	if p.manager {
		cells[5], cells[6], cells[7] = bytesOf(uint64(max(0, p.queue))), number(p.tuples), digits(p.dropped)
	}
	return cells
}

// faults are the last error of each task and the last death of each process,
// those with the most errors first.
func (v *topView) faults(f *topFigures) []topLine {
	var lines []topLine
	for i := range f.processes {
		if p := &f.processes[i]; p.lastDeath != "" {
			lines = append(lines, topLine{text: fmt.Sprintf("%s died: %s", p.name, firstLine(p.lastDeath))})
		}
	}
	type fault struct {
		text   string
		errors int64
	}
	var faults []fault
	for i := range f.components {
		for _, t := range f.components[i].tasks {
			if t.lastError != "" {
				faults = append(faults, fault{fmt.Sprintf("%s-%d: %s", f.components[i].name, t.id, firstLine(t.lastError)), t.errors})
			}
		}
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(b.errors, a.errors) })
	for _, one := range faults {
		lines = append(lines, topLine{text: one.text})
	}
	return lines
}
