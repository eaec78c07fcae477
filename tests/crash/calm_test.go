package crash

import (
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// TestUndisturbed has every tuple arrive exactly once where nothing goes wrong.
func TestUndisturbed(t *testing.T) {
	leaktest.Check(t)
	for i, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := &spec{Kind: kind, Tuples: 20_000, Hold: 64, HoldFor: time.Millisecond, Timeout: topology.MaxMessageTimeout, Retries: -1}
			r := begin(t, s, local.Options{Containers: 3 - i%3})
			res := r.wait()
			v, _ := r.judged()
			if v.failed != 0 || v.duplicates != 0 || timedOut(res.Sample) != 0 {
				t.Errorf("%d tuples were given up, %d came twice, %d timed out", v.failed, v.duplicates, timedOut(res.Sample))
			}
			if n := replayed(res.Sample); n != 0 {
				t.Errorf("%d tuples were emitted again", n)
			}
		})
	}
}

// replayed counts the tuples that spouts have emitted again, or were about to.
func replayed(s *local.Sample) (n int64) {
	for _, ts := range s.Tasks() {
		n += max(ts.Metrics.Replayed, ts.Metrics.Lost)
	}
	return n
}

// timedOut counts the tuples that spouts have waited for in vain.
func timedOut(s *local.Sample) (n int64) {
	for _, ts := range s.Tasks() {
		n += ts.Metrics.TimedOut
	}
	return n
}

// toldOf fails if tuples have timed out: what is lost with a process or a link
// must be told to their spouts.
func (r *run) toldOf(timedOut int64) {
	r.t.Helper()
	if timedOut > 0 {
		r.t.Errorf("%d tuples were found to be lost by the message timeout only: nobody has told their spouts", timedOut)
	}
}

// TestForgetfulBolt has a leaf that neither acks nor fails some tuples: only the
// message timeout can find that.
func TestForgetfulBolt(t *testing.T) {
	leaktest.Check(t)
	s := &spec{
		Kind: "chain", Tuples: 5000, Hold: 64, HoldFor: time.Millisecond, Forget: 1000,
		Timeout: 500 * time.Millisecond, Retries: topology.MaxMaxRetries, // it also strikes tuples that a busy machine keeps waiting
	}
	r := begin(t, s, local.Options{})
	res := r.wait()
	v, _ := r.judged()
	// Two spouts send 0, 1000, 2000, 3000 and 4000 each.
	if n := timedOut(res.Sample); v.failed != 0 || n < 10 {
		t.Errorf("%d tuples were given up, %d timed out, want 0 and at least 10", v.failed, n)
	}
}

// TestKilledCollector kills leaves that hold many tuples which they have neither
// recorded nor acked.
func TestKilledCollector(t *testing.T) {
	leaktest.Check(t)
	s := &spec{Kind: "chain", Rate: pacedRate, Hold: 10_000, HoldFor: 100 * time.Millisecond, Retries: 100}
	r := begin(t, s, local.Options{MaxRestarts: 1 << 20})
	k := &killer{r: r, rng: random(t), average: 100 * time.Millisecond, only: leafName}
	times := 4
	if testing.Short() {
		times = 2
	}
	for range times {
		r.flowing()
		k.kill(1, 0)
	}
	r.flowing()
	r.stop()
	res := r.wait()
	if v, _ := r.judged(); v.failed > 0 {
		t.Errorf("%d tuples were given up", v.failed)
	}
	r.toldOf(timedOut(res.Sample))
}
