package main

import (
	"syscall"
	"time"
)

// used is what a run has used up.
type used struct {
	cpu   float64 // seconds
	syncs int64   // -1: unknown
}

// usedBy returns what this process and the store's child, if it has one, have used until now.
func usedBy(st store) (used, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return used{}, err
	}
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	if child, ok := st.(childStore); ok {
		more, err := child.cpu()
		if err != nil {
			return used{}, err
		}
		cpu += more
	}
	return used{cpu: cpu, syncs: st.syncs()}, nil
}
