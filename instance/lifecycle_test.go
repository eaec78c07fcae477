package instance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

var errBoom = errors.New("boom")

// ways are the ways in which a call of user code can fail.
var ways = []struct {
	name  string
	fail  func() error
	stack bool
}{
	{"error", func() error { return errBoom }, false},
	{"panic", func() error { panic(errBoom) }, true},
}

// TestFailuresThatEndTheTask fails each call of user code that a task does not survive.
func TestFailuresThatEndTheTask(t *testing.T) {
	leaktest.Check(t)
	for _, way := range ways {
		open := func(context.Context, *topology.Task, *topology.Collector) error { return way.fail() }
		for _, tc := range []struct {
			op    string
			src   *userSpout
			work  *userBolt
			serve func(p *peer)
		}{
			{op: opOpen, src: &userSpout{open: open}},
			{op: opNext, src: &userSpout{next: func(*topology.Collector) error { return way.fail() }}},
			{op: opClose, src: &userSpout{next: func(*topology.Collector) error { return io.EOF }, close: way.fail}},
			{op: opOpen, work: &userBolt{open: open}},
			{op: opFinish, work: &userBolt{finish: func(*topology.Collector) error { return way.fail() }}},
			{op: opClose, work: &userBolt{close: way.fail}},
		} {
			task, name := uint32(srcTask), "spout"
			closed := 0
			count := func(f func() error) func() error {
				return func() error {
					closed++
					if f == nil {
						return nil
					}
					return f()
				}
			}
			var src topology.Spout
			var work topology.Bolt
			if tc.src != nil {
				tc.src.close = count(tc.src.close)
				src = tc.src
			} else {
				tc.work.close = count(tc.work.close)
				work, task, name = tc.work, workTask, "bolt"
			}
			t.Run(way.name+" in "+tc.op+" of a "+name, func(t *testing.T) {
				leaktest.Check(t)
				m := newManager(t, testTopology(t, src, work))
				var log strings.Builder
				r := m.run(task, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
				p := m.welcome(plenty)
				if task == workTask && tc.op != opOpen {
					p.end()
				}
				for {
					if _, _, err := p.next(); err != nil {
						break
					}
				}
				p.conn.Close()
				checkFailed(t, r, tc.op, way.stack)
				if closed != 1 {
					t.Errorf("Close was called %d times", closed)
				}
				if !strings.Contains(log.String(), "op="+tc.op) || !strings.Contains(log.String(), "boom") {
					t.Errorf("log is %q", log.String())
				}
			})
		}
	}
}

func checkFailed(t *testing.T, r *running, op string, stack bool) {
	t.Helper()
	err := r.wait()
	var te *TaskError
	if !errors.As(err, &te) || te.Op != op || !errors.Is(err, errBoom) || te.Task != r.cfg.Task {
		t.Fatalf("Run returned %v", err)
	}
	if (te.Stack != "") != stack || stack && !strings.Contains(te.Detail(), "_test.go:") {
		t.Errorf("detail is %q", te.Detail())
	}
	var pe *PanicError
	if errors.As(err, &pe) != stack {
		t.Errorf("error is %#v", te.Err)
	}
	m := r.Metrics()
	if m.Errors != 1 || (m.Panics == 1) != stack || m.LastError != te.Detail() {
		t.Errorf("metrics are %+v", m)
	}
}

func TestConstructors(t *testing.T) {
	leaktest.Check(t)
	for _, tc := range []struct {
		name  string
		spout func() topology.Spout
		bolt  func() topology.Bolt
		want  error
	}{
		{"that panic", func() topology.Spout { panic(errBoom) }, func() topology.Bolt { panic(errBoom) }, errBoom},
		{"that return nil", func() topology.Spout { return nil }, func() topology.Bolt { return nil }, ErrNil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			b := topology.NewBuilder("test")
			b.Spout("a", tc.spout, topology.Output("x"))
			b.Bolt("b", tc.bolt, topology.Shuffle("a"))
			topo, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			m := newManager(t, topo)
			for task := uint32(1); task <= 2; task++ {
				r := m.run(task)
				m.welcome(plenty)
				err := r.wait()
				var te *TaskError
				if !errors.As(err, &te) || te.Op != opNew || !errors.Is(err, tc.want) {
					t.Errorf("Run returned %v, want %v", err, tc.want)
				}
			}
		})
	}
}

func TestRunOnlyOnce(t *testing.T) {
	leaktest.Check(t)
	m := newManager(t, testTopology(t, speak(io.EOF), nil))
	r := m.run(srcTask)
	m.welcome(plenty).ends(srcStream, srcTask)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, ErrStarted) {
		t.Errorf("the second Run returned %v", err)
	}
}

