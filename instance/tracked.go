package instance

import (
	"log/slog"
	"time"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/tracker"
	"github.com/ardea-stream/ardea/wire"
)

const (
	// incarnationShift sets the sequence numbers of a spout's incarnations apart:
	// acks for tuples of a dead one are outside of the tracker's ring.
	incarnationShift = 44
	// saveEvery is how often a spout's position is written.
	saveEvery = 100 * time.Millisecond
	// expireShare is how often in a message timeout a spout looks for tuples that have timed out.
	expireShare = 32
	// heldShare is how precisely a spout knows for how long it was held back: to such a share of a message timeout.
	heldShare = 16
	// replaysPerLap bounds the tuples that are replayed between two calls of Next.
	replaysPerLap = 64
)

// tracked is the part of a spout in a topology that tracks its tuples.
type tracked struct {
	*spout
	delivery topology.Delivery
	ring     *tracker.Tracker
	retries  tracker.Retries
	acker    topology.Acker    // the user's spout, nil if it is none
	replayer topology.Replayer // the same
	letters  *topology.Out     // dead letters; nil if there is no such stream
	position *tracker.Position // nil where none is kept
	debt     debt

	completed []uint64  // ids that the spout is to be told of
	spare     []uint64  // memory for completed
	givenUp   []givenUp // the same, given up
	dead      deadLetters
	held      heldClock
	seen      int64 // the latest time that the ring was told
	expireAt  int64 // when to look for tuples that have timed out, by task.clock
	saveAt    int64 // when to write the position
}

type givenUp struct {
	id uint64
	f  *topology.Failure
}

// newTracked makes the spout's collector track. It comes before the user's spout is there.
func newTracked(s *spout) *tracked {
	cfg := &s.inst.cfg
	k := &tracked{spout: s, delivery: cfg.Topology.Delivery}
	k.ring = tracker.New(uint64(cfg.Restarts)<<incarnationShift+1, k.delivery.MaxPending)
	k.ring.Completed = k.complete
	k.ring.Sampled = func(age tracker.Tick) { s.inst.published.latency.Add(time.Duration(age) * tracker.TickNanos) }
	k.held.apart = int64(k.delivery.MessageTimeout) / heldShare
	s.out.Track(s.task, k.ring, false)
	return k
}

// meet looks at what the user's spout can do, and at what a dead incarnation of
// it has left. It is not open yet.
func (k *tracked) meet() error {
	if k.acker, _ = k.user.(topology.Acker); k.acker != nil {
		k.ring.Done = &k.completed
	}
	k.replayer, _ = k.user.(topology.Replayer)
	if o, err := k.out.Stream(topology.DeadLetterStream); err == nil {
		k.letters = o
	}
	if k.replayer == nil || k.inst.cfg.PositionFile == "" {
		return nil
	}
	p, err := tracker.OpenPosition(k.inst.cfg.PositionFile)
	if err != nil {
		return k.failure(opSave, err)
	}
	k.position = p
	k.beforeSend = k.reach
	if id, _ := p.Get(); p.End() > id {
		k.debt.end = p.End()
	}
	return nil
}

// resume takes the user's spout, which is open, to where a dead incarnation of it was.
func (k *tracked) resume() error {
	if k.position == nil {
		return nil
	}
	id, known := k.position.Get()
	if !known {
		return nil
	}
	k.log.Info("spout resumes", slog.Uint64("position", id), slog.Uint64("end", k.position.End()))
	return k.call(opSeek, func() error { return k.replayer.Seek(id) })
}

// close writes the position for the last time.
func (k *tracked) close() error {
	k.debt.close()
	if k.position == nil {
		return nil
	}
	err := k.save()
	if closeErr := k.position.Close(); err == nil {
		err = closeErr
	}
	k.position, k.beforeSend = nil, nil
	return err
}

// publishTracked makes the figures of tracking visible to other goroutines.
func (k *tracked) publishTracked() {
	p, c := &k.inst.published, &k.count
	p.pending.Store(int64(k.pending()))
	p.acked.Store(k.ring.Acked())
	p.failed.Store(c.failed)
	p.replayed.Store(c.replayed)
	p.timedOut.Store(c.timedOut)
	p.lost.Store(c.lost)
	p.deadLetters.Store(c.deadLetters)
	p.latency.Publish()
}

// pending is the tuples under way and those that wait to be emitted again.
func (k *tracked) pending() int { return k.ring.Live() + k.retries.Len() }

// complete is called for every dead letter that is done, and for tuples where
// the spout is no topology.Acker.
func (k *tracked) complete(id uint64, dead bool) {
	if dead {
		k.dead.remove(id)
		k.count.deadLetters++
	}
}

