package instance

import (
	"encoding/binary"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
)

const (
	// receiveSize is the usual size of the receive buffer in bytes. It holds
	// two large batches and stays in a core's second-level cache.
	receiveSize = 256 << 10
	// smallRest is the largest rest of a record or header that is moved to
	// the buffer's start although there is room behind it.
	smallRest = 4 << 10
	// leastRead is the room, in bytes, that a read must find.
	leastRead = 64 << 10
	// maxAhead bounds what is kept unexecuted, in bytes: a window and the largest frame above it.
	maxAhead = 2 * (wire.HeaderSize + wire.MaxBody)
)

// input is the receive buffer: a window of the link's byte stream. Offsets of
// the stream are counted from the instance's start, over all links.
//
// buf.B[pos:] is what has not been consumed. While a data frame is open its
// records are consumed one by one, as far as they have arrived; a frame need
// not be complete, nor fit the buffer.
//
// While user code runs, the record before pos is borrowed by it: such bytes are
// neither moved nor released until settle. Reading meanwhile ("ahead") uses the
// room behind the content, or else a larger buffer, and held keeps the old one.
type input struct {
	buf  *pool.Buf
	pos  int
	base int64     // stream offset of buf.B[0]
	held *pool.Buf // borrowed by the record being executed
	// moved tells the loop over the records that pos no longer continues in
	// the bytes it goes through.
	moved bool

	// The data frame that pos is in.
	open bool
	head wire.Header
	left int   // tuples that have not been executed
	end  int64 // stream offset of its end

	// scanned is the stream offset up to which whole frames were looked at
	// ahead of their turn: control frames before it have been handled.
	scanned int64
	stale   int64 // offset up to which frames came over an earlier link
	need    int   // bytes at pos that must be in one piece to go on
}

func (in *input) init() { in.buf = pool.Get(receiveSize) }

func (in *input) release() {
	in.settle()
	in.buf.Release()
}

// settle ends the borrowing by the record that was executed.
func (in *input) settle() {
	if in.held != nil {
		in.held.Release()
		in.held = nil
	}
}

// at returns the stream offset of pos.
func (in *input) at() int64 { return in.base + int64(in.pos) }

// filled returns the stream offset of the content's end.
func (in *input) filled() int64 { return in.base + int64(len(in.buf.B)) }

// rest returns what has not been consumed.
func (in *input) rest() []byte { return in.buf.B[in.pos:] }

// room returns space to read into, behind the content. Nothing is borrowed: content may move.
func (in *input) room() []byte {
	b := in.buf.B
	rest := len(b) - in.pos
	want := max(receiveSize, in.need)
	switch {
	case rest == 0 && cap(b) > receiveSize && in.need <= receiveSize, cap(b) < want:
		in.grow(want)
	case rest <= smallRest || cap(b)-len(b) < leastRead:
		copy(b, b[in.pos:])
		in.base += int64(in.pos)
		in.buf.B, in.pos = b[:rest], 0
	}
	if len(in.buf.B) == cap(in.buf.B) {
		in.grow(2 * cap(in.buf.B))
	}
	b = in.buf.B
	return b[len(b):cap(b)]
}

// grow moves the rest to another buffer of at least size bytes.
func (in *input) grow(size int) {
	next := pool.Get(size)
	next.B = append(next.B, in.rest()...)
	in.buf.Release()
	in.swap(next)
}

func (in *input) swap(next *pool.Buf) {
	in.base += int64(in.pos)
	in.buf, in.pos, in.moved = next, 0, true
}

// roomAhead is room while the record before pos is borrowed: nothing moves,
// and a buffer that is full is kept beside a larger one. A buffer has twice
// the room of what it takes over, so that however long the task reads ahead
// every byte is copied about once.
func (in *input) roomAhead() []byte {
	b := in.buf.B
	if cap(b)-len(b) < leastRead {
		next := pool.Get(max(receiveSize, 2*(len(b)-in.pos)+leastRead))
		next.B = append(next.B, in.rest()...)
		if in.held == nil {
			in.held = in.buf
		} else {
			in.buf.Release()
		}
		in.swap(next)
		b = next.B
	}
	return b[len(b):cap(b)]
}

// take adds n bytes that were read into the room.
func (in *input) take(n int) { in.buf.B = in.buf.B[:len(in.buf.B)+n] }

// frontier returns the stream offset where the frames begin that nobody has
// looked at. While the open frame is arriving it lies behind the content.
func (in *input) frontier() int64 {
	at := in.at()
	if in.open {
		at = in.end
	}
	return max(at, in.scanned)
}

// drop forgets everything that was received.
func (in *input) drop() {
	in.pos, in.open, in.moved = len(in.buf.B), false, true
	in.scanned = in.filled()
}

// cut is called when the link is gone: it keeps the whole frames that were
// looked at and forgets what follows, for bytes of the next link come behind.
// Of a frame that is arriving the rest is lost.
func (in *input) cut() {
	frontier := in.frontier()
	if frontier > in.filled() {
		in.drop()
		frontier = in.filled()
	}
	in.buf.B = in.buf.B[:frontier-in.base]
	in.scanned, in.stale = frontier, frontier
	in.need = 0
}

// skip consumes the frames that were looked at, of a task that has no data to execute.
func (in *input) skip() { in.pos = int(in.frontier() - in.base) }

// recordTag is the first byte of every record, see package wire.
const recordTag = 0x0a

// recordNeed returns how many bytes the record at the start of b takes, which
// may be more than there are, and fewer than the truth while its length has not
// arrived. left is how many bytes its frame has from there.
func recordNeed(b []byte, left int64) (int, error) {
	if b[0] != recordTag {
		return 0, wire.ErrRecord
	}
	size, width := binary.Uvarint(b[1:])
	need := len(b) + 1
	switch {
	case width < 0 || size > wire.MaxTuple:
		return 0, wire.ErrRecord
	case width > 0:
		need = 1 + width + int(size)
	}
	if int64(need) > left {
		return 0, wire.ErrRecord
	}
	return need, nil
}
