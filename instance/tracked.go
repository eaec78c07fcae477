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

	completed []uint64  // ids that the spout is to be told of
	spare     []uint64  // memory for completed
	givenUp   []givenUp // the same, given up
	dead      map[uint64]*topology.Failure
	held      heldClock
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
	k := &tracked{spout: s, delivery: cfg.Topology.Delivery, dead: map[uint64]*topology.Failure{}}
	k.ring = tracker.New(uint64(cfg.Restarts)<<incarnationShift+1, k.delivery.MaxPending)
	k.ring.Completed = k.complete
	k.ring.Sampled = func(age tracker.Tick) { s.inst.published.latency.Add(time.Duration(age) * tracker.TickNanos) }
	k.held.apart = tracker.TickOf(int64(k.delivery.MessageTimeout) / heldShare)
	s.out.Track(s.task, cfg.Task, k.ring, false)
	return k
}

// begin takes the user's spout, which is open, to where a dead incarnation of it was.
func (k *tracked) begin() error {
	k.acker, _ = k.user.(topology.Acker)
	k.replayer, _ = k.user.(topology.Replayer)
	if k.replayer == nil {
		return nil
	}
	if o, err := k.out.Stream(topology.DeadLetterStream); err == nil {
		k.letters = o
	}
	if k.inst.cfg.PositionFile == "" {
		return nil
	}
	p, err := tracker.OpenPosition(k.inst.cfg.PositionFile)
	if err != nil {
		return err
	}
	k.position = p
	id, known := p.Get()
	if !known {
		return nil
	}
	k.log.Info("spout resumes", slog.Uint64("position", id))
	return k.call(opSeek, func() error { return k.replayer.Seek(id) })
}

// close writes the position for the last time.
func (k *tracked) close() error {
	if k.position == nil {
		return nil
	}
	err := k.save()
	if closeErr := k.position.Close(); err == nil {
		err = closeErr
	}
	k.position = nil
	return err
}

// publishTracked makes the figures of tracking visible to other goroutines.
func (k *tracked) publishTracked() {
	p, c := &k.inst.published, &k.count
	p.pending.Store(int64(k.pending()))
	p.acked.Store(c.acked)
	p.failed.Store(c.failed)
	p.replayed.Store(c.replayed)
	p.timedOut.Store(c.timedOut)
	p.lost.Store(c.lost)
	p.deadLetters.Store(c.deadLetters)
	p.latency.Publish()
}

// pending is the tuples under way and those that wait to be emitted again.
func (k *tracked) pending() int { return k.ring.Live() + k.retries.Len() }

// complete is called for every tuple that is done.
func (k *tracked) complete(id uint64) {
	if len(k.dead) > 0 {
		if _, letter := k.dead[id]; letter {
			delete(k.dead, id)
			k.count.deadLetters++
			return
		}
	}
	k.count.acked++
	if k.acker != nil {
		k.completed = append(k.completed, id)
	}
}

// acked takes an ack frame.
func (k *tracked) acked(h wire.Header, body []byte) error {
	k.ring.SetNow(tracker.TickOf(k.clock()))
	if err := k.ring.AckAll(body); err != nil {
		return violation(wire.CodeMalformed, h, err)
	}
	return nil
}

// failed takes a fail frame.
func (k *tracked) failed(h wire.Header, body []byte) error {
	f, err := wire.ParseFailure(body)
	if err != nil {
		return violation(wire.CodeMalformed, h, err)
	}
	c := k.inst.cfg.Plan.ComponentOf(h.Source)
	if c == nil {
		return violation(wire.CodeRoute, h, ErrRoute)
	}
	if e, ok := k.ring.Fail(f.Seq); ok {
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
	if f.Reason == topology.ReasonLost && k.replayer != nil {
		k.retries.Push(e, now) // not its fault
		return
	}
	e.Tries++
	f.Tries = int(e.Tries)
	switch {
	case k.replayer != nil && f.Tries <= k.delivery.MaxRetries:
		k.retries.PushLater(e, now)
	case e.Dead:
		k.log.Error("dead letter is dropped", slog.Uint64("id", e.ID), slog.Any("err", f))
		delete(k.dead, e.ID)
	default:
		k.giveUp(e.ID, f, now)
	}
}

// duties looks after everything but Next. emit says whether tuples may be emitted.
func (k *tracked) duties(now int64, emit bool) error {
	k.ring.SetNow(tracker.TickOf(now))
	k.expire(now)
	if err := k.tell(); err != nil {
		return err
	}
	if emit {
		if err := k.replay(now); err != nil {
			return err
		}
	}
	if k.position != nil && now >= k.saveAt {
		k.saveAt = now + int64(saveEvery)
		if err := k.save(); err != nil {
			return k.failure(opSave, err)
		}
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

// full reports whether Next must wait for tuples to complete.
func (k *tracked) full() bool { return k.pending() >= k.delivery.MaxPending || !k.ring.Space() }

// deadline is when duties has something to do although nothing comes, zero if never.
func (k *tracked) deadline() time.Time {
	next := int64(0)
	if k.ring.Live() > 0 && !k.held.running {
		next = k.expireAt
	}
	if r, ok := k.retries.Next(); ok && (next == 0 || r.Due < next) {
		next = r.Due
	}
	if next == 0 {
		return time.Time{}
	}
	return k.began.Add(time.Duration(next))
}

// awaitRoom waits inside Emit until the tracker can take a tuple. The spout is
// not told of anything meanwhile, since its code is running, and nothing is replayed.
func (k *tracked) awaitRoom() error {
	if err := k.flushed(k.out.Age()); err != nil {
		return err
	}
	for k.ring.Full() || !k.ring.Space() {
		err := k.lookAhead()
		if err == nil && (k.ring.Full() || !k.ring.Space()) {
			k.publish()
			k.link.arm(k.deadline())
			if err = k.stopped(); err == nil {
				err = k.block(k.in.roomAhead())
			}
		}
		if err != nil {
			if err = k.reconnect(err); err != nil {
				return err
			}
		}
		k.expire(k.clock())
	}
	return nil
}

// completeAll waits until all tuples are done, when no more will come.
func (s *spout) completeAll() error {
	k := s.tracked
	if k == nil {
		return nil
	}
	for {
		if err := s.stopped(); err != nil {
			return err
		}
		if err := k.duties(s.clock(), s.mayEmit()); err != nil {
			return err
		}
		if k.pending() == 0 {
			return k.tell()
		}
		if err := s.flushed(s.out.Flush()); err != nil {
			return err
		}
		s.publish()
		s.link.arm(k.deadline())
		if err := s.listen(true); err != nil {
			return err
		}
	}
}
