package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The format, version 1. docs/log.md has the tables; change neither without a new version.
const (
	version      = 1
	magic        = "ardeajnl"
	fileHeader   = 64  // bytes of a file's header
	firstRecord  = 512 // offset of the first record: no record shares a sector with the header
	recordHeader = 68  // bytes of a record's header
	alignment    = 8   // records begin at multiples of it
	markSize     = 72  // bytes of a mark, for which every file keeps room

	flagZeroed = 1 << 0 // what is behind the records was zero when the file was made

	kindEntry = 1
	kindMark  = 2 // the journal was closed here
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errMagic    = errors.New("not a file of a journal")
	errChecksum = errors.New("checksum differs")
	errRecord   = errors.New("no valid record where synced ones must be")
	errShort    = errors.New("file is shorter than it was made")
	errBounds   = errors.New("header has a size out of bounds")
)

// header is what stands at the beginning of a file.
type header struct {
	number  uint32
	journal uint64 // the same in all files of a journal
	salt    uint64
	size    uint32
	flags   uint32
	created int64 // nanoseconds since 1970
}

// appendTo appends the header's bytes.
func (h *header) appendTo(b []byte) []byte {
	from := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint32(b, h.number)
	b = binary.LittleEndian.AppendUint64(b, h.journal)
	b = binary.LittleEndian.AppendUint64(b, h.salt)
	b = binary.LittleEndian.AppendUint32(b, h.size)
	b = binary.LittleEndian.AppendUint32(b, h.flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.created))
	b = append(b, make([]byte, fileHeader-4-(len(b)-from))...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// parseHeader reads a header. A header of another version is not looked at any further.
func parseHeader(b []byte) (header, error) {
	var h header
	switch {
	case len(b) < firstRecord:
		return h, errShort
	case !bytes.HasPrefix(b, []byte(magic)):
		return h, errMagic
	case binary.LittleEndian.Uint32(b[8:]) != version:
		return h, fmt.Errorf("%w: %d", ErrVersion, binary.LittleEndian.Uint32(b[8:]))
	case binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli):
		return h, errChecksum
	}
	h.number = binary.LittleEndian.Uint32(b[12:])
	h.journal = binary.LittleEndian.Uint64(b[16:])
	h.salt = binary.LittleEndian.Uint64(b[24:])
	h.size = binary.LittleEndian.Uint32(b[32:])
	h.flags = binary.LittleEndian.Uint32(b[36:])
	h.created = int64(binary.LittleEndian.Uint64(b[40:]))
	if h.size < minFileSize || h.size > maxFileSize || h.number == 0 {
		return h, errBounds
	}
	return h, nil
}

// seed is the checksum of a file's salt and number, with which those of its records begin.
func (h *header) seed() uint32 {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[:], h.salt)
	binary.LittleEndian.PutUint32(b[8:], h.number)
	return crc32.Checksum(b[:], castagnoli)
}

// recordSize returns how many bytes a record takes with a payload of n bytes.
func recordSize(n int) int { return (recordHeader + n + alignment - 1) &^ (alignment - 1) }

// record is a record's header, and its payload if it was looked at.
type record struct {
	Entry

	kind   uint8
	size   uint32   // bytes that it takes in the file
	synced Position // all that the journal kept before it was synced when the record was written
}

// putRecord writes a record for an offset in the file that the seed is of. b has recordSize bytes. sum is the checksum
// of the payload alone.
func putRecord(b []byte, seed, offset uint32, kind uint8, synced Position, r *Entry, sum uint32) {
	le := binary.LittleEndian
	le.PutUint32(b, offset) // takes part in the checksum, whose place this is
	le.PutUint32(b[4:], sum)
	le.PutUint32(b[8:], uint32(len(r.Payload)))
	le.PutUint32(b[12:], r.Count)
	b[16], b[17], b[18], b[19] = kind, r.Flags, r.Codec, 0
	le.PutUint64(b[20:], uint64(synced))
	le.PutUint64(b[28:], r.Log)
	le.PutUint64(b[36:], r.Epoch)
	le.PutUint64(b[44:], r.First)
	le.PutUint64(b[52:], uint64(r.TxID))
	le.PutUint64(b[60:], uint64(r.Time))
	le.PutUint32(b, crc32.Update(seed, castagnoli, b[:recordHeader]))
	clear(b[recordHeader+copy(b[recordHeader:], r.Payload):])
}

// reader reads the records of one file, whose bytes it has, from some offset on.
type reader struct {
	data    []byte
	base    uint32 // offset of data
	seed    uint32
	number  uint32
	scratch [recordHeader]byte
}

// header returns the record at an offset if its header is valid. It does not look at the payload.
func (r *reader) header(offset uint32) (record, bool) {
	at := offset - r.base
	if offset%alignment != 0 || uint64(at)+recordHeader > uint64(len(r.data)) || !likely(r.data[at:]) {
		return record{}, false
	}
	return r.parse(r.data[at:], offset)
}

// likely says whether b may begin with a record. Most bytes that are no record are refused by it.
func likely(b []byte) bool {
	return (b[16] == kindEntry || b[16] == kindMark) && b[19] == 0
}

// record returns the record at an offset if all of it is valid. Its payload is a part of the reader's bytes.
func (r *reader) record(offset uint32) (record, bool) {
	rec, ok := r.header(offset)
	if !ok || !intact(&rec, r.data[offset-r.base:]) {
		return record{}, false
	}
	return rec, true
}

// intact says whether a record's payload is the one that its header was made for.
func intact(rec *record, b []byte) bool {
	return crc32.Checksum(rec.Payload, castagnoli) == binary.LittleEndian.Uint32(b[4:])
}

// parse returns the record at the beginning of b, which has a header's bytes at least and stands at an offset of the
// file, if its header is valid and b has its payload.
func (r *reader) parse(b []byte, offset uint32) (record, bool) {
	rec, length, ok := r.head(b, offset)
	if !ok || int(rec.size) > len(b) {
		return record{}, false
	}
	rec.Payload = b[recordHeader : recordHeader+length : recordHeader+length]
	return rec, true
}

// head is parse for b that may end behind the header. It returns the length of the payload, which is not in the record.
func (r *reader) head(b []byte, offset uint32) (rec record, length int, ok bool) {
	if !likely(b) {
		return rec, 0, false
	}
	le := binary.LittleEndian
	le.PutUint32(r.scratch[:], offset)
	copy(r.scratch[4:], b[4:recordHeader])
	if crc32.Update(r.seed, castagnoli, r.scratch[:]) != le.Uint32(b) {
		return rec, 0, false
	}
	if length = int(le.Uint32(b[8:])); length > maxFileSize {
		return rec, 0, false
	}
	rec = record{kind: b[16], size: uint32(recordSize(length)), synced: Position(le.Uint64(b[20:]))}
	rec.Entry = Entry{
		Log: le.Uint64(b[28:]), Epoch: le.Uint64(b[36:]), First: le.Uint64(b[44:]), Count: le.Uint32(b[12:]),
		TxID: int64(le.Uint64(b[52:])), Time: int64(le.Uint64(b[60:])), Flags: b[17], Codec: b[18],
	}
	return rec, length, rec.synced <= position(r.number, offset)
}
