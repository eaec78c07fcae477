//go:build !linux

package bench

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes a goroutine at an instant, as well as Go's timers can.
type alarm struct {
	closed chan struct{}
	once   sync.Once
}

func newAlarm() (*alarm, error) { return &alarm{closed: make(chan struct{})}, nil }

// sleepUntil blocks the calling goroutine until an instant on CLOCK_MONOTONIC, or until close.
func (a *alarm) sleepUntil(instant int64) error {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return err
	}
	select {
	case <-time.After(time.Duration(instant - ts.Nano())):
		return nil
	case <-a.closed:
		return os.ErrClosed
	}
}

// close ends sleepUntil, now and from now on.
func (a *alarm) close() { a.once.Do(func() { close(a.closed) }) }
