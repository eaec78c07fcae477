package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// topRun is a run of two containers as it describes itself.
func topRun(guarantee string) *local.Running {
	return &local.Running{Topology: "wordcount", Mode: "optimized", Guarantee: guarantee, PID: 4711}
}

// topSample is what it says after so many seconds.
func topSample(seconds int64) *local.Sample {
	at := time.Duration(seconds) * time.Second
	usage := local.Usage{UserSeconds: 0.5 * float64(seconds), SystemSeconds: 0.25 * float64(seconds), RSSBytes: 20 << 20}
	instanceOf := func(task uint32, component string, m instance.Metrics) local.ProcessSample {
		return local.ProcessSample{
			Process: local.Process{Role: local.RoleInstance, Container: 1 + (task-1)%2, Tasks: []uint32{task}, Components: []string{component}, PID: 4720 + int(task)},
			Elapsed: at, Usage: usage,
			Instances: []local.TaskSample{{Task: task, Component: component, Spout: component == "lines", Metrics: m}},
		}
	}
	manager := func(container uint32) local.ProcessSample {
		return local.ProcessSample{
			Process: local.Process{Role: local.RoleManager, Container: container, PID: 4711 + int(container)}, Elapsed: at, Usage: usage,
			Manager: &dataplane.Metrics{Tuples: uint64(50_000 * seconds), QueueBytes: 3 << 20, Clamped: 1, Dropped: uint64(container)},
		}
	}
	lines := instance.Metrics{Emitted: 10_000 * seconds, Pending: 120, Acked: 9_990 * seconds, Failed: 3, Replayed: 17, Clamps: 2}
	for i := range 100 * seconds {
		lines.Latency.Add(time.Duration(i%100+1) * 100 * time.Microsecond)
	}
	count := instance.Metrics{Received: 123_456 * seconds, Errors: 4, LastError: "bolt count: bad word \"\x1b[31m\"\ngoroutine 7"}
	s := &local.Sample{Elapsed: at, Launcher: local.Usage{UserSeconds: 0.01 * float64(seconds), RSSBytes: 15 << 20}, Processes: []local.ProcessSample{
		manager(1), manager(2), instanceOf(1, "lines", lines), instanceOf(2, "split", instance.Metrics{Received: 10_000 * seconds, Emitted: 246_912 * seconds}),
		instanceOf(3, "count", count), instanceOf(4, "count", instance.Metrics{Received: 123_456 * seconds, Errors: 9, LastError: "größer als erlaubt: 世界"}),
	}}
	s.Processes[4].Restarts, s.Processes[4].LastDeath = 2, "killed by signal: segmentation fault\nmore"
	silent := &s.Processes[5] // says nothing any more
	silent.Elapsed, silent.Usage, silent.Instances[0].Metrics.Received = 2*time.Second, local.Usage{RSSBytes: 20 << 20}, 246_912
	return s
}

func text80(lines []topLine) string {
	var b strings.Builder
	for _, l := range lines {
		mark := " "
		if l.heading {
			mark = "#"
		}
		b.WriteString(strings.TrimRight(mark+l.text, " ") + "\n")
	}
	return b.String()
}

func TestTopScreens(t *testing.T) {
	var all strings.Builder
	for _, tc := range []struct {
		name          string
		guarantee     string
		width, height int
		change        func(*topView)
	}{
		{"first picture", "at-least-once", 80, 24, func(v *topView) { v.now, v.before = v.before, nil }},
		{"usual", "at-least-once", 80, 24, nil},
		{"at most once, with tasks", "at-most-once", 80, 24, func(v *topView) { v.tasks = true }},
		{"wide, with tasks", "at-least-once", 132, 30, func(v *topView) { v.tasks = true }},
		{"narrow", "at-least-once", 40, 24, nil},
		{"scrolled to the end", "at-least-once", 60, 16, func(v *topView) { v.tasks, v.scroll = true, 1<<30 }},
		{"tiny", "at-least-once", 12, 5, nil},
		{"silent", "at-most-once", 80, 24, func(v *topView) { v.note = errSilent.Error() }},
		{"in one process", "at-most-once", 80, 24, func(v *topView) { v.run.InProcess = true }},
		{"before the first answer", "at-most-once", 80, 4, func(v *topView) { v.now = nil }},
	} {
		v := &topView{run: topRun(tc.guarantee), before: topSample(9), now: topSample(10)}
		if tc.change != nil {
			tc.change(v)
		}
		lines := v.frame(tc.width, tc.height)
		fmt.Fprintf(&all, "$ %s, %dx%d\n%s\n", tc.name, tc.width, tc.height, text80(lines))
	}
	checkGolden(t, "top.txt", all.String())
}

func TestTopPlain(t *testing.T) {
	v := &topView{run: topRun("at-least-once"), before: topSample(9), now: topSample(10), tasks: true}
	checkGolden(t, "topplain.txt", v.plain())
}

