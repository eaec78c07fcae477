package bench

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// clock reads CLOCK_MONOTONIC, which all processes of a machine share, at the
// price of time.Since: the runtime reads the same clock without a system call.
type clock struct {
	base   time.Time
	offset int64 // of base, on CLOCK_MONOTONIC, in nanoseconds
}

// newClock finds out where the runtime's clock stands. Of several tries it
// keeps the one that took least, so that it is right to well under a microsecond.
func newClock() (clock, error) {
	var best clock
	least := time.Duration(1<<63 - 1)
	for range 20 {
		var ts unix.Timespec
		before := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return clock{}, fmt.Errorf("bench: monotonic clock: %w", err)
		}
		if took := time.Since(before); took < least {
			least = took
			best = clock{base: before, offset: ts.Nano() - int64(took)/2}
		}
	}
	return best, nil
}

// now returns nanoseconds on CLOCK_MONOTONIC.
func (c clock) now() int64 { return c.offset + int64(time.Since(c.base)) }

// Monotonic returns a function that reads CLOCK_MONOTONIC in nanoseconds, for programs that share instants with others of
// the same machine. Any goroutine may call it.
func Monotonic() (func() int64, error) {
	c, err := newClock()
	return c.now, err
}

// NewAlarm returns a function that blocks its caller until an instant of Monotonic, more precisely than a timer of Go
// does, and one that ends that and gives up what it holds.
func NewAlarm() (sleepUntil func(instant int64) error, end func(), err error) {
	a, err := newAlarm()
	if err != nil {
		return nil, nil, err
	}
	return a.sleepUntil, a.close, nil
}
