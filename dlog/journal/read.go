package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Read returns the entry at a position that an appender was told, with a payload that the caller owns. It opens the file
// and reads the entry alone: it is for tools and for looking up few entries. It works until the journal is closed, also
// when the disk is full or the journal has stopped.
func (j *Journal) Read(at Position) (_ Entry, err error) {
	if at >= j.Synced() {
		return Entry{}, fmt.Errorf("journal: %v is not synced", at)
	}
	path := fileName(j.o.Dir, at.File(), extJournal)
	f, err := j.o.FS.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, fmt.Errorf("%w: %v", ErrReleased, at)
	}
	if err != nil {
		return Entry{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sector := make([]byte, firstRecord)
	if err := readFull(f, sector, 0); err != nil {
		return Entry{}, err
	}
	h, err := parseHeader(sector)
	if err != nil {
		return Entry{}, &CorruptError{File: path, Err: err}
	}
	return readRecord(f, path, &h, at)
}

// readRecord reads a record, whose length it has to believe before it can verify it.
func readRecord(f io.ReaderAt, path string, h *header, at Position) (Entry, error) {
	corrupt := &CorruptError{File: path, Offset: int64(at.Offset()), Err: errRecord}
	b := make([]byte, recordHeader)
	if at.Offset() < firstRecord || uint64(at.Offset())+markSize > uint64(h.size) {
		return Entry{}, fmt.Errorf("journal: %v is no position of an entry", at)
	}
	if err := readFull(f, b, int64(at.Offset())); err != nil {
		return Entry{}, err
	}
	length := binary.LittleEndian.Uint32(b[8:])
	if length > h.size || uint64(at.Offset())+uint64(recordSize(int(length))) > uint64(h.size) {
		return Entry{}, corrupt
	}
	b = make([]byte, recordSize(int(length)))
	if err := readFull(f, b, int64(at.Offset())); err != nil {
		return Entry{}, err
	}
	rd := reader{seed: h.seed(), number: h.number}
	rec, ok := rd.parse(b, at.Offset())
	if !ok || !intact(&rec, b) || rec.kind != kindEntry {
		return Entry{}, corrupt
	}
	return rec.Entry, nil
}

// readFull reads all of b, or returns an error.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	if n, err := f.ReadAt(b, off); n < len(b) {
		return err
	}
	return nil
}
