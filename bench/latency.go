package bench

import (
	"context"
	"encoding/json"
	"io"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/topology"
)

// Names of the workload's components and of what their tasks publish.
const (
	clockComponent = "clock"
	timerComponent = "timer"
	latencyName    = "latency"
	completeName   = "complete latency"
	closedName     = "closed loop"
	latenessName   = "lateness"
	paceName       = "pace"
	heatName       = "heat"
	tuplesPerNext  = 64
)

// latencyTopology sends pairs of instants: when a tuple was due, and when it
// was sent. Those of the warm-up are negative.
func latencyTopology(s Spec) (*topology.Topology, error) {
	b := s.builder()
	b.Spout(clockComponent, func() topology.Spout { return newClockSpout(s) },
		topology.Output("intended", "sent"))
	b.Bolt(timerComponent, func() topology.Bolt { return newTimerBolt(s) },
		topology.Shuffle(clockComponent))
	return b.Build()
}

// clockSpout emits, for every tuple, the instant at which it was due. Open
// starts the pacer's goroutine, Close waits for its end. Without a rate it
// emits as fast as it can.
type clockSpout struct {
	spec  Spec
	task  *topology.Task
	out   *topology.Collector
	clock clock
	pacer *pacer             // nil without a rate
	stop  context.CancelFunc // of the pacer
	last  int64              // instant that was sent, without a rate
	sent  Tally
	pace  pace
	acks
	completed completions // of tracked tuples at a rate
}

func newClockSpout(s Spec) *clockSpout {
	c := &clockSpout{spec: s, acks: s.acks()}
	if c.tracked && s.Rate > 0 {
		c.completed.latency = newHistogram()
	}
	return c
}

// pace is how well a spout kept its schedule.
type pace struct {
	Measured uint64 `json:"measured"`  // tuples that were sent after the warm-up
	Behind   int64  `json:"behind_ns"` // how late the last one was, or the first one that was given up
	Took     int64  `json:"took_ns"`   // from the start of the schedule to the last tuple, of the warm-up too
}

// achieved returns the tuples sent a second: of the measured ones, or of all if the warm-up never ended.
func (p pace) achieved(rate float64, all uint64) float64 {
	if n := float64(p.Measured); n > 0 {
		return n / (n/rate + max(0, time.Duration(p.Behind).Seconds()))
	}
	return ratio(float64(all), time.Duration(p.Took).Seconds())
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
	s.pacer = newPacer(c, s.spec, task.Wake)
	ctx, s.stop = context.WithCancel(ctx)
	go s.pacer.run(ctx)
	return nil
}

// Next emits what is due. The first call starts the schedule: the task is
// connected by then. A spout that has fallen far behind ends early, since the
// rate cannot be reached.
func (s *clockSpout) Next() error {
	p := s.pacer
	if p == nil {
		return s.flood()
	}
	if p.start == 0 {
		p.begin()
	}
	s.completed.settle(p)
	due := p.due.Load()
	if s.sent.Tuples == due {
		if due == p.tuples {
			return io.EOF
		}
		if err := p.err(); err != nil {
			return err
		}
		return topology.ErrIdle
	}
	now := s.clock.now()
	if now > p.deadline() {
		s.pace.Behind = now - p.intended(s.sent.Tuples) // of the first tuple that is not sent at all
		return io.EOF
	}
	for end := min(due, s.sent.Tuples+tuplesPerNext); s.sent.Tuples < end; {
		n := s.sent.Tuples
		instant := p.intended(n)
		sign := int64(-1)
		if n >= p.warmUp {
			sign = 1
		}
		if err := s.emit(sign*instant, sign*now); err != nil {
			return err
		}
		if n >= p.warmUp {
			s.pace.Measured++
			s.pace.Behind = now - instant
		}
	}
	s.pace.Took = now - p.start
	return nil
}

