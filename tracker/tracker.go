package tracker

import (
	"math/bits"

	"github.com/ardea-stream/ardea/wire"
)

const (
	// firstSlots is the size of a new ring.
	firstSlots = 1 << 10
	// stretch is how many slots a ring may have for each tuple that may be
	// pending: so far the newest tuple may be ahead of the oldest while most of
	// those in between are complete.
	stretch = 8
	// sampleMask chooses the tuples whose latency is told: one of eight.
	sampleMask = 7
)

// Tick is a time as slots keep it: units of TickNanos since some moment. It
// wraps after 19 hours; differences of less are right.
type Tick uint32

// TickNanos is the length of a Tick in nanoseconds.
const TickNanos = 1 << 14

// TickOf returns a time in nanoseconds as a tick.
func TickOf(nanos int64) Tick { return Tick(nanos / TickNanos) }

// slot is a tuple under way. A word of zero means that it is not, any more.
type slot struct {
	word  uint64 // exclusive or of the edges that are not acked
	id    uint64
	born  Tick
	tries uint8
	dead  bool // it is a dead letter
	again bool // it was added by AddAgain
}

// Entry is a tuple that a Tracker has given up waiting for.
type Entry struct {
	ID    uint64
	Tries uint8 // times that it was emitted before
	Dead  bool  // it is a dead letter
}

// Tracker follows the tuples that a spout task has emitted.
//
// Invariant: the slots of head ≤ seq < tail are in use; that of head, if there
// is one, is not done; live counts those that are not done.
type Tracker struct {
	slots      []slot // a power of two
	mask       uint64
	head, tail uint64
	live       int
	again      int // of those that are live, added by AddAgain
	most       int // tuples that may be live
	mostSlots  int
	now        Tick
	young      uint64 // sequence number of the first tuple that was added since SetNow
	acked      int64  // tuples that have become complete, dead letters not among them
	lastID     uint64 // greatest that was added
	any        bool   // something was added

	// Done, if set, gets the ids of the tuples that become complete; who reads them empties it.
	Done *[]uint64
	// Completed, if set, is called with the id of each tuple that becomes complete
	// and is not told by Done, and of each dead letter.
	Completed func(id uint64, dead bool)
	// Sampled, if set, is called with the age of one of eight of them.
	Sampled func(age Tick)
}

// New returns a tracker whose first tuple has sequence number first, 1 or more,
// and that follows up to most tuples, 1 or more.
func New(first uint64, most int) *Tracker {
	slots := min(firstSlots, ceilPower(most))
	return &Tracker{
		slots: make([]slot, slots), mask: uint64(slots - 1), head: first, tail: first, young: first,
		most: most, mostSlots: ceilPower(most) * stretch,
	}
}

func ceilPower(n int) int { return 1 << bits.Len(uint(n-1)) }

// SetNow sets the time that tuples are born at and acks arrive at.
func (t *Tracker) SetNow(now Tick) { t.now, t.young = now, t.tail }

// Rejuvenate takes the tuples that were added since SetNow to be born now. It is
// for when that was long ago: they are younger than they seem.
func (t *Tracker) Rejuvenate(now Tick) {
	for seq := max(t.young, t.head); seq != t.tail; seq++ {
		t.slots[seq&t.mask].born = now
	}
}

// Live returns the number of tuples under way.
func (t *Tracker) Live() int { return t.live }

// Acked returns the number of tuples that have become complete.
func (t *Tracker) Acked() int64 { return t.acked }

// Full reports whether as many tuples are under way as may be.
func (t *Tracker) Full() bool { return t.live >= t.most }

// Space reports whether the ring has a slot for the next tuple.
func (t *Tracker) Space() bool { return t.Room() > 0 }

// Room returns how many slots the ring still has, or can have, for tuples.
func (t *Tracker) Room() int { return t.mostSlots - int(t.tail-t.head) }

// Ready reports whether Add can take a tuple at once: it is not Full, and its ring need not grow.
func (t *Tracker) Ready() bool { return t.live < t.most && t.tail-t.head <= t.mask }

// Next returns the sequence number that Add gives the next tuple.
func (t *Tracker) Next() uint64 { return t.tail }

// Add follows a tuple, whose sequence number is Next, from now on. There must be
// Space. word is not zero.
func (t *Tracker) Add(id, word uint64) {
	if t.tail-t.head > t.mask {
		t.grow()
	}
	t.slots[t.tail&t.mask] = slot{word: word, id: id, born: t.now}
	t.tail++
	t.live++
	if id >= t.lastID {
		t.lastID, t.any = id, true
	}
}

