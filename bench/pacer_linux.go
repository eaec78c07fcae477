package bench

import (
	"errors"

	"golang.org/x/sys/unix"
)

// sharpenTimers makes the calling thread's sleeps end on time. The kernel adds
// up to 50 microseconds otherwise.
func sharpenTimers() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // late sleeps are recorded as such
}

// sleepUntil blocks the calling thread until an instant on CLOCK_MONOTONIC.
func sleepUntil(instant int64) {
	ts := unix.NsecToTimespec(instant)
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
