//go:build !linux

package local

import "syscall"

// sysProcAttr leaves it to the end of the command pipe to take a child along with its parent.
func sysProcAttr() *syscall.SysProcAttr { return nil }
