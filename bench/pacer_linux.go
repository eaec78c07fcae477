package bench

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// alarm wakes a goroutine at an instant. It is a timerfd: the Go runtime waits
// for it as for a socket, so that it is as precise as the kernel, no thread
// sleeps for it, and the program does not differ from one that is woken by its input.
type alarm struct{ file *os.File }

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("bench: pacer: timer: %w", err)
	}
	return &alarm{os.NewFile(uintptr(fd), "timer")}, nil
}

// sleepUntil blocks the calling goroutine until an instant on CLOCK_MONOTONIC, or until close.
func (a *alarm) sleepUntil(instant int64) error {
	raw, err := a.file.SyscallConn()
	if err != nil {
		return err
	}
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(instant)}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME, &at, nil) })
	if err == nil {
		err = failed
	}
	if err == nil {
		var times [8]byte
		_, err = a.file.Read(times[:])
	}
	return err
}

// close ends sleepUntil, now and from now on.
func (a *alarm) close() { _ = a.file.Close() }
