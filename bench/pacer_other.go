//go:build !linux

package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// sharpenTimers does nothing here.
func sharpenTimers() {}

// sleepUntil sleeps until an instant on CLOCK_MONOTONIC, as well as Go's timers can.
func sleepUntil(instant int64) {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) == nil {
		time.Sleep(time.Duration(instant - ts.Nano()))
	}
}
