package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// syscallCounter counts the system calls of processes by the kernel's
// tracepoint raw_syscalls:sys_enter. While it is open every system call of the
// machine is a little slower.
type syscallCounter struct {
	events map[int][]int // file descriptors by process, one per thread it had
}

// openSyscallCounter begins to count. Threads that the processes start later
// are counted with the thread that starts them.
func openSyscallCounter(pids []int) (*syscallCounter, error) {
	id, err := sysEnterID()
	if err != nil {
		return nil, err
	}
	c := &syscallCounter{events: map[int][]int{}}
	for _, pid := range pids {
		if err := c.add(pid, id); err != nil {
			c.close()
			return nil, fmt.Errorf("bench: count system calls of process %d: %w", pid, err)
		}
	}
	return c, nil
}

func (c *syscallCounter) add(pid int, id uint64) error {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		attr := unix.PerfEventAttr{
			Type: unix.PERF_TYPE_TRACEPOINT, Size: unix.PERF_ATTR_SIZE_VER0, Config: id, Bits: unix.PerfBitInherit,
		}
		fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if errors.Is(err, unix.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			return err
		}
		c.events[pid] = append(c.events[pid], fd)
	}
	return nil
}

// read returns the calls of each process since openSyscallCounter.
func (c *syscallCounter) read() (map[int]uint64, error) {
	calls := map[int]uint64{}
	for pid, fds := range c.events {
		for _, fd := range fds {
			var b [8]byte
			if _, err := unix.Read(fd, b[:]); err != nil {
				return nil, fmt.Errorf("bench: read system calls of process %d: %w", pid, err)
			}
			calls[pid] += binary.NativeEndian.Uint64(b[:])
		}
	}
	return calls, nil
}

// close stops counting.
func (c *syscallCounter) close() {
	for _, fds := range c.events {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	}
}

// sysEnterID returns the number of the tracepoint. It does not change while
// the machine is up.
var sysEnterID = sync.OnceValues(func() (uint64, error) {
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		id, err := readSysEnterID(dir)
		if !errors.Is(err, fs.ErrNotExist) {
			return id, err
		}
	}
	return mountedSysEnterID()
})

func readSysEnterID(tracing string) (uint64, error) {
	text, err := os.ReadFile(filepath.Join(tracing, "events/raw_syscalls/sys_enter/id"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}

// mountedSysEnterID mounts the trace file system where only this function sees
// it: in a mount namespace of one thread, which ends with the function.
func mountedSysEnterID() (id uint64, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the runtime ends the thread with the goroutine
		const dir = "/sys/kernel/tracing"
		if err = unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return
		}
		if err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return
		}
		if err = unix.Mount("tracefs", dir, "tracefs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			return
		}
		id, err = readSysEnterID(dir)
	}()
	<-done
	if err != nil {
		return 0, fmt.Errorf("bench: find the tracepoint of system calls: %w", err)
	}
	return id, nil
}
