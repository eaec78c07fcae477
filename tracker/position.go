package tracker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// ErrPosition says that a file holds no position, though it is not empty.
var ErrPosition = errors.New("tracker: the file holds no position")

// Position keeps an id in a file: everything below it is complete. What was
// written survives the death of the process, not that of the machine: the file
// is not synced.
//
// The file has two records of 24 bytes, little-endian: a number that rises with
// every write, the id, the CRC32C of both, and four zeros. Writes take turns, so
// that one of them is whole whenever the writer dies.
type Position struct {
	f       *os.File
	version uint64
	id      uint64
	known   bool
}

const positionRecord = 24

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenPosition opens the file, making it if need be. The error wraps ErrPosition
// if there is something else in it.
func OpenPosition(path string) (*Position, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("tracker: position: %w", err)
	}
	p := &Position{f: f}
	if err := p.read(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

func (p *Position) read() error {
	b, err := io.ReadAll(io.LimitReader(p.f, 2*positionRecord))
	if err != nil {
		return fmt.Errorf("tracker: position: %w", err)
	}
	for at := 0; at+positionRecord <= len(b); at += positionRecord {
		r := b[at : at+positionRecord]
		version := binary.LittleEndian.Uint64(r)
		if binary.LittleEndian.Uint32(r[16:]) == crc32.Checksum(r[:16], castagnoli) && version > p.version {
			p.version, p.id, p.known = version, binary.LittleEndian.Uint64(r[8:]), true
		}
	}
	if !p.known && len(b) >= positionRecord {
		return fmt.Errorf("%w: %s", ErrPosition, p.f.Name())
	}
	return nil
}

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

// Close closes the file.
func (p *Position) Close() error { return p.f.Close() }