// acked takes an ack frame.
func (k *tracked) acked(h wire.Header, body []byte) error {
	k.setNow(k.clock())
	n, err := k.ring.AckAll(body)
	if err == nil && uint32(n) != h.Count {
		err = wire.ErrCount
	}
	if err != nil {
		return violation(wire.CodeMalformed, h, err)
	}
	return nil
}

// setNow tells the ring the time, by task.clock. Where it was told long ago
// because user code took its time, what that has emitted may have been emitted
// just now: it must not be taken for old.
func (k *tracked) setNow(now int64) {
	if now <= k.seen {
		return
	}
	if now-k.seen > k.held.apart {
		k.ring.Rejuvenate(tracker.TickOf(now))
	}
	k.seen = now
	k.ring.SetNow(tracker.TickOf(now))
}

// failed takes a fail frame.
func (k *tracked) failed(h wire.Header, body []byte) error {
	f, err := wire.ParseFailure(body)
	if err != nil {
		return violation(wire.CodeMalformed, h, err)
	}
	if e, ok := k.ring.Fail(f.Seq); ok {
		c := k.inst.cfg.Plan.ComponentOf(h.Source)
		k.drop(e, &topology.Failure{
			Reason: topology.ReasonFailed, Component: c.Name, Task: h.Source, Cause: f.Text, Stack: f.Stack, Payload: f.Payload,
		})
	}
	return nil
}

// loseAll takes all tuples under way for lost.
func (k *tracked) loseAll() {
	n := k.ring.Live()
	for k.ring.Live() > 0 {
		k.drop(k.ring.DropOldest(), &topology.Failure{Reason: topology.ReasonLost})
	}
	if n > 0 {
		k.count.lost += int64(n)
		k.log.Debug("tuples may be lost", slog.Int("pending", n))
	}
}

// expire drops the tuples that have taken longer than the message timeout.
func (k *tracked) expire(now int64) {
	now = max(now, k.seen) // else what was born since that look at the clock would seem ages old
	if now < k.expireAt || k.held.running {
		return
	}
	k.expireAt = now + int64(k.delivery.MessageTimeout)/expireShare
	for {
		born, ok := k.ring.Oldest()
		if !ok {
			return
		}
		age := int64(tracker.TickOf(now)-born) * tracker.TickNanos
		if age-k.held.since(born) < int64(k.delivery.MessageTimeout) {
			return
		}
		k.count.timedOut++
		k.drop(k.ring.DropOldest(), &topology.Failure{Reason: topology.ReasonTimedOut})
	}
}

// drop decides what becomes of a tuple, or a dead letter, that is not complete.
func (k *tracked) drop(e tracker.Entry, f *topology.Failure) {
	now := k.clock()
	again := k.replayer != nil || e.Dead // nobody need be asked for a dead letter
	if again && f.Reason == topology.ReasonLost {
		k.retries.Push(e, now) // not its fault
		return
	}
	e.Tries++
	f.Tries = int(e.Tries)
	switch {
	case again && f.Tries <= k.delivery.MaxRetries:
		k.retries.PushLater(e, now)
	case e.Dead:
		k.log.Error("dead letter is dropped", slog.Uint64("id", e.ID), slog.Any("err", f))
		k.dead.remove(e.ID)
	default:
		k.giveUp(e.ID, f, now)
	}
}

// duties looks after everything but Next.
func (k *tracked) duties(now int64) error {
	k.setNow(now)
	k.expire(now)
	if k.position != nil {
		k.reach()
		k.payDebt()
	}
	if err := k.tell(); err != nil {
		return err
	}
	if err := k.replay(now); err != nil {
		return err
	}
	// Not while the spout has to be told of something: its next process would not be.
	if k.position != nil && now >= k.saveAt && !k.toTell() {
		k.saveAt = now + int64(saveEvery)
		if err := k.save(); err != nil {
			return k.failure(opSave, err)
		}
	}
	return nil
}

// saveLast writes the position before the streams end: a process that dies
// behind that must not begin again in front of it.
func (k *tracked) saveLast() error {
	if k.position == nil {
		return nil
	}
	if err := k.save(); err != nil {
		return k.failure(opSave, err)
	}
	return nil
}

// save writes the id below which everything is complete.
func (k *tracked) save() error {
	low, some := k.ring.Low()
	if id, waits := k.retries.Low(); waits && (!some || id < low) {
		low, some = id, true
	}
	if !some {
		last, ok := k.ring.Last()
		if !ok {
			return nil
		}
		low = last + 1
	}
	return k.position.Set(low)
}
