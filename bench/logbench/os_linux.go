package logbench

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// freeSpace returns how many bytes can be written in a folder.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// sharpen makes the goroutine's sleeps end on time, until the returned function is called. Go's timers can be late by a
// millisecond, and the kernel adds 50 microseconds.
func sharpen() (undo func()) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return func() {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0 is the default of the thread
		runtime.UnlockOSThread()
	}
}

// sleep blocks the thread.
func sleep(d time.Duration) {
	left := unix.NsecToTimespec(int64(d))
	for errors.Is(unix.Nanosleep(&left, &left), unix.EINTR) {
	}
}
