//go:build invariants || race

package invariants

import (
	"fmt"
	"sync/atomic"
)

// Enabled says whether this is a checked build.
const Enabled bool = true

// poison is what a released buffer is filled with. As a length, a tag or a key hash it is absurd, which is the point.
const poison = 0xDB

// Check panics unless cond holds. It does nothing in plain builds.
func Check(cond bool, format string, args ...any) {
	if !cond {
		panic("invariant broken: " + fmt.Sprintf(format, args...))
	}
}

// Mangle scribbles over a buffer that its owner has released, so that whoever still reads it sees nonsense and not, by
// luck, the old bytes. It borrows b until it returns, and does nothing in plain builds.
func Mangle(b []byte) {
	for i := range b {
		b[i] = poison
	}
}

// Busy guards state that one goroutine at a time may enter, without being a lock: a second entry, also one by the same
// goroutine, is a bug and panics. The zero value is ready. In plain builds it has no size and costs nothing; since Go
// pads a struct that ends in a field without size, do not make it the last field.
type Busy struct {
	inside atomic.Bool
}

// Enter marks the state as entered and panics if it already is. The name goes into the message.
func (b *Busy) Enter(name string) {
	if !b.inside.CompareAndSwap(false, true) {
		panic("invariant broken: " + name + " was entered twice at a time")
	}
}

// Leave takes the mark away and panics if there is none.
func (b *Busy) Leave(name string) {
	if !b.inside.CompareAndSwap(true, false) {
		panic("invariant broken: " + name + " was left without being entered")
	}
}
