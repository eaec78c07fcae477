//go:build unix && !linux

package disk

import "os"

func fdatasync(f *os.File) error { return f.Sync() }

// SyncAll syncs the files in the folder one by one, then their names.
func (o OS) SyncAll(dir string) error { return syncEach(o, dir) }

// Failed finds out with a sync.
func (f osFile) Failed() error { return f.SyncData() }

// Reserve writes zeros.
func (f osFile) Reserve(size int64) error { return f.Preallocate(size) }
