package instance

import (
	"time"
)

// full reports whether Next must wait for tuples to complete.
func (k *tracked) full() bool { return k.room() == 0 }

// room returns how many tuples Next may emit before it must wait for some to complete.
func (k *tracked) room() int { return max(0, min(k.delivery.MaxPending-k.pending(), k.ring.Room())) }

// mayReplay reports whether tuples may be emitted again.
func (k *tracked) mayReplay() bool { return k.mayEmit() && k.ring.Space() }

// deadline is when duties has something to do although nothing comes, by
// task.clock, zero if never. With replays those count that may be emitted.
func (k *tracked) deadline(replays bool) int64 {
	next := int64(0)
	if k.ring.Live() > 0 && !k.held.running {
		next = max(k.expireAt, 1)
	}
	if r, ok := k.retries.Next(); ok && replays && k.mayReplay() && (next == 0 || r.Due < next) {
		next = max(r.Due, 1)
	}
	return next
}

// moment returns a time by task.clock as one to wait for; zero is never.
func (t *task) moment(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return t.began.Add(time.Duration(at))
}

// listenUntilDue waits for a frame, or until duties has something to do.
func (k *tracked) listenUntilDue() error {
	due := k.deadline(true)
	if due != 0 && due <= k.clock() {
		return k.listen(false) // a wait whose deadline has passed would read nothing
	}
	k.link.arm(k.moment(due))
	return k.listen(true)
}

// awaitRoom waits inside Emit until the tracker can take a tuple. The spout is
// not told of anything meanwhile, since its code is running, and nothing is replayed.
func (k *tracked) awaitRoom() error {
	if err := k.flushed(k.out.Age()); err != nil {
		return err
	}
	for {
		k.expire(k.clock())
		err := k.lookAhead()
		if err == nil && !k.ring.Full() && k.ring.Space() {
			return nil
		}
		if err == nil {
			k.publish()
			k.link.arm(k.moment(k.deadline(false)))
			if err = k.stopped(); err == nil {
				err = k.block(k.in.roomAhead())
			}
		}
		if err != nil {
			if err = k.reconnect(err); err != nil {
				return err
			}
		}
	}
}

// completeAll waits until all tuples are done, when no more will come.
func (s *spout) completeAll() error {
	k := s.tracked
	if k == nil {
		return nil
	}
	k.debt.forgive() // Next is not called any more
	for {
		if err := s.stopped(); err != nil {
			return err
		}
		if err := k.duties(s.clock()); err != nil {
			return err
		}
		if k.pending() == 0 && !k.toTell() {
			return k.saveLast()
		}
		if err := s.flushed(s.out.Flush()); err != nil {
			return err
		}
		s.publish()
		if k.toTell() {
			continue
		}
		if err := k.listenUntilDue(); err != nil {
			return err
		}
	}
}
