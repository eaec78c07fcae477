//go:build !linux

package local

import (
	"runtime"
	"syscall"
)

// readSystem takes what getrusage knows.
func (u *Usage) readSystem(r *syscall.Rusage) {
	u.PeakRSSBytes = uint64(r.Maxrss)
	if runtime.GOOS != "darwin" {
		u.PeakRSSBytes <<= 10 // the others count in KiB
	}
}
