package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// file is a file that records are written to.
type file struct {
	disk.File

	number uint32
}

// keeper makes the next file ahead and retires released ones, on a goroutine of its own.
type keeper struct {
	// Immutable.
	fs    disk.FS
	dir   string
	size  uint32
	id    uint64
	nonce uint64 // of this opening; salts come from it
	hooks Hooks
	done  chan struct{}
	most  int // spares

	// Owned by the goroutine.
	spares []uint32

	mu struct {
		sync.Mutex

		want      uint32 // number of the file to make, 0 if it is made
		making    bool   // an attempt is on its way
		ready     *file  // made and not taken yet
		err       error  // of the last attempt to make it
		oldest    uint32 // first file that is not retired
		release   uint32 // files below are to be retired
		retireErr error  // of the last attempt; it is tried again with the next release
		damaged   []uint32
		closing   bool
	}
	changed sync.Cond
}

func newKeeper(o Options, id, nonce uint64, spares []uint32) *keeper {
	k := &keeper{
		fs: o.FS, dir: o.Dir, size: uint32(o.FileSize), id: id, nonce: nonce, hooks: o.Hooks,
		spares: spares, most: o.Spares, done: make(chan struct{}),
	}
	k.changed.L = &k.mu
	return k
}

// header returns the header of a file that this opening of the journal makes. Numbers are used once, unless nothing was
// written to the file, so no two files that records were written to have the same salt.
func (k *keeper) header(number uint32) header {
	return header{number: number, journal: k.id, salt: mix(k.nonce + uint64(number)), size: k.size}
}

// seed returns the seed of such a file's records.
func (k *keeper) seed(number uint32) uint32 {
	h := k.header(number)
	return h.seed()
}

// mix is the finalizer of SplitMix64: other numbers in, unrelated numbers out.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// run serves until close.
func (k *keeper) run() {
	defer close(k.done)
	k.mu.Lock()
	defer k.mu.Unlock()
	for !k.mu.closing {
		switch {
		case k.mu.oldest < k.mu.release && k.mu.retireErr == nil:
			number := k.mu.oldest
			bad := slices.Contains(k.mu.damaged, number)
			k.mu.Unlock()
			err := k.retire(number, bad)
			k.mu.Lock()
			if k.mu.retireErr = err; err == nil {
				k.mu.oldest++
			}
			k.changed.Broadcast()
		case k.mu.want != 0 && k.mu.err == nil:
			number := k.mu.want
			k.mu.making = true
			k.mu.Unlock()
			f, err := k.make(number)
			k.mu.Lock()
			k.mu.making = false
			if k.mu.ready, k.mu.err = f, err; err == nil {
				k.mu.want = 0
			}
			k.changed.Broadcast()
		default:
			k.changed.Wait()
		}
	}
}

// prepare has a file made ahead.
func (k *keeper) prepare(number uint32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mu.want, k.mu.err = number, nil
	k.changed.Broadcast()
}

// take returns the file of a number, owned by the caller, and has the next one made ahead. It waits until the file is
// made. An attempt to make it that has failed, or fails now and began before the call, does not count.
func (k *keeper) take(number uint32) (*file, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.mu.making {
		k.changed.Wait()
	}
	if k.mu.ready == nil {
		k.mu.want, k.mu.err = number, nil
		k.changed.Broadcast()
	}
	for k.mu.ready == nil && k.mu.err == nil {
		k.changed.Wait()
	}
	if k.mu.err != nil {
		return nil, k.mu.err
	}
	f := k.mu.ready
	k.mu.ready, k.mu.want = nil, number+1
	k.changed.Broadcast()
	return f, nil
}

// releaseBelow has the files below a number retired.
func (k *keeper) releaseBelow(number uint32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mu.release, k.mu.retireErr = max(k.mu.release, number), nil
	k.changed.Broadcast()
}

// close ends the goroutine and closes the file that nobody has taken. What is left undone is done when the journal is
// opened again.
func (k *keeper) close() error {
	k.mu.Lock()
	k.mu.closing = true
	k.changed.Broadcast()
	k.mu.Unlock()
	<-k.done
	if k.mu.ready != nil {
		return k.mu.ready.Close()
	}
	return nil
}

// retire takes the oldest file out of the journal. Its name is safely gone before it can be written to again: else a
// crash could leave the old name on new contents.
func (k *keeper) retire(number uint32, bad bool) error {
	ext := extSpare
	if bad {
		ext = extBad
	}
	path := fileName(k.dir, number, extJournal)
	err := k.fs.Rename(path, fileName(k.dir, number, ext))
	gone := errors.Is(err, fs.ErrNotExist) // renamed by an attempt whose sync failed, or missing since Open
	if err != nil && !gone {
		return err
	}
	if err := k.fs.SyncDir(k.dir); err != nil || bad || gone {
		return err
	}
	if len(k.spares) < k.most {
		k.spares = append(k.spares, number)
		return nil
	}
	return k.discard(fileName(k.dir, number, extSpare))
}

// make makes a file of the journal, out of a spare one if there is one. Header and name are safe when it returns.
func (k *keeper) make(number uint32) (*file, error) {
	h := k.header(number)
	h.created = time.Now().UnixNano()
	f, from, recycled, err := k.blank(number, &h)
	if err != nil {
		return nil, fmt.Errorf("make file %08x: %w", number, err)
	}
	if err := k.name(f, from, number, &h); err != nil { // a file whose sync has failed must not be used again
		return nil, fmt.Errorf("make file %08x: %w", number, errors.Join(err, f.Close(), k.discard(from)))
	}
	if k.hooks.File != nil {
		k.hooks.File(number, recycled)
	}
	return &file{File: f, number: number}, nil
}

// name writes the header, syncs, and gives the file its name.
func (k *keeper) name(f disk.File, from string, number uint32, h *header) error {
	sector := make([]byte, firstRecord)
	copy(sector, h.appendTo(nil))
	if _, err := f.WriteAt(sector, 0); err != nil {
		return err
	}
	if err := f.SyncData(); err != nil {
		return err
	}
	if err := k.fs.Rename(from, fileName(k.dir, number, extJournal)); err != nil {
		return err
	}
	return k.fs.SyncDir(k.dir)
}

// blank returns a file of the right size under another name: a spare one, or a new one.
func (k *keeper) blank(number uint32, h *header) (_ disk.File, path string, recycled bool, _ error) {
	for len(k.spares) > 0 {
		path = fileName(k.dir, k.spares[0], extSpare)
		k.spares = k.spares[1:]
		if f, err := k.reuse(path); err != nil || f != nil {
			return f, path, true, err
		}
	}
	path = fileName(k.dir, number, extNew)
	if err := k.discard(path); err != nil {
		return nil, "", false, err
	}
	f, err := k.fs.Create(path)
	if err != nil {
		return nil, "", false, err
	}
	if err := f.Preallocate(int64(k.size)); err != nil { // give back what it took
		return nil, "", false, errors.Join(err, f.Close(), k.discard(path))
	}
	h.flags |= flagZeroed
	return f, path, false, nil
}

// reuse opens a spare file. It returns nil if it is gone or has another size, and then removes it.
func (k *keeper) reuse(path string) (disk.File, error) {
	f, err := k.fs.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err == nil && size == int64(k.size) {
		return f, nil
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return nil, k.discard(path)
}

// discard removes a file that is not part of the journal. One that is gone is no error.
func (k *keeper) discard(path string) error {
	if err := k.fs.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
