package local

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// readSystem takes the resident sizes and the system calls from /proc. The
// peak of getrusage would not do: on Linux it counts the parent's as well, up
// to the exec.
func (u *Usage) readSystem(*syscall.Rusage) {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		u.RSSBytes = procField(status, "VmRSS:") << 10
		u.PeakRSSBytes = procField(status, "VmHWM:") << 10
	}
	if io, err := os.ReadFile("/proc/self/io"); err == nil {
		u.ReadCalls = procField(io, "syscr:")
		u.WriteCalls = procField(io, "syscw:")
	}
}

// procField returns the number behind a name at the start of a line; 0 if there is none.
func procField(text []byte, name string) uint64 {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			if fields := bytes.Fields(rest); len(fields) > 0 {
				n, _ := strconv.ParseUint(string(fields[0]), 10, 64)
				return n
			}
		}
	}
	return 0
}
