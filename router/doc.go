// Package router decides which tasks a tuple goes to: the hash of its key
// fields, the key groups that tasks own, and the groupings.
//
// Everything here is pure: no goroutine, no I/O, no clock. A [Table] is
// immutable and may be shared; a [Balance] belongs to one event loop.
package router
