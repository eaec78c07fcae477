package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"path/filepath"
)

// The format, version 1. docs/log-segments.md has the tables; change neither without a new version.
const (
	version     = 1
	magic       = "ardeaseg"
	footerMagic = "ardeaend"
	fileHeader  = 64  // bytes of the header
	dataStart   = 512 // position of the first batch: no block shares a sector with the header
	blockHeader = 56  // bytes of a block's header
	alignment   = 8   // blocks begin at multiples of it

	kindBatch  = 0xb1
	kindIndex  = 0xb2
	kindFooter = 0xb3

	footerPayload = 72
	footerSize    = blockHeader + footerPayload
	indexEntry    = 32 // bytes of an entry
	indexEvery    = 32 << 10
)

// MaxPayload is the number of bytes that a batch's payload may have: 256 MiB.
const MaxPayload = 256 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ID is what a file's header says. All but Created is checked when a file is opened.
type ID struct {
	Store   uint64 // random id of the store
	File    uint64 // id of the file, never used again in the store
	Log     uint64 // id of the log that the file was made for
	First   uint64 // offset of the first record, at most 1<<63-1
	Created int64  // nanoseconds since 1970
}

// FileName returns the path of a file in a folder.
func FileName(dir string, file uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x.segment", file))
}

// Mark is a place between two batches.
type Mark struct {
	Offset uint64 // of the next record
	At     int64  // position in the file
	TxID   int64  // of the batch before, math.MinInt64 if there is none in the file
	Time   int64  // of the batch before, likewise
}

// Start returns the place before the first batch of a file.
func (id ID) Start() Mark {
	return Mark{Offset: id.First, At: dataStart, TxID: math.MinInt64, Time: math.MinInt64}
}

// appendHeader appends the first dataStart bytes of a file.
func (id ID) appendHeader(b []byte) []byte {
	from, le := len(b), binary.LittleEndian
	b = append(b, magic...)
	b = le.AppendUint32(b, version)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, id.Store)
	b = le.AppendUint64(b, id.File)
	b = le.AppendUint64(b, id.Log)
	b = le.AppendUint64(b, id.First)
	b = le.AppendUint64(b, uint64(id.Created))
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
	return append(b, make([]byte, dataStart-fileHeader)...)
}

// parseHeader reads a header. Of one of another version it reads nothing else.
func parseHeader(b []byte) (ID, error) {
	le := binary.LittleEndian
	switch {
	case len(b) < dataStart:
		return ID{}, errFileEnds
	case allZero(b[:fileHeader]):
		return ID{}, errBlank
	case !bytes.HasPrefix(b, []byte(magic)):
		return ID{}, errMagic
	case le.Uint32(b[8:]) != version:
		return ID{}, fmt.Errorf("%w: %d", ErrVersion, le.Uint32(b[8:]))
	case le.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli):
		return ID{}, errHeader
	}
	return ID{
		Store: le.Uint64(b[16:]), File: le.Uint64(b[24:]), Log: le.Uint64(b[32:]), First: le.Uint64(b[40:]),
		Created: int64(le.Uint64(b[48:])),
	}, nil
}

// is says whether two ids are those of one file.
func (id ID) is(other ID) bool {
	other.Created = id.Created
	return id == other
}

// salt makes a block verify at one position of one file of one store only.
func (id *ID) salt(at int64) uint32 {
	return uint32(mix(mix(mix(id.Store)+id.File)+uint64(at)) >> 32)
}

// mix is the last step of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// blockSize returns how many bytes a block takes with a payload of n bytes.
func blockSize(n int) int { return (blockHeader + n + alignment - 1) &^ (alignment - 1) }

// Checksum returns the checksum of a payload for Writer.Put: its CRC32C, as the journal has it too.
func Checksum(payload []byte) uint32 { return crc32.Checksum(payload, castagnoli) }

// putBlock writes a block for a position. dst has blockSize bytes; the payload may stand in its place already. sum is its
// checksum.
func putBlock(dst []byte, id *ID, at int64, kind uint8, b *Batch, sum uint32) {
	le := binary.LittleEndian
	le.PutUint32(dst[4:], sum)
	le.PutUint32(dst[8:], uint32(len(b.Payload)))
	le.PutUint32(dst[12:], b.Count)
	dst[16], dst[17], dst[18], dst[19] = kind, b.Flags, b.Codec, 0
	le.PutUint32(dst[20:], 0)
	le.PutUint64(dst[24:], b.Epoch)
	le.PutUint64(dst[32:], b.First)
	le.PutUint64(dst[40:], uint64(b.TxID))
	le.PutUint64(dst[48:], uint64(b.Time))
	le.PutUint32(dst, crc32.Update(id.salt(at), castagnoli, dst[4:blockHeader]))
	clear(dst[blockHeader+copy(dst[blockHeader:], b.Payload):])
}
