package pool

// Sizes of the chunks that a Ring writes into: the first is small, each that
// follows directly has twice the size of the one before, up to the largest.
const (
	minChunk = 4 << 10
	maxChunk = 64 << 10
)

// maxVectors is the number of slices that one writev call takes (IOV_MAX).
const maxVectors = 1024

// Ring is a queue of bytes, first in, first out, in pooled buffers. It knows no
// limit: its owner bounds it by Len. The memory behind it is at most about four
// times Len, plus two chunks. An empty ring holds no buffer.
//
// The zero Ring is ready for use. It is for one goroutine at a time and must
// not be copied after its first use.
type Ring struct {
	chunks []*Buf // chunks[head:] hold bytes, none is empty
	head   int
	off    int // bytes of chunks[head] that are gone; off < len(chunks[head].B)
	size   int
	ours   bool // the last chunk is not shared with anyone and may be appended to
}

// Len returns the number of bytes in the ring.
func (r *Ring) Len() int { return r.size }

// Write copies p to the end of the ring. It borrows p. The bytes of one Write
// stand in one chunk, so that a slice of Vectors never ends inside them.
func (r *Ring) Write(p []byte) {
	if len(p) == 0 {
		return
	}
	r.size += len(p)
	tail := r.tail(len(p))
	tail.B = append(tail.B, p...)
}

// Push puts the bytes b.B at the end of the ring. The ring owns b from now on
// and releases it when the bytes are discarded; other holders of a shared b
// may go on reading it. Nothing is copied, except content that fills less than
// a quarter of its buffer: that is copied and b released at once, so that many
// short contents do not hold much memory.
func (r *Ring) Push(b *Buf) {
	if len(b.B) < cap(b.B)/4 {
		r.Write(b.B)
		b.Release()
		return
	}
	if len(b.B) == 0 {
		b.Release()
		return
	}
	r.size += len(b.B)
	r.append(b)
	r.ours = false
}

// Vectors appends to dst slices of the front of the ring, in order, and returns
// it. It stops at the first slice with which they hold maxBytes or more, so
// that all but the last hold fewer, at the end of the ring, and when dst has
// 1024 slices, which is what one writev call takes. With maxBytes of zero or
// less it adds none. The slices are borrowed: they are valid, and not to be
// changed, until the next Discard or Reset; Write and Push leave them alone.
func (r *Ring) Vectors(dst [][]byte, maxBytes int) [][]byte {
	off := r.off
	for _, b := range r.chunks[r.head:] {
		if maxBytes <= 0 || len(dst) >= maxVectors {
			break
		}
		v := b.B[off:]
		dst = append(dst, v)
		maxBytes -= len(v)
		off = 0
	}
	return dst
}

// Discard drops n bytes from the front, 0 to Len, and releases the buffers that
// held nothing else.
func (r *Ring) Discard(n int) {
	if n < 0 || n > r.size {
		panic("pool: ring discards more than it holds")
	}
	r.size -= n
	n += r.off
	for r.head < len(r.chunks) && n >= len(r.chunks[r.head].B) {
		n -= len(r.chunks[r.head].B)
		r.chunks[r.head].Release()
		r.chunks[r.head] = nil
		r.head++
	}
	r.off = n
	if r.head == len(r.chunks) {
		r.chunks, r.head, r.ours = r.chunks[:0], 0, false
	}
}

// Reset drops everything and releases all buffers.
func (r *Ring) Reset() { r.Discard(r.size) }

// tail returns the last chunk if it is ours and has room, else a new one for n bytes.
func (r *Ring) tail(n int) *Buf {
	size := minChunk
	if r.ours {
		last := r.chunks[len(r.chunks)-1]
		if len(last.B)+n <= cap(last.B) {
			return last
		}
		size = min(2*cap(last.B), maxChunk)
	}
	b := Get(max(size, n))
	r.append(b)
	r.ours = true
	return b
}

// append puts b behind the last chunk. The slice is moved down in place of
// growing it once half of it is free, so that a steady ring does not allocate.
func (r *Ring) append(b *Buf) {
	if len(r.chunks) == cap(r.chunks) && r.head > len(r.chunks)/2 {
		n := copy(r.chunks, r.chunks[r.head:])
		clear(r.chunks[n:])
		r.chunks, r.head = r.chunks[:n], 0
	}
	r.chunks = append(r.chunks, b)
}
