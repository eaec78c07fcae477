//go:build !linux

package logbench

import "time"

// freeSpace does not know.
func freeSpace(string) (int64, error) { return -1, nil }

func sharpen() (undo func()) { return func() {} }

func sleep(d time.Duration) { time.Sleep(d) }
