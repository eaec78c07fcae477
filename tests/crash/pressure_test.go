package crash

import (
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

const (
	slowPayload = 8 << 10
	slowMark    = 512 << 10 // high mark
	// programSize is what a process takes without any queue: the runtime, this test program, buffers of sockets.
	programSize = 96 << 20
)

// slow is a leaf that sleeps for every tuple.
type slow struct {
	leaf

	sleep time.Duration
}

// Execute takes its time.
func (b *slow) Execute(t *topology.Tuple) error {
	time.Sleep(b.sleep)
	return b.leaf.Execute(t)
}

// TestSlowLeaf lets a spout without any pause feed a leaf that takes a tuple in a
// millisecond, a thousandth of what the spout could send, by two ways. Memory
// must stay bounded, the spout must hear of acks while it is held back, and all
// must come to an end.
func TestSlowLeaf(t *testing.T) {
	leaktest.Check(t)
	n := uint64(1200)
	if testing.Short() {
		n = 700
	}
	for _, containers := range []int{1, 2} {
		s := &spec{Kind: "slow", Tuples: n, Payload: slowPayload, Sleep: time.Millisecond, Retries: -1}
		r := begin(t, s, local.Options{
			Containers: containers, HighMark: slowMark, LowMark: slowMark / 2, HardMark: 2 * slowMark, SampleEvery: 20 * time.Millisecond,
		})
		w := watched{spout: numbersName}
		over := make(chan struct{})
		go func() {
			defer close(over)
			w.watch(r)
		}()
		res := r.wait()
		<-over
		w.see(res.Sample)
		v, _ := r.judged()
		if v.failed != 0 || v.duplicates != 0 || timedOut(res.Sample) != 0 {
			t.Errorf("%d tuples were given up, %d came twice, %d timed out", v.failed, v.duplicates, timedOut(res.Sample))
		}
		bound := r.queueBound()
		if w.queue > bound {
			t.Errorf("%d bytes were queued, the marks allow %d", w.queue, bound)
		}
		if most := uint64(programSize + 2*bound); w.resident > most {
			t.Errorf("a process has had %d bytes of memory, allowed are %d", w.resident, most)
		}
		if w.clamps == 0 {
			t.Error("the spout was never held back")
		}
		if w.ackedWhileHeld == 0 {
			t.Error("the spout has heard of no ack while it was held back")
		}
		t.Logf("%d containers: at most %d KiB queued, %d MiB resident; clamps %d, acks while held back %d",
			containers, w.queue>>10, w.resident>>20, w.clamps, w.ackedWhileHeld)
	}
}

// watched is the most that was seen of a run.
type watched struct {
	spout          string
	queue          int
	resident       uint64
	clamps         int64
	ackedWhileHeld int64 // between two samples between which nothing was emitted
	emitted, acked int64
}

// watch looks at a run until it ends.
func (w *watched) watch(r *run) {
	for last := time.Duration(-1); ; {
		s, err := r.Sample(r.t.Context())
		if err != nil || s.Elapsed == last {
			return
		}
		last = s.Elapsed
		w.see(s)
		time.Sleep(pollEvery)
	}
}

func (w *watched) see(s *local.Sample) {
	for _, p := range s.Processes {
		if p.Manager != nil {
			w.queue = max(w.queue, p.Manager.QueueBytes)
		}
		w.resident = max(w.resident, p.Usage.PeakRSSBytes)
	}
	for _, ts := range s.Tasks() {
		if ts.Component != w.spout {
			continue
		}
		m := ts.Metrics
		if m.Emitted == w.emitted && m.Pending > 0 && m.Clamps > 0 {
			w.ackedWhileHeld += m.Acked - w.acked
		}
		w.emitted, w.acked, w.clamps = m.Emitted, m.Acked, m.Clamps
	}
}

// queueBound is what the marks allow a stream manager to queue: for each task the
// hard mark and, beyond it, what those who feed the task may send on the credit
// that they have.
func (r *run) queueBound() (bytes int) {
	for task := range uint32(r.plan.TaskCount()) {
		if feeders := len(r.plan.Feeders(task + 1)); feeders > 0 {
			bytes += 2*slowMark + feeders*dataplane.DefaultCredit
		}
	}
	return bytes
}
