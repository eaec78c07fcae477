package rivals

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
	"github.com/ardea-stream/ardea/internal/invariants"
)

// envAdapter makes this test program an adapter, and envOrphan a process that nobody waits for.
const (
	envAdapter = "ARDEA_TEST_ADAPTER"
	envOrphan  = "ARDEA_TEST_ORPHAN"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(envOrphan) != "":
		time.Sleep(time.Minute) // unless it is killed, which is what the test is about
	case os.Getenv(envAdapter) != "":
		status := adapter.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, testPeers())
		if status == 0 && slices.Contains(os.Args, "ending-badly") {
			status = 20
		}
		os.Exit(status)
	default:
		os.Exit(m.Run())
	}
}

// testPeers are peers that count in one goroutine and have a fault each.
func testPeers() []adapter.Peer {
	peer := func(variant string, exact bool, job func(context.Context, *adapter.Run) (*contract.Result, error)) adapter.Peer {
		return adapter.Peer{Row: contract.Row{
			Peer: "test", Variant: variant, Processes: 1, Guarantee: contract.None, Exact: exact, Latency: true, Smoke: variant == "right",
			Workloads: words.Workloads()[:3],
		}, Job: job}
	}
	count := func(each func(c *adapter.Counter, d adapter.Draw, n int)) func(context.Context, *adapter.Run) (*contract.Result, error) {
		return func(_ context.Context, run *adapter.Run) (*contract.Result, error) {
			s, err := run.Source()
			if err != nil {
				return nil, err
			}
			c := run.Counter()
			for n := 0; ; n++ {
				d, more := s.Next()
				if !more {
					c.Tell()
					return nil, nil
				}
				each(c, d, n)
			}
		}
	}
	add := func(c *adapter.Counter, d adapter.Draw, _ int) {
		for word := range strings.SplitSeq(d.Text, " ") {
			c.Add(word, d.Due)
		}
	}
	lossy := func(c *adapter.Counter, d adapter.Draw, n int) {
		if n%1000 != 999 {
			add(c, d, n)
		}
	}
	return []adapter.Peer{
		peer("right", true, count(add)),
		peer("ending-badly", true, count(add)),
		peer("lossy", false, count(lossy)),
		peer("lossy-but-exact", true, count(lossy)),
		peer("wrong-later", true, func(ctx context.Context, run *adapter.Run) (*contract.Result, error) {
			note := os.Getenv(envAdapter)
			if _, err := os.Stat(note); err == nil {
				return count(lossy)(ctx, run)
			}
			res, err := count(add)(ctx, run)
			return res, errors.Join(err, os.WriteFile(note, nil, 0o600))
		}),
		peer("boasting", true, func(ctx context.Context, run *adapter.Run) (*contract.Result, error) {
			now, err := bench.Monotonic()
			if err != nil {
				return nil, err
			}
			var n atomic.Uint64
			run.SetFigures(func() adapter.Figures { return adapter.Figures{T: now(), Emitted: n.Load(), Counted: 2 * n.Load()} })
			return count(func(c *adapter.Counter, d adapter.Draw, i int) {
				add(c, d, i)
				n.Add(1)
			})(ctx, run)
		}),
		peer("failing", true, func(context.Context, *adapter.Run) (*contract.Result, error) {
			return nil, errors.New("the disk is full")
		}),
		peer("dying", true, func(context.Context, *adapter.Run) (*contract.Result, error) {
			_, _ = io.WriteString(os.Stderr, "out of memory\n")
			os.Exit(7)
			return nil, nil
		}),
		peer("missing", true, func(context.Context, *adapter.Run) (*contract.Result, error) {
			return nil, &adapter.MissingError{Text: "no JVM: install one"}
		}),
		peer("orphaning", true, func(ctx context.Context, run *adapter.Run) (*contract.Result, error) {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), envOrphan+"=1")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := cmd.Start(); err != nil {
				return nil, err
			}
			if err := os.WriteFile(os.Getenv(envAdapter), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
				return nil, err
			}
			return count(add)(ctx, run)
		}),
	}
}

