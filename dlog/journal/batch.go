package journal

import "slices"

// batch is what is written together. It belongs to the appenders, under the journal's lock, while it gathers, and to the
// writer after that.
type batch struct {
	buf     []byte   // records, one behind the other
	parts   []part   // by file: one, or two if the batch goes on in the next file
	waiters []waiter // of those entries whose appenders are not told yet
	early   bool     // some of them are to be told at level OS
	entries int      // in all parts
}

// part is what a batch writes to one file, up to the next part or the end of the batch.
type part struct {
	at      Position
	first   int // of its bytes in buf
	told    int // its first in waiters
	entries int
}

// waiter is somebody who is to be told when an entry has reached a level.
type waiter struct {
	done     func(Position, error) // nil when it was called
	follower Follower              // instead of done; nil when the last call was made
	at       Position
	level    Level
}

// grow makes room for a record that is written at a position.
func (b *batch) grow(at Position, size int) []byte {
	n := len(b.buf)
	if len(b.parts) == 0 || b.parts[len(b.parts)-1].at.File() != at.File() {
		b.parts = append(b.parts, part{at: at, first: n, told: len(b.waiters)})
	}
	b.buf = slices.Grow(b.buf, size)[:n+size]
	return b.buf[n:]
}

// add counts the entry whose record was put last and, unless done is nil, remembers whom to tell of it.
func (b *batch) add(w waiter) {
	b.parts[len(b.parts)-1].entries++
	b.entries++
	if w.done != nil || w.follower != nil {
		b.waiters = append(b.waiters, w)
		b.early = b.early || w.level == OS
	}
}

// part returns the bytes and the waiters of a part.
func (b *batch) part(i int) ([]byte, []waiter) {
	p, buf, waiters := b.parts[i], b.buf, b.waiters
	if i+1 < len(b.parts) {
		buf, waiters = buf[:b.parts[i+1].first], waiters[:b.parts[i+1].told]
	}
	return buf[p.first:], waiters[p.told:]
}

// reset empties the batch and keeps its memory.
func (b *batch) reset() {
	clear(b.waiters)
	b.buf, b.parts, b.waiters, b.early, b.entries = b.buf[:0], b.parts[:0], b.waiters[:0], false, 0
}

// tell tells those waiters whose level has been reached and who have not been told: all, if a failure is what they are
// told. Those who follow are told of their level and of Disk.
func tell(waiters []waiter, reached Level, failure error) {
	for i := range waiters {
		w := &waiters[i]
		if failure == nil && w.level < reached {
			continue
		}
		if f := w.follower; f != nil {
			if failure != nil || reached == Disk {
				w.follower = nil
			}
			if failure != nil || reached == Disk || reached == w.level {
				f.Reached(w.at, reached, failure)
			}
		} else if done := w.done; done != nil {
			w.done = nil
			done(w.at, failure)
		}
	}
}
