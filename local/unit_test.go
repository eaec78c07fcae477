package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := (Options{}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (Options{}).withDefaults(topology.Delivery{}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	err := Options{
		Containers: -1, TasksPerProcess: -1, HighMark: -1, LowMark: -1, HardMark: -1, Window: -1, MinBatch: -1,
		MaxBatch: -1, InstanceProcs: -1, ManagerProcs: -1, Duration: -1, MaxAge: -1, StartTimeout: -1,
		DrainTimeout: -1, StopTimeout: -1, SampleEvery: -1, RestartWindow: -1, Mode: "clever",
	}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{
		"Containers", "TasksPerProcess", "HighMark", "LowMark", "HardMark", "Window", "MinBatch", "MaxBatch", "InstanceProcs",
		"ManagerProcs", "Duration", "MaxAge", "StartTimeout", "DrainTimeout", "StopTimeout", "SampleEvery", "RestartWindow", "Mode",
	} {
		if !strings.Contains(err.Error(), "local: "+name+" ") {
			t.Errorf("%s is not among the faults: %v", name, err)
		}
	}
	if err := (Options{MaxRestarts: -1, HangTimeout: -1}).Validate(); err != nil {
		t.Errorf("never is not valid: %v", err)
	}
	if err := (Options{Containers: 1 << 20}).Validate(); err == nil {
		t.Error("too many containers are valid")
	}
}

func TestLinesAreMessages(t *testing.T) {
	var b bytes.Buffer
	w := lineWriter{w: &b}
	sent := report{Kind: kindPublished, Task: 7, Name: "a\nb", Data: bytes.Repeat([]byte{0xff}, MaxPublished)}
	if err := w.write(sent); err != nil {
		t.Fatal(err)
	}
	if err := w.write(report{Text: strings.Repeat("x", maxLine)}); !errors.Is(err, errLineTooLong) {
		t.Errorf("a long message was written: %v", err)
	}
	b.WriteString(`{"kind":"ended","ta`) // a writer that died
	r := newLineReader(&b)
	var got report
	if err := r.read(&got); err != nil || got.Name != sent.Name || !bytes.Equal(got.Data, sent.Data) {
		t.Errorf("read %+v, %v", got, err)
	}
	if err := r.read(&got); !errors.Is(err, io.EOF) {
		t.Errorf("the cut message is %v", err)
	}
	for text, want := range map[string]string{
		"nonsense\n":                        "local: malformed message: invalid character 'o' in literal null (expecting 'u')",
		strings.Repeat("x", maxLine) + "\n": errLineTooLong.Error(),
	} {
		if err := newLineReader(strings.NewReader(text)).read(&got); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

func TestListenReportsNonsenseOnceAndGoesOnReading(t *testing.T) {
	in := strings.NewReader("{\"kind\":\"ready\"}\nnonsense\n{\"kind\":\"bye\"}\n")
	var events []event
	listen(&member{}, in, func(e event) { events = append(events, e) })
	if len(events) != 2 || events[0].report.Kind != kindReady || events[1].fault == nil || in.Len() != 0 {
		t.Errorf("events are %+v, %d bytes are left", events, in.Len())
	}
}

func TestClipKeepsBothEnds(t *testing.T) {
	long := "begin" + strings.Repeat("x", 1000) + "end"
	if got := clip(long, 100); len(got) > 110 || !strings.HasPrefix(got, "begin") || !strings.HasSuffix(got, "end") {
		t.Errorf("clipped to %q", got)
	}
	if got := clip("short", 100); got != "short" {
		t.Errorf("clipped to %q", got)
	}
}

func TestRelay(t *testing.T) {
	long := strings.Repeat("y", maxRelayed+10)
	for _, tc := range []struct{ name, in, out, line string }{
		{"nothing", "", "", ""},
		{"lines", "one\ntwo\n\n", "p: one\np: two\np: \n", "two"},
		{"cut line", "one", "p: one\n", "one"},
		{"panic", "x\npanic: no\n\ngoroutine 1:\n", "p: x\np: panic: no\np: \np: goroutine 1:\n", "panic: no"},
		{"long line", long + "\n", "p: " + long[:maxRelayed] + "\np: " + long[maxRelayed:] + "\n", long[maxRelayed:]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			r := relay{prefix: "p: ", dst: &out}
			r.copy(strings.NewReader(tc.in))
			if out.String() != tc.out || r.line() != tc.line {
				t.Errorf("relayed %q with line %q", out.String(), r.line())
			}
		})
	}
}

func TestRelayKeepsTheEndOrTheBeginningOfACrash(t *testing.T) {
	lines := strings.Repeat(strings.Repeat("z", 99)+"\n", 3*maxTold/100)
	for _, tc := range []struct {
		name, in, text string
		crashed        bool
	}{
		{"the end", "first\n" + lines + "last\n", (lines + "last\n")[len(lines)+5-maxTold:], false},
		{"a crash that is short", lines + "panic: no\n\ngoroutine 1:\n\tmain.go:3\n", "panic: no\n\ngoroutine 1:\n\tmain.go:3", true},
		{"a crash that is long", "x\nfatal error: two writes\n" + lines, ("fatal error: two writes\n" + lines)[:maxTold], true},
		{"nothing", "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := relay{dst: io.Discard}
			r.copy(strings.NewReader(tc.in))
			if text, crashed := r.text(); text != strings.TrimSpace(tc.text) || crashed != tc.crashed {
				t.Errorf("%d bytes, want %d, crashed is %v:\n%s", len(text), len(tc.text), crashed, text)
			}
		})
	}
}

type brokenWriter struct{ calls int }

func (b *brokenWriter) Write([]byte) (int, error) {
	b.calls++
	return 0, io.ErrClosedPipe
}

func TestRelayEmptiesItsSourceWhenNobodyListens(t *testing.T) {
	var broken brokenWriter
	in := strings.NewReader("one\ntwo\n")
	r := relay{dst: &broken}
	r.copy(in)
	if in.Len() != 0 || broken.calls != 1 || r.line() != "two" {
		t.Errorf("%d bytes are left, %d writes, line %q", in.Len(), broken.calls, r.line())
	}
}

func TestEnvironmentOfChildren(t *testing.T) {
	instanceOf := func(n int) *member {
		return &member{Process: Process{Role: RoleInstance, Tasks: make([]uint32, n), Components: make([]string, n)}}
	}
	manager := &member{Process: Process{Role: RoleManager}}
	for _, tc := range []struct {
		name, given string
		o           Options
		m           *member
		want        string
	}{
		{"an instance has a processor a task", "", Options{}, instanceOf(3), "3"},
		{"a manager has two", "", Options{}, manager, "2"},
		{"the environment wins over defaults", "5", Options{}, manager, "5"},
		{"options win over the environment", "5", Options{InstanceProcs: 6, ManagerProcs: 7}, instanceOf(1), "6"},
		{"options for managers", "5", Options{InstanceProcs: 6, ManagerProcs: 7}, manager, "7"},
		{"all cores in the mode for that", "", Options{Mode: "optimized-procs"}, instanceOf(1), strconv.Itoa(runtime.NumCPU())},
		{"options win over that mode", "", Options{Mode: "optimized-procs", ManagerProcs: 7}, manager, "7"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.given != "" {
				t.Setenv(envProcs, tc.given)
			} else {
				t.Setenv(envProcs, "")
				if err := os.Unsetenv(envProcs); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv(envChild, "of somebody else")
			s := &spawner{o: tc.o}
			if tc.o.Mode != "" {
				s.mode, _ = dataplane.ParseMode(tc.o.Mode)
			}
			env, err := s.environment(tc.m)
			if err != nil {
				t.Fatal(err)
			}
			var procs, children []string
			for _, e := range env {
				if v, ok := strings.CutPrefix(e, envProcs+"="); ok {
					procs = append(procs, v)
				}
				if v, ok := strings.CutPrefix(e, envChild+"="); ok {
					children = append(children, v)
				}
			}
			if len(procs) != 1 || procs[0] != tc.want || len(children) != 1 || !strings.HasPrefix(children[0], "{") {
				t.Errorf("%s is %q, %s is %q", envProcs, procs, envChild, children)
			}
		})
	}
	many := instanceOf(1)
	many.orders.Tasks = make([]uint32, 1<<16)
	if _, err := (&spawner{}).environment(many); err == nil {
		t.Error("orders that do not fit are sent")
	}
}

func TestUsageAddsAndSubtracts(t *testing.T) {
	a := Usage{UserSeconds: 3, SystemSeconds: 2, GCSeconds: 1, GoUserSeconds: 1, Mallocs: 5, AllocBytes: 9, RSSBytes: 4, PeakRSSBytes: 4, ReadCalls: 3, WriteCalls: 2}
	twice := a.add(a)
	if twice.CPUSeconds() != 10 || twice.Mallocs != 10 || twice.RSSBytes != 8 || twice.WriteCalls != 4 {
		t.Errorf("sum is %+v", twice)
	}
	if got := twice.since(a); got.CPUSeconds() != 5 || got.AllocBytes != 9 || got.ReadCalls != 3 || got.RSSBytes != 8 {
		t.Errorf("difference is %+v", got)
	}
}

// testSample is a sample of two managers, two spouts and a bolt, n seconds into a run.
func testSample(n int64) *Sample {
	usage := Usage{UserSeconds: float64(n) / 2, PeakRSSBytes: 3 << 20}
	process := func(r Role, components ...string) ProcessSample {
		p := ProcessSample{Process: Process{Role: r, Components: components}, Usage: usage}
		for i, c := range components {
			p.Tasks = append(p.Tasks, uint32(i+1))
			in := TaskSample{Task: uint32(i + 1), Component: c, Spout: c == "words"}
			if in.Spout {
				in.Metrics = instance.Metrics{Emitted: 1000 * n, Clamps: 1}
			} else {
				in.Metrics = instance.Metrics{Received: 2000000 * n, Errors: 3, Panics: 1, LastError: "it broke"}
			}
			p.Instances = append(p.Instances, in)
		}
		if r == RoleManager {
			p.Manager = &dataplane.Metrics{Clamped: 1, QueueBytes: 1 << 20, Dropped: 2}
		}
		return p
	}
	return &Sample{Elapsed: time.Duration(n) * time.Second, Processes: []ProcessSample{
		process(RoleManager), process(RoleManager), process(RoleInstance, "words"), process(RoleInstance, "words"), process(RoleInstance, "count"),
	}}
}

func TestTotalsAndGroups(t *testing.T) {
	s := testSample(1)
	want := Totals{Emitted: 2000, Executed: 2000000, Errors: 3, Panics: 1, Dropped: 4, QueueBytes: 2 << 20, SlowTasks: 1, Clamps: 2}
	if got := s.Totals(); got != want {
		t.Errorf("totals are %+v, want %+v", got, want)
	}
	groups := s.Groups()
	if len(groups) != 3 || groups[0].Name != "stream managers" || groups[0].Processes != 2 || groups[1].Name != "words" ||
		!groups[1].Spout || groups[1].Tasks != 2 || groups[1].Emitted != 2000 || groups[2].Spout || groups[2].Errors != 3 {
		t.Errorf("groups are %+v", groups)
	}
	if name := groupName(&Process{Role: RoleInstance, Components: []string{"a", "b", "a"}}); name != "a+b" {
		t.Errorf("group is %q", name)
	}
}

func TestPlainProgressIsALineEveryFiveSeconds(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, "demo", nil)
	for n := int64(1); n <= 11; n++ {
		p.Show(testSample(n))
	}
	const want = "demo 6s  emitted 2000/s (12.0k)  executed 2.00M/s (12.00M)  held back by 1 slow  queued 2.10MB  errors 3" +
		"  cpu stream managers 100% words 100% count 50%\n"
	lines := strings.SplitAfter(out.String(), "\n")
	if len(lines) != 3 || lines[0] != want || !strings.HasPrefix(lines[1], "demo 11s ") {
		t.Errorf("lines are %q, want %q", lines, want)
	}
}

