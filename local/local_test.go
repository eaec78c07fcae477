package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// patience bounds what should happen at once: a machine that is busy with other tests may be slow.
const patience = time.Minute

// options are those of a test that runs the topology of args.
func options(t *testing.T, args string) local.Options {
	t.Helper()
	return local.Options{
		Args: strings.Fields(args), Containers: 2, Stderr: testWriter{t}, Seed: 1,
		DrainTimeout: patience, StopTimeout: patience, SampleEvery: 20 * time.Millisecond, HangTimeout: -1,
	}
}

// testWriter writes the children's standard error to the test's log.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

// start starts the topology of args and sees to it that nothing of it stays.
func start(ctx context.Context, t *testing.T, args string, o local.Options) *local.Cluster {
	t.Helper()
	c, err := local.Start(ctx, build(args), o)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		c.Kill()
		_, _ = c.Wait()
	})
	return c
}

// awaitFlow waits until every task has had tuples.
func awaitFlow(t *testing.T, c *local.Cluster) *local.Sample {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		s, err := c.Sample(ctx)
		if err != nil {
			t.Fatalf("Sample: %v", err)
		}
		idle := slices.ContainsFunc(s.Tasks(), func(in local.TaskSample) bool { return in.Metrics.Emitted+in.Metrics.Received == 0 })
		if !idle {
			return s
		}
	}
}

// wait waits for the end of a run and checks that it left nothing.
func wait(t *testing.T, c *local.Cluster) (*local.Result, error) {
	t.Helper()
	type end struct {
		res *local.Result
		err error
	}
	ended := make(chan end, 1)
	go func() {
		res, err := c.Wait()
		ended <- end{res, err}
	}()
	select {
	case e := <-ended:
		dir := filepath.Dir(c.Plan().Containers[0].Socket)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("run directory %s: %v, want it gone", dir, err)
		}
		for _, p := range c.Processes() {
			if p.PID != os.Getpid() && syscall.Kill(p.PID, 0) == nil {
				t.Errorf("%s, pid %d, is still there", p.Name(), p.PID)
			}
		}
		return e.res, e.err
	case <-time.After(2 * patience):
		t.Fatal("the run does not end")
		return nil, nil
	}
}

// checkSums checks that the whole of two spouts of n numbers each arrived.
func checkSums(t *testing.T, res *local.Result, n uint64) {
	t.Helper()
	if count, sum := summed(t, res); count != 2*n || sum != 2*n*(n-1) {
		t.Errorf("bolts took %d numbers that make %d, want %d that make %d", count, sum, 2*n, 2*n*(n-1))
	}
}

func TestFiniteTopologyEndsByItselfWithExactResults(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*local.Options)
	}{
		{"two containers", func(*local.Options) {}},
		{"one container", func(o *local.Options) { o.Containers = 1 }},
		{"more containers than tasks", func(o *local.Options) { o.Containers = 50 }},
		{"three tasks in a process", func(o *local.Options) { o.TasksPerProcess = 3 }},
		{"in this process", func(o *local.Options) { o.InProcess = true }},
		{"in this process, three tasks together", func(o *local.Options) { o.InProcess, o.TasksPerProcess = true, 3 }},
		{"naive", func(o *local.Options) { o.Mode = "naive" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			const n = 3000
			args := "finite 3000"
			o := options(t, args)
			tc.change(&o)
			c := start(t.Context(), t, args, o)
			res, err := wait(t, c)
			if err != nil {
				t.Fatal(err)
			}
			checkSums(t, res, n)
			if res.Interrupted {
				t.Error("the run is said to be interrupted")
			}
			if all := res.Sample.Totals(); all.Emitted != 2*n || all.Executed != 4*n || all.Dropped != 0 || all.Errors != 0 {
				t.Errorf("totals are %+v", all)
			}
		})
	}
}

func TestProcessesAreThoseOfThePlan(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "endless")
	o.TasksPerProcess = 2
	c := start(t.Context(), t, "endless", o)
	var names []string
	for _, p := range c.Processes() {
		names = append(names, p.Name())
		if p.PID == 0 || p.PID == os.Getpid() {
			t.Errorf("%s has pid %d", p.Name(), p.PID)
		}
	}
	want := []string{"stream-manager-1", "stream-manager-2", "tasks-1..3", "sum-5", "tasks-2..4", "sum-6"}
	if !slices.Equal(names, want) {
		t.Errorf("processes are %q, want %q", names, want)
	}
}

func TestDrainEndsAnEndlessTopologyWithoutLoss(t *testing.T) {
	for name, end := range map[string]func(c *local.Cluster, cancel context.CancelFunc){
		"Drain":          func(c *local.Cluster, _ context.CancelFunc) { c.Drain() },
		"end of context": func(_ *local.Cluster, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := start(ctx, t, "endless", options(t, "endless"))
			awaitFlow(t, c)
			end(c, cancel)
			res, err := wait(t, c)
			if err != nil {
				t.Fatal(err)
			}
			if res.Interrupted != (ctx.Err() != nil) {
				t.Errorf("Interrupted is %v", res.Interrupted)
			}
			all := res.Sample.Totals()
			if count, _ := summed(t, res); all.Emitted == 0 || int64(count) != all.Emitted {
				t.Errorf("%d tuples were emitted, %d arrived", all.Emitted, count)
			}
			for _, e := range res.Exits {
				if e.ExitCode != 0 || e.Forced {
					t.Errorf("%s ended so: %+v", e.Name(), e)
				}
			}
		})
	}
}

