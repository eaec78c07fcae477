package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

// disturbed is a spout of which a test changes parts.
type disturbed struct {
	topology.Spout
	wake func()       // called before every Wake, on the pacer's thread
	next func() error // called before every Next
}

func (d *disturbed) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	changed := *task
	if d.wake != nil {
		changed.Wake = func() {
			d.wake()
			task.Wake()
		}
	}
	return d.Spout.Open(ctx, &changed, out)
}

func (d *disturbed) Next() error {
	if d.next != nil {
		if err := d.next(); err != nil {
			return err
		}
	}
	return d.Spout.Next()
}

// disturb wraps the spout of a topology.
func disturb(d disturbed) func(*topology.Topology) {
	return func(top *topology.Topology) {
		sound := top.Components[0].NewSpout
		top.Components[0].NewSpout = func() topology.Spout {
			d.Spout = sound()
			return &d
		}
	}
}

// paced is a configuration for latencies of real length.
func paced(rate float64, d time.Duration) Config {
	c := short()
	c.Rate, c.Duration = rate, d
	return c
}

// TestLatePacerIsRejected lets the pacer stall again and again.
func TestLatePacerIsRejected(t *testing.T) {
	leaktest.Check(t)
	c := paced(10_000, 300*time.Millisecond)
	wakes := 0
	c.alter = disturb(disturbed{wake: func() {
		if wakes++; wakes%10 == 0 {
			stall(t.Context(), 50*time.Millisecond)
		}
	}})
	s, err := MeasureFixed(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if l := s.Latency[0]; !strings.Contains(l.Rejected, "the pacer was late: ") || l.Latency.P99 < 5000 {
		t.Errorf("rejected: %q, lateness %+v", l.Rejected, l.Lateness)
	}
}

// stall blocks for a time, as a fault would.
func stall(ctx context.Context, d time.Duration) { _ = sleep(ctx, d) }

// TestDelayFailsTheRun delays a few percent of the tuples by up to 50 ms: it holds up all of them for so long now and then.
// Where the machine does as much to the relay, nothing can be told of the engine, and another try is made.
func TestDelayFailsTheRun(t *testing.T) {
	long(t)
	leaktest.Check(t)
	const rate, tries = 10_000, 5
	c := paced(rate, 500*time.Millisecond)
	c.lenient = false
	c.alter = interpose(func(f *forwarder, n int, values []topology.Value) error {
		if n%(rate/4) == 0 {
			stall(t.Context(), 50*time.Millisecond)
		}
		return f.out.Emit(values...)
	})
	for range tries {
		s, err := MeasureFixed(t.Context(), c)
		if e, ok := errors.AsType[*StallError](err); ok {
			if e.Runs != stallTries || e.Rate != rate || !strings.Contains(s.Error, "took over 20ms") {
				t.Errorf("%+v, section %q", e, s.Error)
			}
			if last := s.Latency[len(s.Latency)-1]; last.Repeat != merged || last.Stalled == "" {
				t.Errorf("the runs were not merged: %+v", last)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		disturbed := false
		for _, l := range s.Latency {
			t.Logf("relay %+v, lateness %+v, latency %+v", *l.Relay, l.Lateness, l.Latency)
			bound, quick := float64(stallBound.Microseconds()), float64(quickMedian.Microseconds())
			disturbed = disturbed || l.OthersShare > noisyOthers || l.Rejected != "" || l.Latency.P50 > quick || l.Relay.P999 > bound/4 || l.Lateness.P999 > bound/4
		}
		if !disturbed {
			t.Fatal("a delay of 50 ms does not fail the measurement")
		}
	}
	t.Skip("the machine itself stalls")
}

// TestStallsAreJudgedByTheMachine has one percent of the tuples take 50 ms.
func TestStallsAreJudgedByTheMachine(t *testing.T) {
	times := func(slow int) *hdr.Histogram {
		h := newHistogram()
		for i := range 1000 {
			if i < slow {
				record(h, int64(50*time.Millisecond))
			} else {
				record(h, int64(100*time.Microsecond))
			}
		}
		return h
	}
	for _, tc := range []struct {
		name                    string
		engine, pacer, relay    int
		stalled, rejected       bool
		unknownRelay, unreached bool
	}{
		{name: "fast"},
		{name: "engine", engine: 10, stalled: true},
		{name: "engine, a little", engine: 1},
		{name: "machine", engine: 10, relay: 9},
		{name: "pacer", engine: 11, pacer: 11, rejected: true},
		{name: "pacer, a little", engine: 20, pacer: 9},
		{name: "no relay", engine: 10, unknownRelay: true},
		{name: "unreached", unreached: true, rejected: true},
	} {
		m := &latencyMeasure{runs: 1, latency: times(tc.engine), closed: times(0), lateness: times(tc.pacer)}
		m.run.Rate, m.run.Achieved = 1000, 1000
		if tc.unreached {
			m.run.Achieved = 900
		}
		relay := times(tc.relay)
		if tc.unknownRelay {
			relay = nil
		}
		m.judge(relay)
		if r := m.run; (r.Stalled != "") != tc.stalled || (r.Rejected != "") != tc.rejected || (r.Relay == nil) != tc.unknownRelay {
			t.Errorf("%s: rejected %q, stalled %q", tc.name, r.Rejected, r.Stalled)
		}
	}
	nothing := &latencyMeasure{runs: 1, latency: newHistogram(), closed: newHistogram(), lateness: newHistogram(), run: LatencyRun{Rate: 10}}
	if nothing.judge(nil); !strings.Contains(nothing.run.Rejected, "not reached") {
		t.Errorf("a run without tuples is rejected because of %q", nothing.run.Rejected)
	}
}

// TestStallsAreBlamedOnTheEngineWithEvidence looks at two runs that stalled, one of which may prove nothing.
func TestStallsAreBlamedOnTheEngineWithEvidence(t *testing.T) {
	at := point{rate: 1000}
	stalled := latencyMeasure{run: LatencyRun{Stalled: "some"}}
	for _, tc := range []struct {
		name   string
		change func(*LatencyRun)
		want   bool
	}{
		{"both stalled", func(*LatencyRun) {}, true},
		{"one did not", func(r *LatencyRun) { r.Stalled = "" }, false},
		{"one does not count", func(r *LatencyRun) { r.Rejected = "late" }, false},
		{"one had queues", func(r *LatencyRun) { r.Latency.P50 = 5001 }, false},
		{"others ran beside one", func(r *LatencyRun) { r.OthersShare = 0.06 }, false},
		{"others hardly ran", func(r *LatencyRun) { r.OthersShare = 0.04 }, true},
	} {
		other := stalled
		tc.change(&other.run)
		f := &fixed{all: map[point][]*latencyMeasure{at: {&stalled, &other}}}
		if have := f.stalled(at); have != tc.want {
			t.Errorf("%s: %v", tc.name, have)
		}
	}
	if (&fixed{}).stalled(at) {
		t.Error("no run stalled")
	}
}

// TestRejectedRunsAreNotMerged merges runs of which some do not count.
func TestRejectedRunsAreNotMerged(t *testing.T) {
	times := func(of time.Duration) *hdr.Histogram {
		h := newHistogram()
		for range 1000 {
			record(h, int64(of))
		}
		return h
	}
	run := func(latency, lateness time.Duration, achieved float64) *latencyMeasure {
		m := &latencyMeasure{runs: 1, latency: times(latency), closed: times(0), lateness: times(lateness)}
		m.run.Mode, m.run.Rate, m.run.Achieved = "optimized", 1000, achieved
		m.judge(nil)
		return m
	}
	sound, late, short := run(time.Millisecond, 0, 1000), run(time.Second, time.Second, 1000), run(time.Second, 0, 900)
	for _, tc := range []struct {
		name     string
		runs     []*latencyMeasure
		counted  int64
		late     int
		rejected string
	}{
		{"sound", []*latencyMeasure{sound, sound}, 2000, 0, ""},
		{"one late", []*latencyMeasure{late, sound, sound}, 2000, 1, ""},
		{"all late", []*latencyMeasure{late, late}, 2000, 2, "the pacer was late"},
		{"one short", []*latencyMeasure{sound, sound, sound, sound, sound, sound, short}, 7000, 0, "the rate was not reached in 1 of 7 runs"},
	} {
		all := mergeRuns(tc.runs).total(nil)
		if all.Latency.Count != tc.counted || all.LateRuns != tc.late || (all.Rejected == "") != (tc.rejected == "") || !strings.Contains(all.Rejected, tc.rejected) {
			t.Errorf("%s: %d tuples, %d late runs, rejected %q", tc.name, all.Latency.Count, all.LateRuns, all.Rejected)
		}
	}
	if sound.latency.TotalCount() != 1000 {
		t.Error("merging has changed a run")
	}
}

// TestDelayOfSingleTuplesIsFound holds every hundredth tuple back until the next one of those, and lets others pass.
func TestDelayOfSingleTuplesIsFound(t *testing.T) {
	leaktest.Check(t)
	c := paced(10_000, 100*time.Millisecond)
	c.alter = interpose(func(f *forwarder, n int, values []topology.Value) error {
		if n%100 != 0 {
			return f.out.Emit(values...)
		}
		held := f.held
		if f.held = values; held == nil {
			return nil
		}
		return f.out.Emit(held...)
	})
	s, err := MeasureFixed(t.Context(), c)
	if _, mismatch := errors.AsType[*MismatchError](err); !mismatch || !strings.Contains(err.Error(), "came out of order") {
		t.Errorf("tuples that are overtaken give %v", err)
	}
	if s == nil || s.Error == "" {
		t.Errorf("the section does not tell of it: %+v", s)
	}
}

// TestCoordinatedOmission stops the spout for a second. The schedule goes on, and so the latencies tell of it; from
// the instants at which tuples were really sent nobody could see it.
func TestCoordinatedOmission(t *testing.T) {
	long(t)
	leaktest.Check(t)
	const rate = 2000
	c := paced(rate, 2*time.Second)
	calls := 0
	c.alter = disturb(disturbed{next: func() error {
		if calls++; calls == 50 {
			stall(t.Context(), time.Second)
		}
		return nil
	}})
	s, err := MeasureFixed(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	const second = 1e6 // microseconds
	open, closed := s.Latency[0].Latency, s.Latency[0].ClosedLoop
	if open.Max < 0.9*second || open.P90 < 0.5*second {
		t.Errorf("a stall of one second is not seen in an open loop: %+v", open)
	}
	if closed.P99 >= open.P90 {
		t.Errorf("a closed loop sees what it should hide: %+v of %+v", closed, open)
	}
}

// TestPace has a schedule that was kept, one that was not, and one whose warm-up never ended.
func TestPace(t *testing.T) {
	second := time.Second.Nanoseconds()
	for _, tc := range []struct {
		pace pace
		want float64
	}{
		{pace{Measured: 1000, Behind: -5, Took: 2 * second}, 1000},
		{pace{Measured: 1000, Behind: second, Took: 3 * second}, 500},
		{pace{Took: 2 * second}, 750},
		{pace{}, 0},
	} {
		if got := tc.pace.achieved(1000, 1500); got != tc.want {
			t.Errorf("%+v: %v tuples a second, want %v", tc.pace, got, tc.want)
		}
	}
}

// TestGivingUpIsTold stops the spout beyond the end of its schedule. What it then does not send at all must not be
// missing from the latencies without a word.
func TestGivingUpIsTold(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := paced(2000, 500*time.Millisecond)
	c.alter = disturb(disturbed{next: untilMeasured(t, c, func() { stall(t.Context(), 1300*time.Millisecond) })})
	s, err := MeasureFixed(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	l := s.Latency[0]
	if l.Latency.Count == 0 || l.Latency.Count >= 1000 {
		t.Fatalf("%d of 1000 tuples were sent, want some", l.Latency.Count)
	}
	if !strings.Contains(l.Rejected, "the rate was not reached: ") {
		t.Errorf("a run that ended early counts: rejected %q, latency %+v", l.Rejected, l.Latency)
	}
}

// untilMeasured calls f once, at a call of Next well after the warm-up of c.
func untilMeasured(t *testing.T, c Config, f func()) func() error {
	t.Helper()
	var began time.Time
	return func() error {
		switch {
		case f == nil:
		case began.IsZero():
			began = time.Now()
		case time.Since(began) > c.WarmUp+c.Duration/2:
			f()
			f = nil
		}
		return nil
	}
}

// TestUnreachableRate asks for more than a slowed bolt takes.
func TestUnreachableRate(t *testing.T) {
	leaktest.Check(t)
	c := paced(1_000_000, 200*time.Millisecond)
	c.alter = disturb(disturbed{next: func() error {
		stall(t.Context(), 2*time.Millisecond) // 64 tuples at a time
		return nil
	}})
	s, err := MeasureFixed(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	l := s.Latency[0]
	if !strings.Contains(l.Rejected, "the rate was not reached: ") || l.Achieved >= l.Rate || l.Emitted != l.Counted {
		t.Errorf("%+v", l)
	}
}
