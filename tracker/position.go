package tracker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"syscall"
)

// ErrPosition says that a file holds no position, though it is not empty.
var ErrPosition = errors.New("tracker: the file holds no position")

// Position keeps two ids of a spout in a file: that below which everything is
// complete, and that below which everything was emitted. What was written
// survives the death of the process, not that of the machine: the file is not synced.
//
// The file has two records of 24 bytes, little-endian: a number that rises with
// every write, the id below which everything is complete, the CRC32C of both, and
// four zeros. Writes take turns, so that one of them is whole whenever the writer
// dies. Behind them stand 8 bytes, little-endian: the id below which everything was
// emitted, 0 if nothing was. They are mapped into memory, so that raising them is
// one store of an aligned word, which the kernel has at once, and needs no system
// call. A file that ends behind the records, as earlier versions wrote it, is one
// of a spout that has emitted nothing.
type Position struct {
	f       *os.File
	mapped  []byte
	version uint64
	id      uint64
	known   bool
}

const (
	positionRecord = 24
	positionEnd    = 2 * positionRecord // where the id stands below which everything was emitted
	positionSize   = positionEnd + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenPosition opens the file, making it if need be. The error wraps ErrPosition
// if there is something else in it.
func OpenPosition(path string) (*Position, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("tracker: position: %w", err)
	}
	p := &Position{f: f}
	size, err := p.read()
	if err == nil {
		err = p.mapEnd(size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// read reads the records and returns how much of the file there is, up to positionSize.
func (p *Position) read() (size int, err error) {
	b, err := io.ReadAll(io.LimitReader(p.f, positionSize))
	if err != nil {
		return 0, fmt.Errorf("tracker: position: %w", err)
	}
	for at := 0; at+positionRecord <= min(len(b), positionEnd); at += positionRecord {
		r := b[at : at+positionRecord]
		version := binary.LittleEndian.Uint64(r)
		if binary.LittleEndian.Uint32(r[16:]) == crc32.Checksum(r[:16], castagnoli) && version > p.version {
			p.version, p.id, p.known = version, binary.LittleEndian.Uint64(r[8:]), true
		}
	}
	if !p.known && !unwritten(b) {
		return 0, fmt.Errorf("%w: %s", ErrPosition, p.f.Name())
	}
	return len(b), nil
}

// unwritten reports whether a file without a whole record is one whose writer
// has died before the first was written.
func unwritten(b []byte) bool {
	if len(b) < positionSize {
		return len(b) < positionRecord
	}
	return len(bytes.Trim(b[positionRecord:positionEnd], "\x00")) == 0
}

// mapEnd maps the file. Its bytes are written before, so that they have their
// place on the disk and a store cannot fail.
func (p *Position) mapEnd(size int) error {
	if size < positionSize {
		if _, err := p.f.WriteAt(make([]byte, positionSize-positionEnd), positionEnd); err != nil {
			return fmt.Errorf("tracker: position: %w", err)
		}
	}
	b, err := syscall.Mmap(int(p.f.Fd()), 0, positionSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("tracker: position: map %s: %w", p.f.Name(), err)
	}
	p.mapped = b
	return nil
}

// Reach notes that an id was, or is about to be, emitted. It costs a load and,
// where the id is greater than all before, a store. The greatest id of all says nothing.
func (p *Position) Reach(id uint64) {
	if end := p.mapped[positionEnd:]; id >= binary.LittleEndian.Uint64(end) && id+1 != 0 {
		binary.LittleEndian.PutUint64(end, id+1)
	}
}

// End returns the least id above all that Reach was told, by whatever process; 0 if it was told none.
func (p *Position) End() uint64 { return binary.LittleEndian.Uint64(p.mapped[positionEnd:]) }

// Get returns the id that was set last, by whatever process. ok is false if none was.
func (p *Position) Get() (id uint64, ok bool) { return p.id, p.known }

// Set writes an id, unless it is there already.
func (p *Position) Set(id uint64) error {
	if p.known && id == p.id {
		return nil
	}
	var r [positionRecord]byte
	binary.LittleEndian.PutUint64(r[:], p.version+1)
	binary.LittleEndian.PutUint64(r[8:], id)
	binary.LittleEndian.PutUint32(r[16:], crc32.Checksum(r[:16], castagnoli))
	if _, err := p.f.WriteAt(r[:], int64(p.version%2)*positionRecord); err != nil {
		return fmt.Errorf("tracker: position: %w", err)
	}
	p.version, p.id, p.known = p.version+1, id, true
	return nil
}

// Close closes the file. Nothing may be called after it.
func (p *Position) Close() error {
	return errors.Join(syscall.Munmap(p.mapped), p.f.Close())
}
