package bench

import (
	"context"
	"io"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/topology"
)

// Names of the workload's components and of what their tasks publish.
const (
	clockComponent = "clock"
	timerComponent = "timer"
	latencyName    = "latency"
	latenessName   = "lateness"
	tuplesPerNext  = 64
)

func latencyTopology(s Spec) (*topology.Topology, error) {
	b := topology.NewBuilder(s.Workload)
	b.Spout(clockComponent, func() topology.Spout { return &clockSpout{spec: s} },
		topology.Output("intended"))
	b.Bolt(timerComponent, func() topology.Bolt { return &timerBolt{latency: newHistogram()} },
		topology.Shuffle(clockComponent))
	return b.Build()
}

// unmeasured is sent in place of an instant while the run warms up.
const unmeasured = 0

// clockSpout emits, for every tuple, the instant at which it was due. Open
// starts the pacer's goroutine, Close waits for its end.
type clockSpout struct {
	spec  Spec
	task  *topology.Task
	out   *topology.Collector
	clock clock
	pacer *pacer             // nil without a rate
	stop  context.CancelFunc // of the pacer
	last  int64              // instant that was sent, without a rate
	sent  Tally
}

// Open prepares the clock.
func (s *clockSpout) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	s.task, s.out = task, out
	c, err := newClock()
	if err != nil {
		return err
	}
	if s.clock = c; s.spec.Rate == 0 {
		return nil
	}
	s.pacer = &pacer{
		clock: c, rate: s.spec.Rate, tuples: s.spec.Tuples, warmUp: s.spec.WarmUp, wake: task.Wake,
		begun: make(chan struct{}), lateness: newHistogram(), done: make(chan struct{}),
	}
	ctx, s.stop = context.WithCancel(ctx)
	go s.pacer.run(ctx)
	return nil
}

// Next emits what is due. The first call starts the schedule: the task is connected by then.
func (s *clockSpout) Next() error {
	p := s.pacer
	if p == nil {
		return s.flood()
	}
	if p.start == 0 {
		p.begin()
	}
	due := p.due.Load()
	if s.sent.Tuples == due {
		if due == p.tuples {
			return io.EOF
		}
		return topology.ErrIdle
	}
	for end := min(due, s.sent.Tuples+tuplesPerNext); s.sent.Tuples < end; {
		instant := int64(unmeasured)
		if s.sent.Tuples >= p.warmUp {
			instant = p.intended(s.sent.Tuples)
		}
		if err := s.emit(instant); err != nil {
			return err
		}
	}
	return nil
}

// flood emits as fast as it can, as if every tuple was due now.
func (s *clockSpout) flood() error {
	now := s.clock.now()
	for range tuplesPerNext {
		s.last = max(s.last+1, now)
		if err := s.emit(s.last); err != nil {
			return err
		}
	}
	return nil
}

func (s *clockSpout) emit(instant int64) error {
	if err := s.out.Emit(topology.Int(instant)); err != nil {
		return err
	}
	s.sent.Tuples++
	s.sent.Checksum += mix(uint64(instant))
	return nil
}

// Close publishes what was emitted and how late the pacer was.
func (s *clockSpout) Close() error {
	if s.task == nil {
		return nil // Open was not called
	}
	if s.pacer != nil {
		s.stop()
		<-s.pacer.done
		if err := publishHistogram(s.task, latenessName, s.pacer.lateness); err != nil {
			return err
		}
	}
	return publishTally(s.task, emittedTally, s.sent)
}

// timerBolt records how long ago each tuple was due.
type timerBolt struct {
	task    *topology.Task
	clock   clock
	got     Tally
	latency *hdr.Histogram
}

// Open prepares the clock.
func (b *timerBolt) Open(_ context.Context, task *topology.Task, _ *topology.Collector) (err error) {
	b.task = task
	b.clock, err = newClock()
	return err
}

// Execute records one tuple.
func (b *timerBolt) Execute(t *topology.Tuple) error {
	instant, err := t.Int(0)
	if err != nil {
		return err
	}
	b.got.Tuples++
	b.got.Checksum += mix(uint64(instant))
	if instant != unmeasured {
		record(b.latency, b.clock.now()-instant)
	}
	return nil
}

// Finish publishes the latencies.
func (b *timerBolt) Finish() error {
	if err := publishHistogram(b.task, latencyName, b.latency); err != nil {
		return err
	}
	return publishTally(b.task, countedTally, b.got)
}

// Close does nothing.
func (*timerBolt) Close() error { return nil }

func publishHistogram(task *topology.Task, name string, h *hdr.Histogram) error {
	data, err := h.EncodeV2()
	if err == nil {
		task.Publish(name, data)
	}
	return err
}