// flood emits as fast as it can, as if every tuple was due now.
func (s *clockSpout) flood() error {
	now := s.clock.now()
	for range tuplesPerNext {
		s.last = max(s.last+1, now)
		if err := s.emit(s.last, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *clockSpout) emit(intended, sent int64) error {
	if err := s.acks.emit(s.out, topology.Int(intended), topology.Int(sent)); err != nil {
		return err
	}
	s.sent.Tuples++
	s.sent.Checksum += mix(uint64(intended))
	return nil
}

// Ack counts a tuple that is complete and records how long ago it was due. Its
// id is its place in the schedule, from 1.
func (s *clockSpout) Ack(id uint64) {
	s.acks.Ack(id)
	if s.completed.latency != nil && id > s.pacer.warmUp {
		s.completed.add(s.pacer, id-1)
	}
}

// completions records how long ago tuples were due that are complete. They come
// in runs, of which the clock is read at the end: reading it for each would cost
// more than tracking them. A tuple is so recorded a little later than it was
// told, never earlier.
type completions struct {
	latency  *hdr.Histogram // nil if nothing is recorded
	from, to uint64         // the run: places in the schedule that follow each other
}

// maxCompletions bounds a run, so that little time passes in it.
const maxCompletions = 64

// add adds a tuple.
func (c *completions) add(p *pacer, n uint64) {
	if n != c.to || c.to-c.from == maxCompletions {
		c.settle(p)
		c.from = n
	}
	c.to = n + 1
}

// settle records what has been added.
func (c *completions) settle(p *pacer) {
	if c.from < c.to {
		p.recordSince(c.latency, c.from, c.to, p.clock.now())
		c.from = c.to
	}
}

// Close publishes what was emitted, how late the pacer was, and the complete latency.
func (s *clockSpout) Close() error {
	if s.task == nil {
		return nil // Open was not called
	}
	if s.pacer != nil {
		s.stop()
		<-s.pacer.done
		if err := s.pacer.failed; err != nil {
			return err
		}
		if err := publishHistogram(s.task, latenessName, s.pacer.lateness); err != nil {
			return err
		}
		if err := publishJSON(s.task, paceName, s.pace); err != nil {
			return err
		}
	}
	if s.completed.latency != nil {
		s.completed.settle(s.pacer)
		if err := publishHistogram(s.task, completeName, s.completed.latency); err != nil {
			return err
		}
	}
	if err := s.publish(s.task); err != nil {
		return err
	}
	return publishTally(s.task, emittedTally, s.sent)
}

// timerBolt records how long ago each tuple was due, and how long ago it was
// sent. It checks that tuples come in order.
type timerBolt struct {
	task    *topology.Task
	clock   clock
	got     Tally
	last    int64 // instant
	latency *hdr.Histogram
	closed  *hdr.Histogram
	heat    heat
}

func newTimerBolt(s Spec) *timerBolt {
	b := &timerBolt{latency: newHistogram(), closed: newHistogram()}
	if s.Rate > 0 {
		b.heat.width = max(1, int64(float64(s.Tuples-s.WarmUp)/s.Rate*float64(time.Second)/heatColumns))
	}
	return b
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
	sent, err := t.Int(1)
	if err != nil {
		return err
	}
	b.got.Tuples++
	b.got.Checksum += mix(uint64(instant))
	order := max(instant, -instant)
	if order <= b.last {
		b.got.Disordered++
	}
	b.last = order
	if instant > 0 {
		now := b.clock.now()
		record(b.latency, now-instant)
		record(b.closed, now-sent)
		b.heat.add(instant, now-instant)
	}
	return nil
}

// Finish publishes the latencies.
func (b *timerBolt) Finish() error {
	if err := publishHistogram(b.task, latencyName, b.latency); err != nil {
		return err
	}
	if err := publishHistogram(b.task, closedName, b.closed); err != nil {
		return err
	}
	if err := publishJSON(b.task, heatName, b.heat.published()); err != nil {
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

func publishJSON(task *topology.Task, name string, v any) error {
	data, err := json.Marshal(v)
	if err == nil {
		task.Publish(name, data)
	}
	return err
}
