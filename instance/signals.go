package instance

import (
	"net"
	"sync/atomic"
	"time"
)

// Bits of signals.bits.
const (
	sigStop  uint32 = 1 << iota // the context is done
	sigDrain                    // a spout is to end its streams
	sigWake                     // an idle spout's Next is to be called
)

// past is a deadline that has gone by.
var past = time.Unix(1, 0)

// signals carries requests from any goroutine to the task's, which may be
// blocked in a read or write of its connection.
//
// A sender sets a bit and then moves the deadline into the past. The task sets
// the deadline it wants, looks at the bits, and blocks. Whichever comes first,
// the task does not sleep over a bit: if it looked before the bit was set, its
// own deadline was set before the sender's, which therefore stands and ends
// the read. A poke that comes later than needed ends some later read for
// nothing; readers take that for a time-out and look again.
type signals struct {
	bits atomic.Uint32
	idle atomic.Bool // the task waits for sigWake too
	conn atomic.Pointer[net.UnixConn]
}

// raise sets a bit and ends a blocked read; with sigStop a blocked write too.
func (s *signals) raise(bit uint32) {
	s.bits.Or(bit)
	c := s.conn.Load()
	if c == nil {
		return
	}
	// An error means that the connection is closed, which ends a read as well.
	if bit == sigStop {
		_ = c.SetDeadline(past)
		return
	}
	_ = c.SetReadDeadline(past)
}

// wake sets sigWake and ends the wait of an idle spout. It costs two atomic
// operations when the spout is busy.
func (s *signals) wake() {
	s.bits.Or(sigWake)
	if s.idle.Load() {
		s.raise(sigWake)
	}
}

// any reports whether one of the bits is set.
func (s *signals) any(bits uint32) bool { return s.bits.Load()&bits != 0 }

// clear takes a bit away.
func (s *signals) clear(bit uint32) { s.bits.And(^bit) }
