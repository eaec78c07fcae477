package identity

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// The files of this package.
const (
	storeFile = "STORE"
	newFile   = "STORE.new"
	lockFile  = "LOCK"
)

// maxNames is how many names an OccupiedError has at most.
const maxNames = 3

// Held is a store that this process has to itself.
type Held struct {
	Identity

	fs   disk.FS
	dir  string
	lock io.Closer
}

// Create makes a store in a folder that is empty or missing, or holds only what a Create has left that did not get to its
// end. ErrExists, ErrOccupied, ErrHeld and ErrReadOnly say why it cannot.
func Create(fs disk.FS, dir string, id Identity) (*Held, error) {
	if id.Store == 0 {
		return nil, errors.New("identity: the number of a store must not be 0")
	}
	if err := fs.MkdirAll(dir); err != nil {
		return nil, classify(err)
	}
	if err := vacant(fs, dir); err != nil {
		return nil, err
	}
	return hold(fs, dir, func(h *Held) error {
		if err := vacant(fs, dir); err != nil { // somebody else may have been quicker
			return err
		}
		h.Identity = id
		return h.write()
	})
}

// Open opens a store. ErrNotStore, ErrVersion, ErrDamaged, ErrHeld and ErrReadOnly say why it cannot. A folder that is not
// a store is left as it is.
func Open(fs disk.FS, dir string) (*Held, error) {
	if _, err := read(fs, dir); err != nil {
		return nil, err
	}
	return hold(fs, dir, func(h *Held) (err error) {
		if h.Identity, err = read(fs, dir); err != nil {
			return err
		}
		// Whoever made the store may have ended before the name was safe.
		return fs.SyncDir(dir)
	})
}

// Close gives the store up.
func (h *Held) Close() error {
	_ = h.note("") // a hint only
	return h.lock.Close()
}

// hold takes the lock and does what is to be done under it.
func hold(fs disk.FS, dir string, then func(*Held) error) (*Held, error) {
	lock, err := fs.Lock(filepath.Join(dir, lockFile))
	if errors.Is(err, disk.ErrLocked) {
		return nil, &HeldError{Dir: dir, PID: holder(fs, dir)}
	}
	if err != nil {
		return nil, classify(err)
	}
	h := &Held{fs: fs, dir: dir, lock: lock}
	_ = h.note(strconv.Itoa(os.Getpid()) + "\n")
	if err := then(h); err != nil {
		return nil, errors.Join(classify(err), h.Close())
	}
	return h, nil
}

// vacant returns an error if a folder is a store, or is not empty.
func vacant(fs disk.FS, dir string) error {
	infos, err := fs.List(dir)
	if err != nil {
		return classify(err)
	}
	occupied := OccupiedError{Dir: dir}
	for _, info := range infos {
		switch info.Name {
		case storeFile:
			return fmt.Errorf("%w: %s", ErrExists, dir)
		case newFile, lockFile:
		default:
			if len(occupied.Names) < maxNames {
				occupied.Names = append(occupied.Names, info.Name)
			}
		}
	}
	if len(occupied.Names) > 0 {
		return &occupied
	}
	return nil
}

// write makes the STORE file.
func (h *Held) write() error {
	made := filepath.Join(h.dir, newFile)
	if err := h.fs.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := h.fs.Create(made)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(h.file(), 0)
	if err == nil {
		err = f.SyncData()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := h.fs.Rename(made, filepath.Join(h.dir, storeFile)); err != nil {
		return err
	}
	return h.fs.SyncDir(h.dir)
}

// read returns what the STORE file says.
func read(from disk.FS, dir string) (Identity, error) {
	f, err := from.Open(filepath.Join(dir, storeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, fmt.Errorf("%w: %s", ErrNotStore, dir)
	}
	if err != nil {
		return Identity{}, classify(err)
	}
	b := make([]byte, fileSize)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	size, sizeErr := f.Size()
	if err := errors.Join(err, sizeErr, f.Close()); err != nil {
		return Identity{}, err
	}
	return parse(dir, b[:n], size)
}

// note writes into the LOCK file.
func (h *Held) note(text string) error {
	name := filepath.Join(h.dir, lockFile)
	f, err := h.fs.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = h.fs.Create(name)
	}
	if err != nil {
		return err
	}
	err = f.Truncate(0)
	if err == nil && text != "" {
		_, err = f.WriteAt([]byte(text), 0)
	}
	return errors.Join(err, f.Close())
}

// holder returns the number that the LOCK file notes, or 0.
func holder(fs disk.FS, dir string) int {
	f, err := fs.Open(filepath.Join(dir, lockFile))
	if err != nil {
		return 0
	}
	var b [20]byte
	n, _ := f.ReadAt(b[:], 0) // io.EOF most of the time
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if errors.Join(err, f.Close()) != nil || pid < 0 {
		return 0
	}
	return pid
}
