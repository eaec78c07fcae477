package main

import (
	"errors"
	"os"
	"syscall"
)

// fdatasync makes what was written to f durable, and of its metadata what reading it needs.
func fdatasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
