package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

// acked is a configuration for runs whose tuples are tracked.
func acked() Config {
	c := short()
	c.Modes, c.Limits, c.Guarantees = []string{optimized}, []string{}, []Guarantee{AtLeastOnce}
	return c
}

// checkAcked checks what must hold of a run without faults.
func checkAcked(t *testing.T, r *Run) {
	t.Helper()
	checkRun(t, *r)
	// A window of a tenth of a second may have no acks in it, if the machine has other things to do.
	if tracked := r.Guarantee.Tracked(); r.Acks != tracked || (r.Acked > 0) != tracked || r.AckedPerCPUSecond > 0 && !tracked {
		t.Errorf("%s: %+v", r.Variant(), r)
	}
	if r.Failed != 0 || r.Replayed != 0 {
		t.Errorf("%s: %d failed, %d replayed", r.Variant(), r.Failed, r.Replayed)
	}
}

// TestAckedRunWithProcesses has the children build a tracked topology too.
func TestAckedRunWithProcesses(t *testing.T) {
	leaktest.Check(t)
	c := acked()
	c.InProcess = false
	s, err := MeasureThroughput(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	checkAcked(t, &s.Runs[0])
	if s.Spec.Guarantee != AtLeastOnce || s.Runs[0].SocketBytesPerTuple <= 0 {
		t.Errorf("%+v, %v bytes on sockets", s.Spec, s.Runs[0].SocketBytesPerTuple)
	}
}

func TestEveryWorkloadWithAcks(t *testing.T) {
	long(t)
	for _, name := range saturating() {
		leaktest.Check(t)
		c := acked()
		c.Words, c.Workload, c.Containers = 0, small(name), 2
		c.Workload.Spouts, c.Workload.Bolts = 2, 3
		s, err := MeasureThroughput(t.Context(), c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkAcked(t, &s.Runs[0])
	}
}

// ackFault is a spout of which a test changes what it is told.
type ackFault struct {
	topology.Spout
	told func(ack func(id uint64), id uint64)
}

func (f *ackFault) Ack(id uint64) { f.told(f.Spout.(topology.Acker).Ack, id) }

func (f *ackFault) Fail(id uint64, failure *topology.Failure) {
	f.Spout.(topology.Acker).Fail(id, failure)
}

// tell changes what the spout of a topology is told of its acks.
func tell(told func(ack func(id uint64), id uint64)) func(*topology.Topology) {
	return func(top *topology.Topology) {
		sound := top.Components[0].NewSpout
		top.Components[0].NewSpout = func() topology.Spout { return &ackFault{Spout: sound(), told: told} }
	}
}

// ackless counts words without ever acking one of them, or fails that one.
type ackless struct {
	countBolt
	out  *topology.Collector
	n    int
	fail error
}

func (b *ackless) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	b.out = out
	return b.countBolt.Open(ctx, task, out)
}

func (b *ackless) Execute(t *topology.Tuple) error {
	anchor := t.Anchor()
	err := b.countBolt.Execute(t)
	if b.n++; b.n == 1000 {
		return errors.Join(err, b.fail)
	}
	return errors.Join(err, b.out.Ack(anchor))
}

// unacked puts an ackless bolt at the end of a topology.
func unacked(c Config, fail error) func(*topology.Topology) {
	spec := c.withDefaults(nil, nil).Workload
	return func(top *topology.Topology) {
		top.Delivery.MessageTimeout = 200 * time.Millisecond
		count := &top.Components[1]
		count.ManualAck = true
		count.NewBolt = func() topology.Bolt {
			return &ackless{countBolt: countBolt{spec: spec, counter: spec.counter()}, fail: fail}
		}
	}
}

// TestAckFaultsAreFound plants faults of the engine into runs with acks.
func TestAckFaultsAreFound(t *testing.T) {
	broken := errors.New("broken on purpose")
	for _, tc := range []struct {
		name, want string
		alter      func(*topology.Topology)
	}{
		{"nothing", "", tell(func(ack func(uint64), id uint64) { ack(id) })},
		{"lost", "tuples were emitted and", interpose(oneFault(func(*forwarder, []topology.Value) error { return nil }))},
		{"doubled", "tuples were emitted and", interpose(oneFault(func(f *forwarder, v []topology.Value) error {
			return errors.Join(f.out.Emit(v...), f.out.Emit(v...))
		}))},
		{"never acked", "timed out", unacked(acked(), nil)},
		{"failed", broken.Error(), unacked(acked(), broken)},
		{"not told", "acked", tell(func(ack func(uint64), id uint64) {
			if id != 1000 {
				ack(id)
			}
		})},
		{"told twice", "acked", tell(func(ack func(uint64), id uint64) {
			if ack(id); id == 1000 {
				ack(id)
			}
		})},
		{"told of another", "but some twice and others never", tell(func(ack func(uint64), id uint64) {
			if id == 1000 {
				id = 999
			}
			ack(id)
		})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			c := acked()
			c.alter = tc.alter
			_, err := MeasureThroughput(t.Context(), c)
			_, mismatch := errors.AsType[*MismatchError](err)
			_, acks := errors.AsType[*AckError](err)
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (!mismatch && !acks || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

func TestAckErrors(t *testing.T) {
	for _, tc := range []struct {
		err  AckError
		want string
	}{
		{AckError{Emitted: 5, Acked: 4, Failed: 1, Text: "why"}, "bench: x is wrong: 1 of 5 tuples failed: why"},
		{AckError{Emitted: 5, Acked: 4}, "bench: x is wrong: 5 tuples were emitted and 4 acked"},
		{AckError{Emitted: 5, Acked: 5, Replayed: 2}, "bench: x is wrong: 2 of 5 tuples were replayed though nothing was lost"},
		{AckError{Emitted: 5, Acked: 5}, "bench: x is wrong: 5 tuples were acked as often as emitted, but some twice and others never"},
	} {
		if tc.err.Run = "x"; tc.err.Error() != tc.want {
			t.Errorf("%q, want %q", tc.err.Error(), tc.want)
		}
	}
}

func TestAckTally(t *testing.T) {
	for n := range uint64(5) {
		var a acks
		a.count.Emitted = n
		for id := range n {
			if a.count.complete() {
				t.Errorf("%d of %d acks are enough", id, n)
			}
			a.Ack(id + 1)
		}
		if !a.count.complete() {
			t.Errorf("%d tuples: %+v", n, a.count)
		}
		if a.Fail(1, &topology.Failure{Reason: topology.ReasonLost, Tries: 1}); a.count.complete() || !strings.Contains(a.count.Why, "lost") {
			t.Errorf("a tuple that failed: %+v", a.count)
		}
	}
}

// ackHolder acks each tuple only when so many others have come after it, and all when the last has come.
type ackHolder struct {
	*timerBolt
	out      *topology.Collector
	hold, of int
	held     []topology.Anchor
	n        int
}

func (b *ackHolder) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	b.out = out
	return b.timerBolt.Open(ctx, task, out)
}

func (b *ackHolder) Execute(t *topology.Tuple) error {
	b.held = append(b.held, t.Anchor())
	err := b.timerBolt.Execute(t)
	if b.n++; b.n == b.of {
		b.hold = 0
	}
	for len(b.held) > b.hold {
		err = errors.Join(err, b.out.Ack(b.held[0]))
		b.held = b.held[1:]
	}
	return err
}

// TestCompleteLatency has every ack wait for 100 more tuples, 50 ms on the schedule: only the complete latency may show it.
func TestCompleteLatency(t *testing.T) {
	leaktest.Check(t)
	const hold, rate = 100, 2000 // which a slow machine keeps as well: the last acks wait for all tuples
	c := acked()
	c.Rate, c.Repeat, c.Duration = rate, 2, 500*time.Millisecond
	spec := c.withDefaults(nil, nil).latency(rate, AtLeastOnce)
	c.alter = func(top *topology.Topology) {
		timer := &top.Components[1]
		timer.ManualAck = true
		timer.NewBolt = func() topology.Bolt {
			return &ackHolder{timerBolt: newTimerBolt(spec), hold: hold, of: int(spec.Tuples)}
		}
	}
	s, err := MeasureFixed(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Latency) != 3 || s.Spec.Guarantee != AtLeastOnce {
		t.Fatalf("%d results of two runs, want them and both merged; %+v", len(s.Latency), s.Spec)
	}
	for i := range s.Latency {
		l := &s.Latency[i]
		if l.Guarantee != AtLeastOnce || l.Acked != l.Emitted || l.Complete == nil || l.Complete.Count != l.Latency.Count || len(l.CompleteSpectrum) == 0 {
			t.Errorf("%+v", l)
			continue
		}
		const held = float64(hold) / rate * 1e6 // microseconds
		if l.Complete.P50 < 0.99*held {
			t.Errorf("acks are held for %v us: complete %+v", held, l.Complete)
		}
	}
	if text := s.Latency[0].line(); !strings.Contains(text, "optimized acks at 2.0 k tuples/s") || !strings.Contains(text, "complete p50") {
		t.Error(text)
	}
}

func TestAckRate(t *testing.T) {
	before := reading{parts: []part{{at: time.Second, acked: 100}, {at: 2 * time.Second, acked: 50}}}
	after := reading{parts: []part{{at: 3 * time.Second, acked: 300}, {at: 6 * time.Second, acked: 50}}}
	if got := ackRate(&before, &after); got != 100 {
		t.Errorf("%v acks a second, want 100", got)
	}
}
