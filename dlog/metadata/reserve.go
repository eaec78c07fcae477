package metadata

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// reserveFile holds the reserve. It has no contents.
const reserveFile = "RESERVE"

// Parts of the reserve that a transaction wants to be there, as what it is divided by.
const (
	wholeReserve = 1
	halfReserve  = 2
)

// reserve is room on the disk that is kept for Pebble, which cannot go on when a write finds none. It is given back by
// halves when that happens. From the first half on no transactions begin but those of Free, from the second on none at
// all; until the reserve is whole again, as each transaction tries to make it.
type reserve struct {
	fs   disk.FS
	dir  string
	size int64 // 0 for none

	mu struct {
		sync.Mutex

		file disk.File
		held int64
	}
	given   atomic.Int64 // how often some was given back
	missing atomic.Bool  // it is not whole
}

// open makes the reserve. That there is no room for it is no error.
func (r *reserve) open(size int64) error {
	if size <= 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	path := filepath.Join(r.dir, reserveFile)
	f, err := r.fs.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = r.fs.Create(path)
	}
	if disk.IsFull(err) {
		r.missing.Store(true) // without a file it stays so
		r.size = size
		return nil
	}
	if err != nil {
		return err
	}
	r.size, r.mu.file = size, f
	if r.mu.held, err = f.Size(); err != nil {
		return err
	}
	r.mu.held = min(r.mu.held, size)
	err = r.fillLocked()
	if disk.IsFull(err) || disk.IsReadOnly(err) {
		return nil
	}
	return err
}

// fillLocked takes what is missing, a half if there is no more.
func (r *reserve) fillLocked() error {
	err := error(nil)
	for _, want := range []int64{r.size, r.size / 2} {
		if r.mu.held >= want {
			break
		}
		if err = r.mu.file.Reserve(want); err == nil {
			r.mu.held = want
			break
		}
		_ = r.mu.file.Truncate(r.mu.held) // of what was taken in vain
	}
	r.missing.Store(r.mu.held < r.size)
	return err
}

// ready returns an error unless a part of the reserve is there and the folder can be written to.
func (r *reserve) ready(part int64) error {
	if err := r.fs.Writable(r.dir); err != nil {
		return fmt.Errorf("%w: %w", ErrUnwritable, err)
	}
	if !r.missing.Load() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refillLocked(); err != nil && r.mu.held < r.size/part {
		return classify(err)
	}
	return nil
}

func (r *reserve) refillLocked() error {
	if r.mu.file == nil {
		f, err := r.fs.Create(filepath.Join(r.dir, reserveFile))
		if err != nil {
			return err
		}
		r.mu.file = f
	}
	return r.fillLocked()
}

// give gives back the half of the reserve that is left, or all, and says whether there was any.
func (r *reserve) give() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.held == 0 {
		return false
	}
	left := int64(0)
	if r.mu.held > r.size/2 {
		left = r.size / 2
	}
	r.missing.Store(true)
	if err := r.mu.file.Truncate(left); err != nil {
		return false
	}
	_ = r.mu.file.SyncData() // so that the system has the room at once; there is nothing to lose
	r.mu.held = left
	r.given.Add(1)
	return true
}

// room runs a call, and runs it again as long as it finds no room and the reserve has some.
func (r *reserve) room(call func() error) error {
	for {
		before := r.given.Load()
		err := call()
		if err == nil || !disk.IsFull(err) || r.given.Load() == before && !r.give() {
			return err
		}
	}
}

// short says whether the reserve is not whole.
func (r *reserve) short() bool { return r.missing.Load() }

// close closes the file, which stays.
func (r *reserve) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.file == nil {
		return nil
	}
	f := r.mu.file
	r.mu.file = nil
	return f.Close()
}