// TestEmitAfterTheEnd checks that a task that has said the end sends nothing more.
func TestEmitAfterTheEnd(t *testing.T) {
	leaktest.Check(t)
	s := speak(io.EOF)
	var emitted error
	s.close = func() error {
		emitted = errors.Join(s.out.Emit(topology.String("late")), s.out.Flush())
		return nil
	}
	m := newManager(t, testTopology(t, s, nil))
	r := m.run(srcTask)
	m.welcome(plenty).ends(srcStream, srcTask)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(emitted, topology.ErrStopped) {
		t.Errorf("Emit in Close returned %v", emitted)
	}
}

// TestStoppedIsNotAnError checks that user code that passes topology.ErrStopped on is not blamed for it.
func TestStoppedIsNotAnError(t *testing.T) {
	leaktest.Check(t)
	m := newManager(t, testTopology(t, nil, echo()))
	r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = 64, 64 })
	p := m.welcome(1)
	p.send(dataFrame(numbered(100)...))
	p.data()
	r.stop()
	if got := r.Metrics(); got.Errors != 0 || got.LastError != "" {
		t.Errorf("metrics are %+v", got)
	}
}

func TestConfigFaults(t *testing.T) {
	topo := testTopology(t, nil, nil)
	other, err := topology.NewBuilder("other").Spout("s", func() topology.Spout { return nil }).Build()
	if err != nil {
		t.Fatal(err)
	}
	l := plan.NewLogical(topo)
	p := plan.New(l, plan.PackRoundRobin(l, 1), 1, 1, func(uint32) (string, string) { return "sock", "" })
	nowhere := *p
	nowhere.Containers = nil
	good := Config{Plan: p, Topology: topo, Task: 1}
	if _, err := New(good); err != nil {
		t.Fatalf("a good configuration is refused: %v", err)
	}
	for name, change := range map[string]func(c *Config){
		"MinBatch": func(c *Config) { c.MinBatch = -1 },
		"MaxBatch": func(c *Config) { c.MaxBatch = wire.MaxBody + 1 },
		"above":    func(c *Config) { c.MinBatch, c.MaxBatch = 2000, 1000 },
		"MaxAge":   func(c *Config) { c.MaxAge = -1 },
		"Plan":     func(c *Config) { c.Plan = nil },
		"another":  func(c *Config) { c.Topology = other },
		"Task 4":   func(c *Config) { c.Task = 4 },
		"Task 0":   func(c *Config) { c.Task = 0 },
		"no cont":  func(c *Config) { c.Plan = &nowhere },
		"Restarts": func(c *Config) { c.Restarts = (wire.MaxSeq + 1) >> incarnationShift }, // no ack could name its tuples
	} {
		c := good
		change(&c)
		if _, err := New(c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	bad := good
	bad.MaxAge, bad.Task = -1, 9
	if err := bad.Validate(); !strings.Contains(err.Error(), "MaxAge") || !strings.Contains(err.Error(), "Task 9") {
		t.Errorf("error is %v, want both faults", err)
	}
}

func TestOutputSpecs(t *testing.T) {
	bolt := func() topology.Bolt { return &userBolt{} }
	choose := func(_ *topology.Tuple, tasks, dst []uint32) []uint32 { return append(dst, tasks[0]) }
	b := topology.NewBuilder("test")
	b.Spout("s", func() topology.Spout { return &userSpout{} }, topology.Output("x", "y"), topology.OutputStream("side", "x"), topology.OutputStream("unused"))
	b.Bolt("fields", bolt, topology.Parallelism(2), topology.Fields("s", "y"), topology.Shuffle("s/side"))
	b.Bolt("direct", bolt, topology.Parallelism(2), topology.Direct("s"))
	b.Bolt("custom", bolt, topology.Custom("s", choose))
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	l := plan.NewLogical(topo)
	p := plan.New(l, plan.PackRoundRobin(l, 1), 1, 1, func(uint32) (string, string) { return "", "" })
	specs := outputSpecs(topo, p, &p.Components[0])
	if len(specs) != 3 {
		t.Fatalf("%d specs", len(specs))
	}
	s := specs[0]
	if s.Name != "default" || s.Index != 0 || !s.Routed || len(s.KeySets) != 1 || s.KeySets[0][0] != 1 ||
		len(s.Direct) != 2 || s.Direct[0] != 4 || len(s.Custom) != 1 || s.Custom[0].Tasks[0] != 6 || s.Custom[0].Choose == nil {
		t.Errorf("spec is %+v", s)
	}
	if s := specs[1]; s.Name != "side" || s.Index != 1 || !s.Routed || s.Direct != nil {
		t.Errorf("spec is %+v", s)
	}
	if s := specs[2]; s.Routed || s.Direct != nil || s.Custom != nil {
		t.Errorf("spec is %+v", s)
	}
	if oneBatch(specs) || !oneBatch(specs[1:]) {
		t.Error("oneBatch counts wrongly")
	}
	if router.Shuffle.Addressed() || !router.Direct.Addressed() {
		t.Error("groupings have changed their meaning")
	}
}
