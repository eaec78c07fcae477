package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"
)

// Version is the version of a store that this program makes, and the last that it knows.
const Version = 1

// The STORE file, little-endian. A later version may be longer, but begins like this.
const (
	magic    = "ardstore"
	fileSize = 64

	atVersion  = 8  // u32
	atStore    = 16 // u64
	atCreated  = 24 // i64
	atChecksum = 60 // u32, CRC-32C of all before it; what is between is zero
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

// Identity is what a store is.
type Identity struct {
	Store   uint64 // random, not 0
	Created int64  // ns since 1970
}

// New returns the identity of a new store: a random number and the time.
func New(now time.Time) Identity {
	var b [8]byte
	for le.Uint64(b[:]) == 0 {
		_, _ = rand.Read(b[:]) // it never fails
	}
	return Identity{Store: le.Uint64(b[:]), Created: now.UnixNano()}
}

func (id Identity) file() []byte {
	var f [fileSize]byte
	copy(f[:], magic)
	le.PutUint32(f[atVersion:], Version)
	le.PutUint64(f[atStore:], id.Store)
	le.PutUint64(f[atCreated:], uint64(id.Created))
	le.PutUint32(f[atChecksum:], checksum(f[:]))
	return f[:]
}

func checksum(b []byte) uint32 { return crc32.Checksum(b[:atChecksum], castagnoli) }

// parse reads a STORE file, of which b are the first bytes and size is the length.
func parse(dir string, b []byte, size int64) (Identity, error) {
	bad := func(reason string) (Identity, error) {
		return Identity{}, fmt.Errorf("%w: %s: %s", ErrDamaged, dir, reason)
	}
	switch {
	case len(b) < fileSize:
		return bad(fmt.Sprintf("it has %d bytes, want %d", len(b), fileSize))
	case !bytes.HasPrefix(b, []byte(magic)):
		return bad("it does not begin as it should")
	case checksum(b) != le.Uint32(b[atChecksum:]):
		return bad("the checksum is wrong")
	}
	version := le.Uint32(b[atVersion:])
	id := Identity{Store: le.Uint64(b[atStore:]), Created: int64(le.Uint64(b[atCreated:]))}
	switch {
	case version > Version:
		return Identity{}, &VersionError{Dir: dir, Version: version}
	case version == 0 || id.Store == 0 || size != fileSize || !bytes.Equal(id.file(), b):
		return bad("no version has written it like this")
	}
	return id, nil
}
