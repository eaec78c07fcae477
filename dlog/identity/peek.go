package identity

import (
	"errors"
	"io"
	"path/filepath"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// Peek takes the lock of a store for who wants to look at it, and writes nothing, neither into the lock nor elsewhere.
// While the lock is held nobody opens the store. ErrHeld says that somebody has it open. What is wrong with the STORE file
// is returned as notStore, with the lock: it is for the caller to say whether there is more to look at.
func Peek(fs disk.FS, dir string) (id Identity, lock io.Closer, notStore, err error) {
	lock, err = fs.Lock(filepath.Join(dir, lockFile))
	if errors.Is(err, disk.ErrLocked) {
		return id, nil, nil, &HeldError{Dir: dir, PID: holder(fs, dir)}
	}
	if err != nil {
		return id, nil, nil, err
	}
	id, notStore = read(fs, dir)
	return id, lock, notStore, nil
}