func TestDurationDrains(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "endless")
	o.Duration = 200 * time.Millisecond
	res, err := local.Run(t.Context(), build("endless"), o)
	if err != nil {
		t.Fatal(err)
	}
	if res.Interrupted || res.Elapsed < o.Duration {
		t.Errorf("interrupted %v after %v", res.Interrupted, res.Elapsed)
	}
}

func TestSampleHoldsWhatProcessesUsed(t *testing.T) {
	leaktest.Check(t)
	samples := make(chan *local.Sample, 1)
	o := options(t, "endless")
	o.OnSample = func(s *local.Sample) {
		select {
		case samples <- s:
		default:
		}
	}
	c := start(t.Context(), t, "endless", o)
	<-samples
	s := awaitFlow(t, c)
	if len(s.Processes) != len(c.Processes()) || len(s.Processes) != 8 {
		t.Fatalf("%d processes", len(s.Processes))
	}
	for _, p := range s.Processes {
		if p.Usage.CPUSeconds() <= 0 || p.Usage.Mallocs == 0 || p.Usage.PeakRSSBytes == 0 || p.Elapsed <= 0 {
			t.Errorf("%s: %+v", p.Name(), p.Usage)
		}
		if manager := p.Role == local.RoleManager; manager != (p.Manager != nil) || manager != (len(p.Instances) == 0) {
			t.Errorf("%s: %+v", p.Name(), p)
		}
		if p.Manager != nil && p.Manager.Tuples == 0 {
			t.Errorf("%s has passed on nothing", p.Name())
		}
	}
	tasks := s.Tasks()
	if len(tasks) != 6 || tasks[0].Component != "numbers" || !tasks[0].Spout || tasks[5].Component != "sum" || tasks[5].Spout {
		t.Errorf("tasks are %+v", tasks)
	}
	if u := s.Total(); u.CPUSeconds() <= s.Launcher.CPUSeconds() {
		t.Errorf("total usage is %+v", u)
	}
}

func TestInProcessUsageIsTheLaunchers(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "endless")
	o.InProcess = true
	c := start(t.Context(), t, "endless", o)
	s := awaitFlow(t, c)
	for _, p := range s.Processes {
		if p.Usage != (local.Usage{}) || p.PID != os.Getpid() {
			t.Errorf("%s: pid %d, %+v", p.Name(), p.PID, p.Usage)
		}
	}
	if s.Launcher.CPUSeconds() <= 0 || s.Launcher.Mallocs == 0 {
		t.Errorf("launcher: %+v", s.Launcher)
	}
}

func TestPublishedUpToTheLimit(t *testing.T) {
	leaktest.Check(t)
	res, err := local.Run(t.Context(), build("publish 10"), options(t, "publish 10"))
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, res, 10)
	for task, b := range res.Published["large"] {
		if len(b) != local.MaxPublished {
			t.Errorf("task %d published %d bytes", task, len(b))
		}
	}
	if len(res.Published["large"]) != 2 {
		t.Errorf("%d tasks published", len(res.Published["large"]))
	}
}

func TestPublishedBeyondTheLimitIsAnError(t *testing.T) {
	leaktest.Check(t)
	res, err := local.Run(t.Context(), build("oversized 10"), options(t, "oversized 10"))
	pe, ok := errors.AsType[*local.PublishError](err)
	if !ok || pe.Component != "sum" || pe.Name != "large" || pe.Size != local.MaxPublished+1 {
		t.Fatalf("error is %v", err)
	}
	checkSums(t, res, 10)
}

func TestTwoRunsAtOnce(t *testing.T) {
	leaktest.Check(t)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			res, err := local.Run(t.Context(), build("finite 5000"), options(t, "finite 5000"))
			if err != nil {
				t.Error(err)
				return
			}
			checkSums(t, res, 5000)
		})
	}
	both.Wait()
}

func TestStandardErrorIsRelayedByName(t *testing.T) {
	leaktest.Check(t)
	var said strings.Builder // written to by one goroutine at a time
	o := options(t, "chatty 1")
	o.Stderr = &said
	if _, err := local.Run(t.Context(), build("chatty 1"), o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"twice-3: task 3 says hello\n", "twice-4: task 4 says hello\n"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not in %q", want, said.String())
		}
	}
}

func TestMethodsAfterTheEnd(t *testing.T) {
	leaktest.Check(t)
	o := options(t, "finite 10")
	o.InProcess = true
	c := start(t.Context(), t, "finite 10", o)
	res, err := wait(t, c)
	if err != nil {
		t.Fatal(err)
	}
	c.Drain()
	c.Kill()
	s, err := c.Sample(t.Context())
	if err != nil || s.Totals() != res.Sample.Totals() {
		t.Errorf("sample after the end: %+v, %v", s, err)
	}
	if again, err := c.Wait(); again != res || err != nil {
		t.Errorf("Wait says something else the second time: %v", err)
	}
}
