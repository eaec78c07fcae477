package disktest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// FS is the model. It may be used by several goroutines.
type FS struct {
	after func(Op) // set before use

	mu struct {
		sync.Mutex
		dirs   map[string]*dir
		locks  map[string]bool
		faults []*armed
		limit  int64      // bytes that all files may have, 0 = any
		frozen bool       // nothing can be changed
		used   int64      // bytes that they have
		rng    *rand.Rand // goes on with every operation, so that its luck differs from one to the next
	}
}

var _ disk.FS = (*FS)(nil)

// dir is a folder: its names as programs see them, as they are safe, and what happened to them in between.
type dir struct {
	now, safe map[string]*node
	pending   []change
}

// change takes the name del away, or sets the name set, or both in one step.
type change struct {
	del, set string
	node     *node
}

func (c change) apply(names map[string]*node) {
	if c.del != "" {
		delete(names, c.del)
	}
	if c.set != "" {
		names[c.set] = c.node
	}
}

// New returns an empty file system.
func New() *FS {
	f := &FS{}
	f.mu.dirs = map[string]*dir{}
	f.mu.locks = map[string]bool{}
	f.mu.rng = rand.New(rand.NewPCG(1, 2))
	return f
}

// After has a function called after every operation that has changed something, on the goroutine of the caller, with no
// lock held: it may use f. It is to be set before f is used.
func (f *FS) After(call func(Op)) { f.after = call }

// SetLimit sets the size of the disk in bytes, 0 for one without limit.
func (f *FS) SetLimit(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.limit = n
}

// SetReadOnly makes all that would change something fail with EROFS from now on, but for syncs, or lets it work again.
func (f *FS) SetReadOnly(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.frozen = on
}

// Writable fails after SetReadOnly(true).
func (f *FS) Writable(string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.frozen {
		return syscall.EROFS
	}
	return nil
}

// Used returns how many bytes all files have.
func (f *FS) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.used
}

// do runs one operation under the lock, unless a fault comes first, and tells of it afterwards.
func (f *FS) do(op Op, run func() error) error {
	f.mu.Lock()
	f.mu.rng.Uint64()
	err := f.faultLocked(op)
	if err == nil && f.mu.frozen && op.Kind.writes() {
		err = syscall.EROFS
	}
	if err == nil {
		err = run()
	}
	f.mu.Unlock()
	if err != nil {
		return &fs.PathError{Op: string(op.Kind), Path: op.Name, Err: err}
	}
	if f.after != nil && op.Kind.changes() {
		f.after(op)
	}
	return nil
}

// folderLocked returns the folder that a file is in, and the file's name there.
func (f *FS) folderLocked(name string) (*dir, string, error) {
	parent, base := filepath.Split(filepath.Clean(name))
	d := f.mu.dirs[filepath.Clean(parent)]
	if d == nil {
		return nil, "", fs.ErrNotExist
	}
	return d, base, nil
}

// MkdirAll makes a folder and those above it; their names are safe at once.
func (f *FS) MkdirAll(name string) error {
	return f.do(Op{OpMkdir, name}, func() error { return f.mkdirLocked(filepath.Clean(name)) })
}

func (f *FS) mkdirLocked(name string) error {
	if f.mu.dirs[name] != nil {
		return nil
	}
	if parent := filepath.Dir(name); parent != name {
		if err := f.mkdirLocked(parent); err != nil {
			return err
		}
		if f.mu.dirs[parent].now[filepath.Base(name)] != nil {
			return syscall.ENOTDIR
		}
	}
	f.mu.dirs[name] = &dir{now: map[string]*node{}, safe: map[string]*node{}}
	return nil
}

