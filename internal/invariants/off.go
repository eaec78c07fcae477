//go:build !invariants && !race

package invariants

// Enabled says whether this is a checked build.
const Enabled bool = false

// Check panics in checked builds when cond does not hold. Here it does nothing.
func Check(bool, string, ...any) {}

// Mangle scribbles over a released buffer in checked builds. Here it does nothing.
func Mangle([]byte) {}

// Busy guards state that one goroutine at a time may enter, in checked builds. Here it has no size and costs nothing.
type Busy struct{}

// Enter marks the state as entered in checked builds. Here it does nothing.
func (*Busy) Enter(string) {}

// Leave takes the mark away in checked builds. Here it does nothing.
func (*Busy) Leave(string) {}
