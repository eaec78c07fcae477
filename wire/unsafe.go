package wire

import "unsafe"

// borrowString returns a string that shares b's bytes.
//
// SAFETY: the string is valid only while b's bytes are not changed. Every
// caller either copies the string into an encoded record before it returns to
// the code that owns b, or hands it to a map look-up that keeps nothing. A
// TupleSlot owns b itself and says how long the strings of its tuple live.
// There is no alignment demand on bytes, and the length is b's own.
func borrowString(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
