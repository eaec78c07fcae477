package metadata

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// What Pebble may use.
const (
	cacheBytes    = 8 << 20
	memTableBytes = 4 << 20
	openFiles     = 64
	manifestBytes = 1 << 20
	format        = pebble.FormatWALSyncChunks // notes in its log how far that was synced, so that damage there is noticed

	// Writes never wait for compactions, as those cease when the DB has stopped. Memory has its bound all the same: that
	// of what is not yet flushed, for which writes do wait.
	filesToStop = 1 << 20
)

// pebbleOptions returns the options of a DB.
func pebbleOptions(fs freezer, l *listener, lock *pebble.Lock, exists bool, may func() bool) *pebble.Options {
	p := &pebble.Options{
		FS: fs, Lock: lock, Logger: l, EventListener: l.events(), L0StopWritesThreshold: filesToStop,
		FormatMajorVersion: format, CacheSize: cacheBytes, MemTableSize: memTableBytes,
		MaxOpenFiles: openFiles, MaxManifestFileSize: manifestBytes, DisableTableStats: true,
		ErrorIfNotExists: exists,
	}
	p.Experimental.FileCacheShards = 1
	p.Experimental.CompactionScheduler = newScheduler(may)
	p.Experimental.ReadSamplingMultiplier = -1 // reads start no compactions
	return p
}

func pebbleFS(fs disk.FS) vfs.FS {
	if _, isOS := fs.(disk.OS); isOS {
		return ordered{vfs.Default}
	}
	return ordered{adapter{fs}}
}

// lockFolder takes the lock of a DB.
func lockFolder(o Options) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(o.Dir, adapter{o.FS}) // Pebble's own has no error to tell by
	if errors.Is(err, disk.ErrLocked) {
		return nil, fmt.Errorf("%w: %s: %w", ErrLocked, o.Dir, err)
	}
	return lock, err
}

// openPebble opens Pebble, which must exist if that is said. If it is to be frozen it writes to memory only.
func openPebble(o Options, l *listener, lock *pebble.Lock, exists, frozen bool) (db *pebble.DB, err error) {
	fs, err := newFreezer(roomy{pebbleFS(o.FS), l.reserve}, o.Dir, func() bool { return frozen || l.stopped() })
	if err != nil {
		return nil, err
	}
	err = guard(func() error {
		db, err = pebble.Open(o.Dir, pebbleOptions(fs, l, lock, exists, func() bool { return !fs.frozen() && !l.reserve.short() }))
		return err
	})
	if err != nil {
		return nil, unreadable(err)
	}
	if err := l.failure(); err != nil {
		return nil, errors.Join(err, guard(db.Close))
	}
	return db, nil
}

// unreadable adds the class to an error of Open: what is not the fault of the disk is that of the files.
func unreadable(err error) error {
	err = classify(err)
	var errno syscall.Errno
	if errors.Is(err, ErrCorrupt) || errors.As(err, &errno) && errno != syscall.ENOENT {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// guard turns a panic of Pebble into an error: that of the disk if it was one, else ErrCorrupt.
func guard(call func() error) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		var errno syscall.Errno
		if cause, is := r.(error); is && errors.As(cause, &errno) {
			err = fmt.Errorf("metadata: pebble gave up: %w", cause)
		} else {
			err = fmt.Errorf("%w: pebble gave up: %v", ErrCorrupt, r)
		}
	}()
	return call()
}

// classify adds the class to an error of Pebble.
func classify(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFull):
		return err
	case disk.IsFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case pebble.IsCorruptionError(err), errors.Is(err, pebble.ErrDBDoesNotExist), errors.Is(err, pebble.ErrDBNotPristine):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
