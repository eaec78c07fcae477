package crash

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

const (
	slowPayload = 8 << 10
	slowMark    = 512 << 10 // high mark
	slowLow     = slowMark / 4
	// programSize is what a process takes without any queue: the runtime, this test program, buffers of sockets, and
	// what the race detector remembers of all of it.
	programSize = 192 << 20

	// slowFirst tuples come to the leaf, by both ways, before all others: so many
	// are complete as soon as it acks what it holds, in whatever order the rest comes.
	slowFirst = 2
	// slowHold is how many arrivals the leaf acks at once: more than those.
	slowHold = 2*slowFirst + 2
	// slowOver is what may be sent to a task beyond its window: what one read has brought.
	slowOver = 256 << 10
	// slowBurst tuples take the leaf's queue past its high mark, and no other.
	// Before they queue, a window of bytes and what is sent beyond it are on
	// their way to the leaf, and a tuple comes twice. Each of the two relays gets
	// a tuple once, and would have to be a window and a high mark behind.
	slowBurst = slowFirst + (dataplane.DefaultWindow+slowOver+slowMark)/(2*slowPayload)
	// slowTaken is what the leaf takes while the spout is held back: enough to ack
	// once, too little for its queue to fall from the high mark to the low one.
	// As many bytes leave the queue, and once more what is sent beyond the window.
	slowTaken = slowHold + 4
)

// A negative constant here does not compile.
const (
	_ = uint(dataplane.DefaultWindow + slowMark - slowBurst*(slowPayload+slowRest))
	_ = uint(slowMark - slowLow - slowOver - slowTaken*(slowPayload+slowRest))
)

// slowRest is more than what a tuple takes beside its payload, in bytes.
const slowRest = 256

// slow is a leaf that sleeps for every tuple, and takes as many as its gate says.
type slow struct {
	leaf

	sleep time.Duration
	gate  gate
	taken uint64
}

// Open makes the file and finds the gate.
func (b *slow) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	b.gate = newGate(b.s, task.Component)
	return b.leaf.Open(ctx, task, out)
}

// Execute takes its time.
func (b *slow) Execute(t *topology.Tuple) error {
	if err := b.gate.await(b.taken); err != nil {
		return err
	}
	b.taken++
	time.Sleep(b.sleep)
	return b.leaf.Execute(t)
}

// TestSlowLeaf lets a spout without any pause feed a leaf that takes a tuple in a
// millisecond, a thousandth of what the spout could send, by two ways. Memory
// must stay bounded, the spout must hear of acks while it is held back, and all
// must come to an end.
func TestSlowLeaf(t *testing.T) {
	leaktest.Check(t)
	n := uint64(200 * slowHold)
	if testing.Short() {
		n = 100 * slowHold
	}
	for _, containers := range []int{1, 2} {
		t.Run(strconv.Itoa(containers), func(t *testing.T) { slowRun(t, n, containers) })
	}
}

func slowRun(t *testing.T, n uint64, containers int) {
	t.Helper()
	s := &spec{
		Kind: "slow", Tuples: n, Payload: slowPayload, Hold: slowHold, Sleep: time.Millisecond, Gated: true,
		Timeout: topology.MaxMessageTimeout, Retries: -1,
	}
	r := begin(t, s, local.Options{
		Containers: containers, HighMark: slowMark, LowMark: slowLow, HardMark: 2 * slowMark, SampleEvery: 20 * time.Millisecond,
	})
	w := watched{}
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.watch(r)
	}()
	r.holdBack()
	s.allow(t, leafName, everything)
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
	t.Logf("at most %d KiB queued, %d MiB resident", w.queue>>10, w.resident>>20)
}

// holdBack blocks the leaf until the spout is clamped, and has the leaf ack some
// tuples then. The spout must hear of that and yet emit nothing more.
func (r *run) holdBack() {
	r.t.Helper()
	r.spec.allow(r.t, leafName, 2*slowFirst)
	r.spec.allow(r.t, numbersName, slowFirst)
	until(r.t, "the first tuples at the leaf", func() bool { return r.metrics(leafName).Received == 2*slowFirst })
	r.spec.allow(r.t, numbersName, slowBurst)
	until(r.t, "the spout to be held back", func() bool { return r.metrics(numbersName).Clamps > 0 })
	held := r.metrics(numbersName).Emitted // at most the burst
	r.spec.allow(r.t, numbersName, everything)
	r.spec.allow(r.t, leafName, slowTaken)
	until(r.t, "acks at the spout while it is held back", func() bool { return r.metrics(numbersName).Acked >= slowFirst })
	if n := r.metrics(numbersName).Emitted - held; n > 0 {
		r.t.Errorf("the spout has emitted %d tuples while it was to be held back", n)
	}
}

// metrics returns what a component's first task says of itself now.
func (r *run) metrics(component string) instance.Metrics {
	r.t.Helper()
	s, err := r.Sample(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	tasks := s.Tasks()
	return tasks[slices.IndexFunc(tasks, func(ts local.TaskSample) bool { return ts.Component == component })].Metrics
}

// watched is the most that was seen of a run.
type watched struct {
	queue    int
	resident uint64
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
