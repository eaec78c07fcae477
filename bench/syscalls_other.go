//go:build !linux

package bench

import "errors"

// syscallCounter cannot be opened here.
type syscallCounter struct{}

func openSyscallCounter([]int) (*syscallCounter, error) {
	return nil, errors.New("bench: system calls can be counted on Linux only")
}

func (*syscallCounter) read() (map[int]uint64, error) { return nil, errors.ErrUnsupported }

func (*syscallCounter) close() {}