// AddDone takes a tuple, or a dead letter, that nobody gets, which is complete at
// once. It has no sequence number.
func (t *Tracker) AddDone(id uint64, dead bool) {
	if id >= t.lastID {
		t.lastID, t.any = id, true
	}
	t.tell(id, dead)
}

// AddAgain is Add for a tuple, or a dead letter, that Tracker has given up before.
func (t *Tracker) AddAgain(e Entry, word uint64) {
	t.Add(e.ID, word)
	s := &t.slots[(t.tail-1)&t.mask]
	s.tries, s.dead, s.again = e.Tries, e.Dead, true
	t.again++
}

// grow doubles the ring.
func (t *Tracker) grow() {
	next := make([]slot, 2*len(t.slots))
	mask := uint64(len(next) - 1)
	for seq := t.head; seq != t.tail; seq++ {
		next[seq&mask] = t.slots[seq&t.mask]
	}
	t.slots, t.mask = next, mask
}

// Ack takes an acknowledgement. One for a tuple that is not under way, because
// it is complete, was given up, or belongs to another incarnation, is ignored.
func (t *Tracker) Ack(seq, word uint64) {
	if seq-t.head >= t.tail-t.head {
		return
	}
	s := &t.slots[seq&t.mask]
	if s.word == 0 {
		return
	}
	if s.word ^= word; s.word == 0 {
		t.complete(seq, s)
	}
}

// AckAll takes the body of an ack frame and returns its number of entries. The
// error is wire.ErrAcks; what stood before the malformed entry was taken then.
func (t *Tracker) AckAll(body []byte) (n int, err error) {
	var seq, word uint64
	for ; len(body) > 0; n++ {
		next, ok := wire.OwnAck(body[0], seq)
		if ok {
			seq, word, body = next, wire.OwnEdge(next), body[1:]
		} else if seq, word, body, ok = wire.NextAck(body, seq); !ok {
			return n, wire.ErrAcks
		}
		if seq-t.head >= t.tail-t.head {
			continue
		}
		if s := &t.slots[seq&t.mask]; s.word == word && word != 0 {
			s.word = 0
			t.complete(seq, s)
		} else if s.word != 0 {
			s.word ^= word
		}
	}
	return n, nil
}

func (t *Tracker) complete(seq uint64, s *slot) {
	if seq&sampleMask == 0 && t.Sampled != nil {
		t.Sampled(t.now - s.born)
	}
	t.tell(s.id, s.dead)
	t.leave(seq)
}

// tell says that a tuple, or a dead letter, is complete.
func (t *Tracker) tell(id uint64, dead bool) {
	if !dead {
		t.acked++
	}
	if t.Done != nil && !dead {
		*t.Done = append(*t.Done, id)
	} else if t.Completed != nil {
		t.Completed(id, dead)
	}
}

// leave follows the end of a live tuple, whatever it was.
func (t *Tracker) leave(seq uint64) {
	t.live--
	if t.slots[seq&t.mask].again {
		t.again--
	}
	if seq != t.head {
		return
	}
	for t.head != t.tail && t.slots[t.head&t.mask].word == 0 {
		t.head++
	}
}

// Fail gives up a tuple. It reports false if it is not under way.
func (t *Tracker) Fail(seq uint64) (Entry, bool) {
	if seq-t.head >= t.tail-t.head || t.slots[seq&t.mask].word == 0 {
		return Entry{}, false
	}
	return t.drop(seq), true
}

func (t *Tracker) drop(seq uint64) Entry {
	s := &t.slots[seq&t.mask]
	s.word = 0
	e := Entry{ID: s.id, Tries: s.tries, Dead: s.dead}
	t.leave(seq)
	return e
}

// Oldest returns when the oldest tuple under way was born. ok is false if there is none.
func (t *Tracker) Oldest() (born Tick, ok bool) {
	if t.head == t.tail {
		return 0, false
	}
	return t.slots[t.head&t.mask].born, true
}

// DropOldest gives up the oldest tuple under way. There must be one.
func (t *Tracker) DropOldest() Entry { return t.drop(t.head) }

// Low returns the least id under way, where the ids of Add have risen: it looks
// at the oldest of those tuples and at what was added again. ok is false if
// nothing is under way.
func (t *Tracker) Low() (id uint64, ok bool) {
	again, first := t.again, t.live > t.again
	for seq := t.head; seq != t.tail && (again > 0 || first); seq++ {
		s := &t.slots[seq&t.mask]
		if s.word == 0 {
			continue
		}
		if s.again {
			again--
		} else {
			first = false
		}
		if !ok || s.id < id {
			id, ok = s.id, true
		}
	}
	return id, ok
}

// Last returns the greatest id that was added. ok is false if none was.
func (t *Tracker) Last() (id uint64, ok bool) { return t.lastID, t.any }
