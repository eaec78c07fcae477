// Package spin locks a mutex that others hold for less than a microsecond at a time.
//
// A [sync.Mutex] does not spin on a processor that has other goroutines to run: who finds it locked sleeps, and wakes
// behind all of them. With a thousand goroutines that is a millisecond for the sake of some hundred nanoseconds, and after
// a millisecond the mutex lets nobody in but those who sleep, one switch of goroutines after the other.
package spin
