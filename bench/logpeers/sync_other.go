//go:build !linux

package main

import "os"

// fdatasync makes f durable.
func fdatasync(f *os.File) error { return f.Sync() }