func TestLiveProgressIsOneLineAroundWhichOthersAreWritten(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, "demo", func() int { return 21 })
	logger := slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{ReplaceAttr: func([]string, slog.Attr) slog.Attr { return slog.Attr{} }}))
	p.Show(testSample(1))
	logger.Info("") // an empty line
	p.Show(testSample(2))
	p.Summary(&Result{Topology: "demo", Sample: testSample(2)})
	const live = "demo 1s  emitted 200"
	const erase = "\r\x1b[K"
	if got := out.String(); !strings.HasPrefix(got, live+erase+"\n"+live+erase+"demo 2s  emitted 200"+erase+"demo: 0s") {
		t.Errorf("written is %q", got)
	}
}

func TestSummary(t *testing.T) {
	got := summary(&Result{Topology: "demo", Mode: "naive", Containers: 2, Elapsed: 4 * time.Second, Interrupted: true, Sample: testSample(4)})
	const want = `demo: 4s, mode naive, containers 2, interrupted
       components  processes  tasks  emitted  received  errors  CPU s  peak MiB
  stream managers          2      0        0         0       0   4.00         3
            words          2      2     8000         0       0   4.00         3
            count          1      1        0   8000000       3   2.00         3
8000 tuples emitted, 8000000 executed, 2000/s emitted, 800 per CPU-second, 4 dropped, 3 errors of user code (1 panics)
last error of count-1: it broke
`
	if got != want {
		t.Errorf("summary is\n%s", got)
	}
}

