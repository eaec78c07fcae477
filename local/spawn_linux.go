package local

import "syscall"

// sysProcAttr makes the kernel kill a child with its parent. Unlike the end of
// the command pipe that takes a child that is stopped or stuck as well.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
