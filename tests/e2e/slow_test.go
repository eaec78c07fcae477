package e2e

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

const (
	slowTuple   = 1 << 10 // bytes of a tuple of the slow branch
	slowCopies  = 40      // that the relay makes of a tuple, so that what it has taken in exceeds the hard mark
	slowSleep   = time.Millisecond
	maxResident = 200 << 20
)

// slowTopology has two branches that share nothing but the stream managers and
// the link between them: source to relay to slow, which sleeps for every tuple,
// and other to fast. In two containers both slow and fast are in the second, all
// else in the first. With no sleep the slow branch ends at once.
func slowTopology(sleep time.Duration) (*topology.Topology, error) {
	tuples := int64(0)
	if sleep == 0 {
		tuples = 1
	}
	b := topology.NewBuilder("slow")
	b.Spout("source", func() topology.Spout { return &counter{end: tuples, text: make([]byte, slowTuple)} },
		topology.Output("n", "text"))
	b.Bolt("slow", func() topology.Bolt { return &inOrder{sleep: sleep} },
		topology.Shuffle("relay"))
	b.Spout("other", func() topology.Spout { return &counter{text: []byte("little")} },
		topology.Output("n", "text"))
	b.Bolt("fast", func() topology.Bolt { return &inOrder{} },
		topology.Shuffle("other"))
	b.Bolt("relay", func() topology.Bolt { return &relay{copies: slowCopies} },
		topology.Shuffle("source"), topology.Output("n", "text"))
	return b.Build()
}

// counter emits 1, 2, 3 and so on with a text.
type counter struct {
	end  int64 // last number; 0 = none
	text []byte
	n    int64
	out  *topology.Collector
}

// Open keeps the collector.
func (s *counter) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out = out
	return nil
}

// Next sends one number.
func (s *counter) Next() error {
	if s.end > 0 && s.n == s.end {
		return io.EOF
	}
	s.n++
	return s.out.Emit(topology.Int(s.n), topology.Bytes(s.text))
}

// Close does nothing.
func (s *counter) Close() error { return nil }

// relay emits copies numbered 1, 2, 3 and so on.
type relay struct {
	copies int
	n      int64
	out    *topology.Collector
}

// Open keeps the collector.
func (r *relay) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	r.out = out
	return nil
}

// Execute sends the copies.
func (r *relay) Execute(t *topology.Tuple) error {
	text, err := t.Bytes(1)
	if err != nil {
		return err
	}
	for range r.copies {
		r.n++
		if err := r.out.Emit(topology.Int(r.n), topology.Bytes(text)); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing.
func (r *relay) Close() error { return nil }

// inOrder expects 1, 2, 3 and so on, slowly.
type inOrder struct {
	sleep time.Duration
	last  int64
}

// Open does nothing.
func (b *inOrder) Open(context.Context, *topology.Task, *topology.Collector) error { return nil }

// Execute returns an error for any but the next number.
func (b *inOrder) Execute(t *topology.Tuple) error {
	n, err := t.Int(0)
	if err != nil {
		return err
	}
	if n != b.last+1 {
		err = fmt.Errorf("number %d came after %d", n, b.last)
	}
	b.last = n
	time.Sleep(b.sleep)
	return err
}

// Close does nothing.
func (b *inOrder) Close() error { return nil }

// task returns the figures of the only task of a component.
func task(t *testing.T, s *local.Sample, component string) local.TaskSample {
	t.Helper()
	for _, ts := range s.Tasks() {
		if ts.Component == component {
			return ts
		}
	}
	t.Fatalf("no figures of %s", component)
	return local.TaskSample{}
}

// until samples a cluster until a condition holds.
func until(t *testing.T, c *local.Cluster, what string, holds func(*local.Sample) bool) *local.Sample {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for {
		s, err := c.Sample(ctx)
		if err == nil && holds(s) {
			return s
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s, %v:\n%v%s", what, err, c.Plan(), progress(s))
		}
	}
}

// fastRate runs the topology and returns what fast counts a second, measured
// over a window that begins when everything is in the state that it stays in.
func fastRate(t *testing.T, sleep time.Duration, window time.Duration) float64 {
	t.Helper()
	c := start(t, spec{Kind: "slow", Sleep: sleep}, local.Options{Containers: 2})
	first := until(t, c, "tuples of both branches", func(s *local.Sample) bool {
		flows := task(t, s, "fast").Metrics.Received > 0 && task(t, s, "slow").Metrics.Received > 0
		clamped := clamps(s) > 0 && task(t, s, "source").Metrics.Clamps > 0
		// A checked build is too slow to overtake the clamp by that much.
		starved := task(t, s, "relay").Metrics.CreditWaits > 0 || invariants.Enabled
		return flows && (sleep == 0 || clamped && starved)
	})
	last := until(t, c, "the end of the window", func(s *local.Sample) bool { return s.Elapsed-first.Elapsed >= window })
	if sleep > 0 {
		checkHeldBack(t, first, last)
	}
	for _, p := range last.Processes {
		if p.Usage.PeakRSSBytes > maxResident {
			t.Errorf("%s has had %d MiB of memory", p.Name(), p.Usage.PeakRSSBytes>>20)
		}
	}
	for _, component := range []string{"fast", "slow"} {
		if m := task(t, last, component).Metrics; m.Errors != 0 {
			t.Errorf("%s: %s", component, m.LastError)
		}
	}
	c.Kill()
	received := task(t, last, "fast").Metrics.Received - task(t, first, "fast").Metrics.Received
	return float64(received) / (last.Elapsed - first.Elapsed).Seconds()
}

// clamps is how often spouts were told to hold back, or to go on.
func clamps(s *local.Sample) (n uint64) {
	for _, p := range s.Processes {
		if p.Manager != nil {
			n += p.Manager.Clamps
		}
	}
	return n
}

// checkHeldBack checks that the slow branch goes on, at the pace of the slow bolt.
func checkHeldBack(t *testing.T, first, last *local.Sample) {
	t.Helper()
	received := task(t, last, "slow").Metrics.Received - task(t, first, "slow").Metrics.Received
	emitted := task(t, last, "source").Metrics.Emitted - task(t, first, "source").Metrics.Emitted
	if received == 0 {
		t.Error("the slow bolt stands still")
	}
	if held := int64(maxResident / slowTuple); emitted*slowCopies > received+held {
		t.Errorf("the source has sent %d tuples, which became %d, while the slow bolt took %d", emitted, emitted*slowCopies, received)
	}
}

// TestSlowBolt holds that a slow bolt slows its own spouts, not the rest, and
// that memory stays bounded. The rates are shown; they are the machine's, so
// that only a gross difference, in the better of a few tries, is a failure.
func TestSlowBolt(t *testing.T) {
	leaktest.Check(t)
	const window, usual, most, least = 1500 * time.Millisecond, 3, 10, 0.5
	best := 0.0
	for try := 1; try <= usual && best < 0.9 || try <= most && best < least; try++ {
		alone := fastRate(t, 0, window)
		beside := fastRate(t, slowSleep, window)
		t.Logf("independent branch: %.0f tuples a second alone, %.0f beside a slow one: %.0f %%", alone, beside, 100*beside/alone)
		best = max(best, beside/alone)
	}
	if best < least {
		t.Errorf("the independent branch keeps %.0f %% of its rate", 100*best)
	}
}