// Create makes a file.
func (f *FS) Create(name string) (disk.File, error) {
	var made *node
	err := f.do(Op{OpCreate, name}, func() error {
		d, base, err := f.folderLocked(name)
		switch {
		case err != nil:
			return err
		case d.now[base] != nil || f.mu.dirs[filepath.Clean(name)] != nil:
			return fs.ErrExist
		case f.mu.limit > 0 && f.mu.used >= f.mu.limit:
			return syscall.ENOSPC
		}
		made = &node{}
		d.change(change{set: base, node: made})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &file{fs: f, node: made, name: name}, nil
}

func (d *dir) change(c change) {
	c.apply(d.now)
	d.pending = append(d.pending, c)
}

// Open opens a file.
func (f *FS) Open(name string) (disk.File, error) {
	var found *node
	err := f.do(Op{OpOpen, name}, func() error {
		if f.mu.dirs[filepath.Clean(name)] != nil {
			return syscall.EISDIR
		}
		d, base, err := f.folderLocked(name)
		if err != nil {
			return err
		}
		if found = d.now[base]; found == nil {
			return fs.ErrNotExist
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &file{fs: f, node: found, name: name}, nil
}

// Rename renames a file within its folder.
func (f *FS) Rename(from, to string) error {
	return f.do(Op{OpRename, from}, func() error {
		d, base, err := f.folderLocked(from)
		if err != nil {
			return err
		}
		other, target, err := f.folderLocked(to)
		switch {
		case err != nil:
			return err
		case other != d:
			return syscall.EXDEV
		case d.now[base] == nil:
			return fs.ErrNotExist
		}
		if old := d.now[target]; old != nil && old != d.now[base] {
			f.mu.used -= int64(len(old.data))
		}
		d.change(change{del: base, set: target, node: d.now[base]})
		return nil
	})
}

// Remove removes a file.
func (f *FS) Remove(name string) error {
	return f.do(Op{OpRemove, name}, func() error {
		d, base, err := f.folderLocked(name)
		if err != nil {
			return err
		}
		if d.now[base] == nil {
			return fs.ErrNotExist
		}
		f.mu.used -= int64(len(d.now[base].data)) + d.now[base].reserved
		d.change(change{del: base})
		return nil
	})
}

// List lists a folder, with the folders in it.
func (f *FS) List(name string) ([]disk.Info, error) {
	var infos []disk.Info
	err := f.do(Op{OpList, name}, func() error {
		name = filepath.Clean(name)
		d := f.mu.dirs[name]
		if d == nil {
			return fs.ErrNotExist
		}
		for base, n := range d.now {
			infos = append(infos, disk.Info{Name: base, Size: int64(len(n.data)), Regular: true})
		}
		for other := range f.mu.dirs {
			if filepath.Dir(other) == name && other != name {
				infos = append(infos, disk.Info{Name: filepath.Base(other)})
			}
		}
		return nil
	})
	slices.SortFunc(infos, func(a, b disk.Info) int { return strings.Compare(a.Name, b.Name) })
	return infos, err
}

// SyncDir makes the names of a folder safe.
func (f *FS) SyncDir(name string) error {
	return f.do(Op{OpSyncDir, name}, func() error {
		d := f.mu.dirs[filepath.Clean(name)]
		if d == nil {
			return fs.ErrNotExist
		}
		for _, c := range d.pending {
			c.apply(d.safe)
		}
		d.pending = nil
		return nil
	})
}

// SyncAll makes the files and names of a folder safe. If a fault makes it fail, a part of what was written to any file
// is saved and the rest never will be; Failed tells of it.
func (f *FS) SyncAll(name string) error {
	name = filepath.Clean(name)
	err := f.do(Op{OpSyncAll, name}, func() error {
		d := f.mu.dirs[name]
		if d == nil {
			return fs.ErrNotExist
		}
		for _, n := range d.now {
			n.sync()
		}
		for _, c := range d.pending {
			c.apply(d.safe)
		}
		d.pending = nil
		return nil
	})
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		if d := f.mu.dirs[name]; d != nil {
			for _, base := range slices.Sorted(maps.Keys(d.now)) {
				if d.now[base].forget(f.mu.rng) {
					d.now[base].lost = err
				}
			}
		}
	}
	if taken(err) {
		return nil
	}
	return err
}

// Lock takes a lock. It leaves no file.
func (f *FS) Lock(name string) (io.Closer, error) {
	name = filepath.Clean(name)
	err := f.do(Op{OpLock, name}, func() error {
		if f.mu.dirs[name] != nil {
			return syscall.EISDIR
		}
		if f.mu.locks[name] {
			return disk.ErrLocked
		}
		f.mu.locks[name] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lock{f, name}, nil
}

type lock struct {
	fs   *FS
	name string
}

// Close gives the lock back.
func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if !l.fs.mu.locks[l.name] {
		return errors.New("disktest: the lock is free already")
	}
	delete(l.fs.mu.locks, l.name)
	return nil
}

// ReadFile returns a file's bytes, as programs see them. It is no operation: it neither fails nor counts.
func (f *FS) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, base, err := f.folderLocked(name)
	if err != nil || d.now[base] == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(d.now[base].data), nil
}

// WriteFile gives a file these bytes, safe at once, and makes it if need be. It is no operation either.
func (f *FS) WriteFile(name string, b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, base, err := f.folderLocked(name)
	if err != nil {
		return err
	}
	n := d.now[base]
	if n == nil {
		n = &node{}
		d.now[base], d.safe[base] = n, n
	}
	f.mu.used += int64(len(b) - len(n.data))
	n.data, n.safe, n.pending = slices.Clone(b), slices.Clone(b), nil
	return nil
}
