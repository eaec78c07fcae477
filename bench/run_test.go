package bench

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// short is a configuration for tests that look at everything but the figures.
func short() Config {
	return Config{
		InProcess: true, Words: 2000, Seed: 1, Duration: 40 * time.Millisecond, WarmUp: 30 * time.Millisecond,
		HighMark:  64 << 10, // little is queued, so that drains are short
		ChildArgs: childArgs, Stderr: io.Discard, lenient: true,
	}
}

// checkRun checks what must hold of every run.
func checkRun(t *testing.T, r Run) {
	t.Helper()
	if r.Emitted == 0 || r.Emitted != r.Counted {
		t.Errorf("%s: emitted %d, counted %d", r.Mode, r.Emitted, r.Counted)
	}
	if r.Tuples == 0 || r.Tuples > r.Counted || r.TuplesPerSecond <= 0 || r.TuplesPerCPUSecond <= 0 {
		t.Errorf("%s: %+v", r.Mode, r.Cost)
	}
	if r.CPU.Total() <= 0 || r.Seconds <= 0 {
		t.Errorf("%s: CPU %+v in %v s", r.Mode, r.CPU, r.Seconds)
	}
}

func TestCompareInOneProcess(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.Spouts, c.Bolts, c.Containers, c.Repeat = 1, 2, 2, 2
	c.Modes = []string{"heron2017", "optimized"}
	c.Limits = []string{FusedLoop, BatchedChannel, SocketRelay}
	var lines []string
	c.Progress = func(line string) { lines = append(lines, line) }
	r, err := Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, run := range r.Runs {
		checkRun(t, run)
		order = append(order, run.Mode)
		if run.Containers != 2 || run.Spouts != 1 || run.Bolts != 2 || run.Acks {
			t.Errorf("%+v", run)
		}
	}
	if got, want := strings.Join(order, " "), "heron2017 optimized heron2017 optimized"; got != want {
		t.Errorf("runs in the order %s, want %s", got, want)
	}
	if len(r.Limits.Runs) != 6 || r.Limits.FusedLoop <= 0 || r.Limits.BatchedChannel <= 0 || r.Limits.SocketRelay <= 0 {
		t.Errorf("limits: %+v", r.Limits)
	}
	if len(r.Summaries) != 5 || len(lines) != 20 {
		t.Errorf("%d summaries and %d lines of progress", len(r.Summaries), len(lines))
	}
	for _, s := range r.Summaries {
		if s.Runs != 2 || s.TuplesPerSecond.N != 2 || s.RatioToNaive != 0 || s.Cost <= 0 {
			t.Errorf("summary: %+v", s)
		}
	}
}

func TestCompareWithProcesses(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.InProcess, c.Modes = false, []string{"optimized"}
	r, err := Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	run := r.Runs[0]
	checkRun(t, run)
	if cpu := run.CPU; cpu.Spouts <= 0 || cpu.StreamManagers <= 0 || cpu.Bolts <= 0 || cpu.Mixed != 0 {
		t.Errorf("CPU time by role: %+v", cpu)
	}
	if len(run.Processes) != 3 {
		t.Errorf("processes: %+v", run.Processes)
	}
	for _, p := range run.Processes {
		if p.PeakRSSBytes == 0 {
			t.Errorf("%s was never resident", p.Name)
		}
	}
}

func TestTasksOfOneProcessAreMixed(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.InProcess, c.Modes, c.Limits, c.TasksPerProcess = false, []string{"optimized"}, []string{}, 2
	r, err := Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if cpu := r.Runs[0].CPU; cpu.Mixed <= 0 || cpu.Spouts != 0 || cpu.Bolts != 0 {
		t.Errorf("CPU time by role: %+v", cpu)
	}
}

// faulty is a counting bolt that does one tuple wrong.
type faulty struct {
	topology.Bolt
	n    int
	fail func(*countBolt)
}

func (f *faulty) Execute(t *topology.Tuple) error {
	if f.n++; f.n == 1000 {
		f.fail(f.Bolt.(*countBolt))
		return nil
	}
	return f.Bolt.Execute(t)
}

func (f *faulty) Finish() error { return f.Bolt.(topology.Finisher).Finish() }

func TestPlantedFaultsAreCaught(t *testing.T) {
	for name, fail := range map[string]func(*countBolt){
		"lost tuple":    func(*countBolt) {},
		"unknown word":  func(b *countBolt) { b.counter.Add([]byte("Ardea")) },
		"another word":  func(b *countBolt) { b.counter.Add(NewDictionary(b.spec.Words, b.spec.Seed).Word(0)) },
		"counted twice": func(b *countBolt) { b.counter.Add([]byte("a")); b.counter.Add([]byte("a")) },
	} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			c := short()
			c.alter = func(top *topology.Topology) {
				count := &top.Components[1]
				sound := count.NewBolt
				count.NewBolt = func() topology.Bolt { return &faulty{Bolt: sound(), fail: fail} }
			}
			c.Modes, c.Limits = []string{"optimized"}, []string{}
			_, err := Compare(t.Context(), c)
			if _, ok := errors.AsType[*MismatchError](err); !ok {
				t.Errorf("the run gives %v", err)
			}
		})
	}
}