// testConfig is one that measures one of testPeers for a short time. note is a file that the adapter may write.
func testConfig(t *testing.T, variant string) (c Config, note string) {
	t.Helper()
	if testing.Short() || invariants.Enabled {
		t.Skip("it measures for some seconds, which once is enough")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	note = filepath.Join(t.TempDir(), "note")
	t.Setenv(envAdapter, note)
	return Config{
		Adapters: []Adapter{{Name: "test", Args: []string{self}}}, Peers: []string{"test/" + variant}, Workloads: []string{words.Words175k},
		Repeat: 1, Duration: time.Second, WarmUp: time.Second, NoLatency: true, Dir: t.TempDir(), Progress: func(line string) { t.Log(line) },
	}, note
}

func TestMeasure(t *testing.T) {
	c, _ := testConfig(t, "right")
	c.Workloads = []string{words.Words175k, words.Sentences}
	c.NoLatency = false
	r, err := Measure(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range c.Workloads {
		cell := r.Cell("test/right", w)
		if cell == nil || cell.TuplesPerSecond.Median <= 0 || cell.TuplesPerCPUSecond.Median <= 0 || cell.PeakRSSBytes == 0 {
			t.Fatalf("%s: %+v", w, cell)
		}
		if run := cell.Runs[0]; run.Extra != 0 || run.Draws == 0 || run.FirstResultSeconds <= 0 {
			t.Errorf("%s: %+v", w, run)
		}
	}
	if len(r.Generators) != 2 {
		t.Errorf("%d lists of words were drawn alone, want 2", len(r.Generators))
	}
	latencies := r.Cell("test/right", words.Words175k).Latencies
	if len(latencies) != 2 || latencies[0].Rate != DefaultRate || latencies[1].Share != DefaultShare {
		t.Fatalf("latencies: %+v", latencies)
	}
	if l := latencies[0]; l.Rejected == "" && l.Micros.Count < DefaultRate/2 {
		t.Errorf("%d latencies of a second at %d/s", l.Micros.Count, DefaultRate)
	}
	text, err := Refresh([]byte(MarkBegin+"\nold\n"+MarkEnd+"\n"), r)
	if err != nil || strings.Contains(string(text), "old") || !strings.Contains(string(text), "sentences") {
		t.Errorf("refreshed: %v\n%s", err, text)
	}
	left, err := os.ReadDir(c.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%d folders are left (%v)", len(left), err)
	}
}

// TestPlantedCounts has the adapter report counts that are wrong by one word, or by none in sum.
func TestPlantedCounts(t *testing.T) {
	for _, plant := range []string{"lost", "double", "swapped"} {
		t.Run(plant, func(t *testing.T) {
			c, _ := testConfig(t, "right")
			c.Plant = plant
			r, err := Measure(t.Context(), c)
			var wrong *CountError
			if !errors.As(err, &wrong) || wrong.Row != "test/right" {
				t.Fatalf("%v, want a CountError", err)
			}
			if p := r.Planted(); !slices.Equal(p.Caught, []string{"test/right"}) || p.Missed != nil || p.Other != nil || p.Err() != nil {
				t.Errorf("%+v, %v, skipped %+v", p, p.Err(), r.Skipped)
			}
		})
	}
}

// TestMissedCounts plants a lost word where words may be lost, which tells nothing, and a wrong count in a row that does not run.
func TestMissedCounts(t *testing.T) {
	c, _ := testConfig(t, "lossy")
	c.Plant = contract.PlantLost
	r, err := Measure(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if p := r.Planted(); p.Missed != nil || len(p.Other) != 1 || !strings.Contains(p.Other[0], "lost 0.1 %") || p.Err() == nil {
		t.Errorf("%+v, %v", p, p.Err())
	}
	r.Cells[0].ExtraShare = 0
	if p := r.Planted(); !slices.Equal(p.Missed, []string{"test/lossy"}) || p.Err() == nil {
		t.Errorf("%+v, %v", p, p.Err())
	}
	c.Peers = []string{"test/failing"}
	r, _ = Measure(t.Context(), c)
	if p := r.Planted(); len(p.Caught)+len(p.Missed) != 0 || len(p.Other) != 1 || p.Err() == nil {
		t.Errorf("%+v, %v", p, p.Err())
	}
	undrained := Report{Skipped: []Skipped{{Row: "test/slow", Kind: errKind(&CountError{Undrained: true})}}}
	if p := undrained.Planted(); p.Caught != nil || p.Err() == nil {
		t.Errorf("%+v, %v", p, p.Err())
	}
}

// TestWrongOnce has the first run count right and the second one wrong: the row has no figures then.
func TestWrongOnce(t *testing.T) {
	c, _ := testConfig(t, "wrong-later")
	c.Repeat = 2
	r, err := Measure(t.Context(), c)
	if _, wrong := errors.AsType[*CountError](err); !wrong {
		t.Fatalf("%v, want a CountError", err)
	}
	if cell := r.Cell("test/wrong-later", words.Words175k); cell != nil || len(r.Skipped) != 1 {
		t.Errorf("%+v, skipped %+v", cell, r.Skipped)
	}
}

func TestLosses(t *testing.T) {
	c, _ := testConfig(t, "lossy")
	r, err := Measure(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if share := r.Cell("test/lossy", words.Words175k).ExtraShare; share > -0.0009 || share < -0.0011 {
		t.Errorf("%v of the words were lost, want a thousandth", -share)
	}
	c.Peers = []string{"test/lossy-but-exact"}
	if _, err := Measure(t.Context(), c); errKind(err) == contract.Failure || err == nil {
		t.Errorf("%v, want a CountError: the row promises to be exact", err)
	}
}

// TestProgressIsChecked has an adapter tell twice of what it has counted: figures would be twice too high.
func TestProgressIsChecked(t *testing.T) {
	c, _ := testConfig(t, "boasting")
	r, err := Measure(t.Context(), c)
	if err == nil || r.Cell("test/boasting", words.Words175k) != nil || !strings.Contains(err.Error(), "it has said that ") {
		t.Errorf("%v, skipped %+v", err, r.Skipped)
	}
}

func TestFailures(t *testing.T) {
	for variant, want := range map[string]string{"failing": "the disk is full", "dying": "out of memory", "missing": "no JVM"} {
		c, _ := testConfig(t, variant)
		r, err := Measure(t.Context(), c)
		if r == nil || len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Why, want) {
			t.Fatalf("%s: %+v, %v", variant, r, err)
		}
		if err == nil {
			t.Errorf("%s: what was asked for by name and is missing, or fails, is an error", variant)
		}
	}
}

// TestBadEnd has a status other than 0 behind a right result, which costs the row nothing.
func TestBadEnd(t *testing.T) {
	c, _ := testConfig(t, "ending-badly")
	r, err := Measure(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if notes := r.Cell("test/ending-badly", words.Words175k).Runs[0].Notes; len(notes) != 1 || !strings.Contains(notes[0], "exit status 20") {
		t.Errorf("notes: %q", notes)
	}
}

// TestNoStart has a peer that dies at once, which is not tried again with other workloads.
func TestNoStart(t *testing.T) {
	c, _ := testConfig(t, "dying")
	c.Workloads, c.Repeat = words.Workloads()[:3], 2
	r, err := Measure(t.Context(), c)
	const generators = 3 // which nobody needs the job for
	if err == nil || len(r.Skipped) != 1 || r.Skipped[0].Kind != noStart || len(r.Generators) != generators {
		t.Errorf("%v: %+v", err, r.Skipped)
	}
}

func TestUnknown(t *testing.T) {
	c, _ := testConfig(t, "right")
	c.Peers = append(c.Peers, "tset")
	_, err := Measure(t.Context(), c)
	if u, is := errors.AsType[*UnknownError](err); !is || u.Peer != "tset" || !strings.Contains(err.Error(), "test/right") {
		t.Errorf("%v, want an UnknownError", err)
	}
}

// TestOrphans has the adapter leave a process behind that is in a session of its own.
func TestOrphans(t *testing.T) {
	c, note := testConfig(t, "orphaning")
	if _, err := Measure(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, alive := readStat(pid); alive {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		t.Errorf("process %d is still there", pid)
	}
}

func TestInterrupt(t *testing.T) {
	c, note := testConfig(t, "orphaning")
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("Ctrl-C")
	c.WarmUp = time.Minute
	c.Progress = func(string) {}
	go func() {
		for {
			if _, err := os.Stat(note); err == nil {
				cancel(why)
				return
			}
			time.Sleep(10 * time.Millisecond) // the adapter tells nobody else
		}
	}()
	r, err := Measure(ctx, c)
	if !errors.Is(err, why) || r == nil || r.Partial == "" {
		t.Fatalf("%v, %+v", err, r)
	}
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(string(text))
	if _, _, alive := readStat(pid); alive {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		t.Errorf("process %d is still there", pid)
	}
	if _, err := Refresh([]byte(MarkBegin+"\n"+MarkEnd+"\n"), r); !errors.Is(err, ErrPartial) {
		t.Errorf("a partial report was written into a text: %v", err)
	}
}

func TestBudget(t *testing.T) {
	c, _ := testConfig(t, "right")
	c.Budget = time.Second
	if _, err := Measure(t.Context(), c); !errors.Is(err, ErrBudget) {
		t.Errorf("%v, want ErrBudget", err)
	}
}
