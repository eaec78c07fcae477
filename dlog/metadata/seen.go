package metadata

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// The file that notes how many transactions there are, safely, before the last of them is acknowledged. Pebble takes a
// damaged end of its log or manifest for one that a power failure has torn, and a folder without a marker for an empty
// one: with this the loss is noticed. There are two rows, each in a sector of its own and written in turn, so that one is
// whole whatever becomes of a write.
const (
	seenFile  = "SEEN"
	seenNew   = "SEEN.new"
	seenSlots = 2
	seenRow   = rowOverhead + sizeNumber // bytes
)

var seenKey = []byte(seenFile)

// seen is the open file.
type seen struct {
	file disk.File
	n    uint64 // transactions that it notes
}

// readSeen returns the number of transactions that were noted, if the file is there.
func readSeen(from disk.FS, dir string) (n uint64, ok bool, err error) {
	path := filepath.Join(dir, seenFile)
	b, err := readWhole(from, path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err == nil {
		n, err = newest(b)
	}
	if err != nil {
		return 0, false, fmt.Errorf("%s: %w", path, err)
	}
	return n, true, nil
}

// newest returns the greater number of the file's rows, or an error when none is whole.
func newest(b []byte) (n uint64, err error) {
	whole := false
	for slot := range seenSlots {
		at := min(slot*disk.Sector, len(b))
		v, parseErr := parseNumber(seenKey, b[at:min(at+seenRow, len(b))])
		if parseErr != nil {
			err = parseErr
			continue
		}
		n, whole = max(n, v), true
	}
	if whole {
		return n, nil
	}
	return 0, err
}

// makeSeen puts a new file in place and returns it open.
func makeSeen(to disk.FS, dir string, n uint64) (seen, error) {
	made := filepath.Join(dir, seenNew)
	if err := to.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return seen{}, err
	}
	f, err := to.Create(made)
	if err != nil {
		return seen{}, err
	}
	s := seen{file: f}
	for slot := range uint64(seenSlots) {
		if err == nil {
			err = s.write(slot, n)
		}
	}
	if err == nil {
		err = s.file.SyncData()
	}
	if err == nil {
		err = to.Rename(made, filepath.Join(dir, seenFile))
	}
	if err == nil {
		err = to.SyncDir(dir)
	}
	if err != nil {
		return seen{}, errors.Join(err, f.Close())
	}
	s.n = n
	return s, nil
}

// openSeen returns the file, which holds n, made anew if it is not there or does not hold that.
func openSeen(in disk.FS, dir string, n, noted uint64, exists bool) (seen, error) {
	if !exists || n != noted {
		return makeSeen(in, dir, n)
	}
	f, err := in.Open(filepath.Join(dir, seenFile))
	return seen{file: f, n: n}, err
}

// note makes it safe that there are n transactions. It must not be called again after an error.
func (s *seen) note(n uint64) error {
	if err := s.write(n%seenSlots, n); err != nil {
		return err
	}
	s.n = n
	return s.file.SyncData()
}

func (s *seen) write(slot, n uint64) error {
	row := make([]byte, disk.Sector)
	copy(row, numberRow(seenKey, n))
	_, err := s.file.WriteAt(row, int64(slot)*disk.Sector) //nolint:gosec // 0 or 1
	return err
}