func TestSummaryListsDeaths(t *testing.T) {
	s := testSample(4)
	s.Processes[4].Restarts, s.Processes[4].Earlier = 12, Counts{Received: 5, Errors: 1}
	r := &Result{Topology: "demo", Sample: s}
	for i := range 12 {
		r.Deaths = append(r.Deaths, Death{Process: s.Processes[4].Process, Elapsed: time.Duration(i) * time.Second, ExitCode: 2, Line: "panic: no"})
		r.Deaths[i].PID = i
	}
	got := summary(r)
	for _, want := range []string{
		"12 restarts of processes\n2 deaths before these:\ncount-1 (pid 2) exited with status 2 before its work was done: panic: no, 2s after the start\n",
		"count-1 (pid 11)", "8000005",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	var out bytes.Buffer
	p := NewProgress(&out, "demo", func() int { return 0 })
	p.Show(s)
	if !strings.Contains(out.String(), "  restarts 12") {
		t.Errorf("progress is %q", out.String())
	}
}

func TestAmount(t *testing.T) {
	for n, want := range map[float64]string{-1: "0", 0: "0", 9999: "9999", 12345: "12.3k", 1234567: "1.23M", 2e9: "2.00G"} {
		if got := Amount(n); got != want {
			t.Errorf("amount of %v is %s, want %s", n, got, want)
		}
	}
}

func TestResultIsJSON(t *testing.T) {
	b, err := json.Marshal(&Result{Sample: testSample(1), Published: map[string]map[uint32][]byte{"x": {1: []byte("y")}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"published":{"x":{"1":"eQ=="}}`, `"elapsed_ns":1000000000`, `"role":"stream-manager"`, `"user_seconds":0.5`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
}

func TestFileIsNoTerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if TerminalWidth(f) != nil {
		t.Error("the null device is a terminal")
	}
}

func TestCrowdedControlSocket(t *testing.T) {
	leaktest.Check(t)
	s := &control{c: &Cluster{}, ctx: t.Context()}
	s.requests.Store(maxRequests)
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.serve(theirs)
	}()
	w := lineWriter{w: ours}
	if err := w.write(controlRequest{Version: controlVersion, Sample: true}); err != nil {
		t.Fatal(err)
	}
	var a controlAnswer
	if err := newLineReader(ours).read(&a); err != nil || a.Code != codeCrowded || a.err() == nil {
		t.Errorf("the answer is %+v, %v", a, err)
	}
	<-served
	if n := s.requests.Load(); n != maxRequests {
		t.Errorf("%d requests are left", n)
	}
}

func TestDefaultDrainTimeoutLeavesTimeForReplays(t *testing.T) {
	for _, c := range []struct {
		d    topology.Delivery
		want time.Duration
	}{
		{topology.Delivery{}, 30 * time.Second},
		{topology.Delivery{Guarantee: topology.AtLeastOnce, MessageTimeout: 30 * time.Second, MaxRetries: 3}, 150 * time.Second},
		{topology.Delivery{Guarantee: topology.AtLeastOnce, MessageTimeout: 10 * time.Millisecond}, 30*time.Second + 10*time.Millisecond},
		{topology.Delivery{Guarantee: topology.AtLeastOnce, MessageTimeout: time.Hour, MaxRetries: 100}, time.Hour + 10*time.Minute + 30*time.Second},
	} {
		if got := (Options{}).withDefaults(c.d).DrainTimeout; got != c.want {
			t.Errorf("%+v: %v, want %v", c.d, got, c.want)
		}
		if got := (Options{DrainTimeout: 1}).withDefaults(c.d).DrainTimeout; got != 1 {
			t.Errorf("%+v: a given one becomes %v", c.d, got)
		}
	}
}