func TestCompareStopsWithItsContext(t *testing.T) {
	leaktest.Check(t)
	stop := errors.New("enough")
	c := short()
	c.Duration = time.Hour
	ctx, cancel := context.WithCancelCause(t.Context())
	c.Progress = func(line string) {
		if strings.Contains(line, "optimized") {
			cancel(stop)
		}
	}
	c.Modes, c.Limits = []string{"optimized"}, []string{}
	if _, err := Compare(ctx, c); !errors.Is(err, stop) && !errors.Is(err, context.Canceled) {
		t.Errorf("the measurement ends with %v", err)
	}
}

func TestFailureOfATaskIsTheError(t *testing.T) {
	leaktest.Check(t)
	broken := errors.New("broken on purpose")
	c := short()
	c.Modes, c.Limits = []string{"optimized"}, []string{}
	c.alter = func(top *topology.Topology) {
		top.Components[0].NewSpout = func() topology.Spout { return brokenSpout{broken} }
	}
	_, err := Compare(t.Context(), c)
	var task *local.TaskError
	if !errors.As(err, &task) || !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("the run gives %v", err)
	}
}

type brokenSpout struct{ err error }

func (s brokenSpout) Open(context.Context, *topology.Task, *topology.Collector) error { return nil }
func (s brokenSpout) Next() error                                                     { return s.err }
func (s brokenSpout) Close() error                                                    { return nil }

func TestMeasureLimits(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Limits = []string{FusedLoop}
	r, err := MeasureLimits(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 0 || len(r.Limits.Runs) != 1 || r.Limits.FusedLoop <= 0 {
		t.Errorf("%+v", r)
	}
}

// TestLimitsOfNumbers has loops count words that the picker writes where the last ones stood.
func TestLimitsOfNumbers(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Words, c.Limits, c.Workload = 0, LimitNames(), Spec{Workload: KeyWords, Keys: 1000}
	if _, err := MeasureLimits(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestLimitFailureIsReported(t *testing.T) {
	leaktest.Check(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := MeasureLimits(ctx, short()); !errors.Is(err, context.Canceled) {
		t.Errorf("a measurement that may not begin gives %v", err)
	}
}

func TestReportOfOneRun(t *testing.T) {
	leaktest.Check(t)
	c := short().withDefaults(nil, nil)
	spec := Spec{Workload: Latency, Rate: 10_000, Tuples: 300}
	top, err := spec.Topology()
	if err != nil {
		t.Fatal(err)
	}
	result, err := local.Run(t.Context(), top, c.options(spec, "optimized"))
	if err != nil {
		t.Fatal(err)
	}
	r := ReportOf(result).Runs[0]
	if r.Emitted != 300 || r.Counted != 300 || r.Spouts != 1 || r.Bolts != 1 || r.Mode != "optimized" || r.TuplesPerSecond <= 0 {
		t.Errorf("%+v", r)
	}
}

func TestCostsByRole(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.InProcess, c.Modes, c.Limits = false, []string{"naive"}, []string{}
	r, err := Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	run := r.Runs[0]
	var roles []string
	for _, cost := range run.Roles {
		roles = append(roles, cost.Role)
		if cost.UserSeconds+cost.SystemSeconds < 0 || cost.WakeUps < 0 || cost.Role != RoleLauncher && cost.PeakRSSBytes == 0 {
			t.Errorf("%+v", cost)
		}
	}
	if !slices.Equal(roles, []string{RoleSpouts, RoleManagers, RoleBolts, RoleLauncher}) {
		t.Errorf("roles: %v", roles)
	}
	// A tuple of a word and its hash takes some 20 bytes, and passes two
	// sockets. In so short a window many may be sent that are counted later.
	if run.SocketBytesPerTuple < 5 {
		t.Errorf("%v bytes on sockets for a tuple", run.SocketBytesPerTuple)
	}
	if manager := run.Roles[1]; manager.AllocsPerTuple <= 0 || manager.AllocBytesPerTuple <= 0 || run.AllocsPerTuple < manager.AllocsPerTuple {
		t.Errorf("the naive mode allocates: %+v of %v", manager, run.AllocsPerTuple)
	}
	if run.PeakRSSBytes < 3*run.Roles[0].PeakRSSBytes/2 || run.WakeUps > run.ContextSwitches {
		t.Errorf("%+v", run)
	}
	if s := r.Summaries[0]; len(s.Roles) != 4 || s.SocketBytesPerTuple != run.SocketBytesPerTuple {
		t.Errorf("summary: %+v", s)
	}
}

// TestFailureEndsTheMeasurement has windows so long that a test that waited for one would never end.
func TestFailureEndsTheMeasurement(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Duration, c.WarmUp = time.Hour, time.Hour
	c.Modes, c.Limits = []string{"optimized"}, []string{}
	c.alter = func(top *topology.Topology) {
		top.Components[0].NewSpout = func() topology.Spout { return brokenSpout{errors.New("broken on purpose")} }
	}
	if _, err := Compare(t.Context(), c); err == nil || !strings.Contains(err.Error(), "broken on purpose") {
		t.Errorf("the run gives %v", err)
	}
}

// long skips a test that takes seconds, and minutes under the race detector, where go test -short was asked for.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long")
	}
}
