package bench

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestMeasureLatency(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Rate, c.Repeat = 10_000, 2
	r, err := MeasureLatency(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Latency) != 3 {
		t.Fatalf("%d results of two runs, want them and both merged", len(r.Latency))
	}
	for _, l := range r.Latency[:2] {
		if l.Emitted != 700 || l.Counted != 700 || l.Latency.Count != 400 || l.Lateness.Count != 400 {
			t.Errorf("sent for 70 ms, measured for 40 ms: %+v", l)
		}
		q := l.Latency
		if q.P50 <= 0 || q.P50 > q.P90 || q.P90 > q.P99 || q.P99 > q.P999 || q.P999 > q.Max {
			t.Errorf("quantiles: %+v", q)
		}
	}
	all := r.Latency[2]
	counting := slices.DeleteFunc(slices.Clone(r.Latency[:2]), func(l LatencyRun) bool { return l.Rejected != "" })
	if len(counting) == 0 {
		counting = r.Latency[:2] // a run that does not count is better than none
	}
	var tuples int64
	var slowest float64
	for _, l := range counting {
		tuples += l.Latency.Count
		slowest = max(slowest, l.Latency.Max)
	}
	if all.Repeat != merged || all.Latency.Count != tuples || all.Latency.Max != slowest {
		t.Errorf("merged: %+v", all)
	}
}

func TestMeasureLatencyWithProcesses(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.InProcess, c.Rate, c.Containers = false, 10_000, 2
	r, err := MeasureLatency(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if l := r.Latency[0]; l.Latency.Count != 400 || l.Containers != 2 {
		t.Errorf("%+v", l)
	}
}

func newTestPacer(t *testing.T, rate float64, tuples, warmUp uint64, wake func()) *pacer {
	t.Helper()
	c, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	return newPacer(c, Spec{Rate: rate, Tuples: tuples, WarmUp: warmUp}, wake)
}

func TestPacerReleasesInTime(t *testing.T) {
	leaktest.Check(t)
	const tuples, warmUp = 2000, 500
	var p *pacer
	var last uint64
	p = newTestPacer(t, 100_000, tuples, warmUp, func() {
		due, now := p.due.Load(), p.clock.now()
		if due <= last {
			t.Errorf("woken for nothing: %d after %d", due, last)
		}
		if due > 0 && p.intended(due-1) > now {
			t.Errorf("tuple %d was released %d ns early", due-1, p.intended(due-1)-now)
		}
		last = due
	})
	go p.run(t.Context())
	p.begin()
	<-p.done
	if last != tuples || p.lateness.TotalCount() != tuples-warmUp {
		t.Errorf("%d of %d released, %d measured", last, tuples, p.lateness.TotalCount())
	}
}

func TestPacerEndsWithItsContext(t *testing.T) {
	leaktest.Check(t)
	for _, begin := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		p := newTestPacer(t, 1, 1<<40, 0, func() {})
		if begin {
			p.begin()
		}
		go p.run(ctx)
		cancel()
		<-p.done // within one period at most
	}
}

// TestDueAt compares with counting, at instants between, at and beside those at which tuples are due.
func TestDueAt(t *testing.T) {
	for _, rate := range []float64{1, 333, 100_000, 2.5e6, 7_777_777.7} {
		p := &pacer{rate: rate, tuples: 5000, start: 1_000_003}
		for i := range p.tuples + 3 {
			for _, now := range []int64{p.intended(i) - 1, p.intended(i), p.intended(i) + 1} {
				got := p.dueAt(now)
				if got > p.tuples || got > 0 && p.intended(got-1) > now || got < p.tuples && p.intended(got) <= now {
					t.Fatalf("rate %v, at %d: %d are due", rate, now-p.start, got)
				}
			}
		}
	}
}

// TestTimesAreRecordedTogether compares the recording of many tuples at once with that of each: as many, and none earlier,
// nor by more than a step, but for the precision of the histogram.
func TestTimesAreRecordedTogether(t *testing.T) {
	const from, to = 100, 5100
	for _, rate := range []float64{50_000, 1e6, 4e6} {
		p := &pacer{rate: rate, tuples: to, start: 1}
		now := p.intended(to) + int64(time.Millisecond)
		together, each := newHistogram(), newHistogram()
		p.recordSince(together, from, to, now)
		for i := uint64(from); i < to; i++ {
			record(each, now-p.intended(i))
		}
		if n := together.TotalCount(); n != to-from {
			t.Errorf("rate %v: %d recorded", rate, n)
		}
		for _, q := range []float64{0, 10, 50, 90, 99, 100} {
			got, want := together.ValueAtQuantile(q), each.ValueAtQuantile(q)
			if most := want + recordStep + want/500; got < want-want/500 || got > most {
				t.Errorf("rate %v, quantile %v: %d, want %d to %d", rate, q, got, want, most)
			}
		}
	}
}

// TestCompletionsCountAll adds ids in runs, apart, backwards, and more than a run holds.
func TestCompletionsCountAll(t *testing.T) {
	p := newTestPacer(t, 1e6, 1<<20, 0, func() {})
	p.start = p.clock.now()
	c := completions{latency: newHistogram()}
	n := int64(0)
	for _, run := range [][2]uint64{{0, 1}, {1, 500}, {700, 701}, {600, 650}, {650, 650 + maxCompletions}} {
		for id := run[0]; id < run[1]; id++ {
			c.add(p, id)
			n++
		}
	}
	c.settle(p)
	c.settle(p)
	if got := c.latency.TotalCount(); got != n {
		t.Errorf("%d of %d recorded", got, n)
	}
}

func TestIntendedTimesDoNotDrift(t *testing.T) {
	p := &pacer{rate: 300_000, start: 5}
	if got, want := p.intended(300_000*3600), int64(5+3600*time.Second); got < want-1000 || got > want+1000 {
		t.Errorf("after an hour %d, want %d", got, want)
	}
}

func TestClockIsTheSystems(t *testing.T) {
	c, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &before); err != nil {
		t.Fatal(err)
	}
	now := c.now()
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &after); err != nil {
		t.Fatal(err)
	}
	const slack = int64(time.Millisecond) // a preempted calibration
	if now < before.Nano()-slack || now > after.Nano()+slack {
		t.Errorf("%d is not between %d and %d", now, before.Nano(), after.Nano())
	}
}

func TestMergeHistograms(t *testing.T) {
	a, b := newHistogram(), newHistogram()
	record(a, 1000)
	record(b, 3000)
	record(b, -5)        // a clock that went back
	record(b, longest*2) // a tuple that took for ever
	encode := func(h interface{ EncodeV2() ([]byte, error) }) []byte {
		data, err := h.EncodeV2()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	p := published{"latency": {1: encode(a), 2: encode(b)}}
	sum, err := mergeHistograms(p, "latency", 2)
	if err != nil {
		t.Fatal(err)
	}
	if sum.TotalCount() != 4 || !sum.ValuesAreEquivalent(sum.Max(), longest) || sum.Min() != shortest {
		t.Errorf("%d values from %d to %d", sum.TotalCount(), sum.Min(), sum.Max())
	}
	if _, err := mergeHistograms(p, "latency", 3); err == nil || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("a missing histogram gives %v", err)
	}
	p["latency"][1] = []byte("nonsense")
	if _, err := mergeHistograms(p, "latency", 2); err == nil {
		t.Error("a malformed histogram gives no error")
	}
}
