package pool

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/ardea-stream/ardea/internal/invariants"
)

// Sizes of the classes: powers of two from 1 KiB to 32 MiB. A request above
// the largest gets a buffer of its own that is not pooled.
const (
	minShift = 10
	maxShift = 25
	classes  = maxShift - minShift + 1
)

// Buf is a byte buffer with a reference count, which starts at one.
type Buf struct {
	// B is the content. Its holder may append to it up to its capacity;
	// growing beyond it moves the content out of the pool.
	B []byte

	refs atomic.Int32
	cls  int8 // index of its class, -1 if not pooled
	mem  []byte
}

var (
	free        [classes]sync.Pool
	outstanding atomic.Int64
	bypassed    atomic.Int32 // calls of WithoutReuse that hold
)

// Get returns an empty buffer, B having length 0 and a capacity of at least n
// bytes. The caller owns it.
func Get(n int) *Buf {
	c := class(n)
	if c < 0 {
		return use(&Buf{mem: make([]byte, 0, n), cls: -1})
	}
	if bypassed.Load() > 0 {
		return use(&Buf{mem: make([]byte, 0, 1<<(minShift+c)), cls: -1})
	}
	if v := free[c].Get(); v != nil {
		return use(v.(*Buf))
	}
	return use(&Buf{mem: make([]byte, 0, 1<<(minShift+c)), cls: int8(c)})
}

// WithoutReuse makes Get allocate every buffer, in the whole process, until
// undo is called, once. It is there to measure what reuse is worth. Where
// several have asked for it the last undo counts.
func WithoutReuse() (undo func()) {
	bypassed.Add(1)
	return func() { bypassed.Add(-1) }
}

func use(b *Buf) *Buf {
	b.B = b.mem[:0]
	b.refs.Store(1)
	if invariants.Enabled {
		outstanding.Add(1)
	}
	return b
}

// class returns the smallest class that holds n bytes, -1 if none does.
func class(n int) int {
	if n <= 1<<minShift {
		return 0
	}
	c := bits.Len(uint(n-1)) - minShift
	if c >= classes {
		return -1
	}
	return c
}

// Retain adds a reference: the caller now shares the buffer.
func (b *Buf) Retain() {
	if n := b.refs.Add(1); n <= 1 {
		panic("pool: buffer retained after its release")
	}
}

// Release gives up one reference. With the last the buffer returns to the
// pool and must not be touched again.
func (b *Buf) Release() {
	n := b.refs.Add(-1)
	if n > 0 {
		return
	}
	if n < 0 {
		panic("pool: buffer released twice")
	}
	if invariants.Enabled {
		outstanding.Add(-1)
		invariants.Mangle(b.mem[:cap(b.mem)])
	}
	b.B = nil
	if b.cls >= 0 {
		free[b.cls].Put(b)
	}
}

// Outstanding returns the number of buffers that are held and not released. It
// counts in checked builds only and is 0 in others.
func Outstanding() int64 { return outstanding.Load() }