// Whatever the size, nothing is wider or higher than the screen.
func TestTopFitsEveryScreen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &topView{
			run: topRun(rapid.SampledFrom([]string{"at-least-once", "at-most-once", ""}).Draw(t, "guarantee")), before: topSample(3), now: topSample(4),
			tasks: rapid.Bool().Draw(t, "tasks"), scroll: rapid.IntRange(-50, 50).Draw(t, "scroll"),
		}
		width, height := rapid.IntRange(1, 200).Draw(t, "width"), rapid.IntRange(1, 60).Draw(t, "height")
		lines := v.frame(width, height)
		if len(lines) > height {
			t.Errorf("%d lines of %d", len(lines), height)
		}
		for _, l := range lines {
			if columns(l.text) > width || strings.ContainsAny(l.text, "\x1b\n\r") {
				t.Errorf("%q on %d columns", l.text, width)
			}
		}
	})
}

// Counters that fall are those of a process that was started anew.
func TestTopRates(t *testing.T) {
	if got := rate(50, 200, 2*time.Second); got != 25 {
		t.Errorf("after a restart it is %v", got)
	}
	v := &topView{run: topRun("at-least-once"), before: topSample(10), now: topSample(3)}
	v.now.Elapsed = 11 * time.Second
	for i := range v.now.Processes {
		v.now.Processes[i].Elapsed = 11 * time.Second
	}
	f := figuresOf(v.run, v.now, v.before)
	if f.all.emitted != 30_000 || f.all.latency.Count() != 300 {
		t.Errorf("%v emitted a second, %d latencies", f.all.emitted, f.all.latency.Count())
	}
}

func TestParseKeys(t *testing.T) {
	for text, want := range map[string][]topKey{
		"q": {keyQuit}, "tT": {keyTasks, keyTasks}, "\x1b[A\x1b[B": {keyUp, keyDown}, "\x1b[5~\x1b[6~": {keyPageUp, keyPageDown},
		"xyz\x00\xff": nil, "\x1b[31mq": {keyQuit}, "\x03": {keyQuit}, "\x1bq": {keyQuit}, "\x1bOH\x1b[F": {keyHome, keyEnd},
	} {
		if keys, rest := parseKeys(text); !slices.Equal(keys, want) || rest != "" {
			t.Errorf("%q is %v and %q, want %v", text, keys, rest, want)
		}
	}
	var keys []topKey
	rest := ""
	for _, b := range "\x1b[A\x1b[5~t" { // byte by byte
		var more []topKey
		more, rest = parseKeys(rest + string(b))
		keys = append(keys, more...)
	}
	if want := []topKey{keyUp, keyPageUp, keyTasks}; !slices.Equal(keys, want) || rest != "" {
		t.Errorf("byte by byte: %v and %q, want %v", keys, rest, want)
	}
}

func TestTopOfARun(t *testing.T) {
	leaktest.Check(t)
	pid := runMeanwhile(t, "randomwords", "--bolts", "2", "--containers", "2")
	stdout, stderr, status := ardea(t.Context(), "top", pid)
	if status != statusOK || stderr != "" {
		t.Fatalf("status %d, %s", status, stderr)
	}
	for _, want := range []string{"randomwords  pid " + pid + "  optimized  at-most-once  up ", "\nwords ", "\ncount ", "\nlauncher ", "\nstream-manager-2 ", "\ncount-2 "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("want %q in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "\x1b") || strings.Contains(stdout, "NaN") {
		t.Errorf("no plain text: %q", stdout)
	}
	runs := local.Runs(t.Context())
	i := slices.IndexFunc(runs, func(r local.Running) bool { return r.PID == os.Getpid() })
	stdout, stderr, status = ardea(t.Context(), "top", runs[i].Dir, "--json")
	var s local.Sample
	if err := json.Unmarshal([]byte(stdout), &s); err != nil || status != statusOK || len(s.Processes) != len(runs[i].Processes) {
		t.Errorf("status %d, %s%s: %v", status, stdout, stderr, err)
	}
	if strings.Contains(stdout, `"latency"`) {
		t.Errorf("tuples that are not tracked have a latency:\n%s", stdout)
	}
}

func TestTopFaults(t *testing.T) {
	leaktest.Check(t)
	for _, tc := range []struct{ args, want string }{
		{"nosuchtopology", `no topology "nosuchtopology" runs`},
		{"a b", "name one"},
		{"a --dir b", "name one"},
		{"--dir " + filepath.Join(t.TempDir(), "none"), "no running topology"},
		{"./none", "no running topology"},
		{"--refresh 2s", "unknown flag"},
	} {
		if stdout, stderr, status := ardea(t.Context(), append([]string{"top"}, strings.Fields(tc.args)...)...); status != statusUsage || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: status %d, want %q in %s", tc.args, status, tc.want, stderr)
		}
	}
	two := []local.Running{{Topology: "a", PID: 1, Dir: "/x"}, {Topology: "a", PID: 2, Dir: "/y"}}
	for name, want := range map[string]string{"": "2 topologies run: name one", "a": `2 runs are "a": name one by its pid or by --dir: pid 1 in /x, pid 2 in /y`} {
		if err := severalRuns(name, two); !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
