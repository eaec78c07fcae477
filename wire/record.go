package wire

import (
	"encoding/binary"
)

// Tags of a batch and of a tuple: field number times eight, plus wire type.
const (
	tagRecord  = 1*8 + 2
	tagKeyHash = 1*8 + 1
	tagPacked  = 1*8 + 2 // key hashes in packed form, which Ardea never writes
	tagEdge    = 2*8 + 1
	tagRoot    = 3*8 + 2
	tagValue   = 4*8 + 2

	// KeyHashSize is the length of one key hash in a tuple, tag included.
	KeyHashSize = 9

	maxFieldNumber = 1<<29 - 1
)

// NextRecord returns the bounds of the record that starts at body[off], off
// being 0 to len(body): the record is body[off:end], its tuple body[tuple:end].
// ok is false at the end of the body (off == len(body)), where the bytes are no
// record or not all of one, and where the tuple is larger than MaxTuple.
func NextRecord(body []byte, off int) (tuple, end int, ok bool) {
	if off+2 > len(body) || body[off] != tagRecord {
		return 0, 0, false
	}
	n := int(body[off+1])
	tuple = off + 2
	if n >= 0x80 {
		n, tuple = longLength(body, off+1)
	}
	end = tuple + n
	return tuple, end, n >= 0 && end <= len(body)
}

// SmallRecord is the length up to which SmallKeyed reads records.
const SmallRecord = 32

// SmallKeyed reads the record at body[off] if it is at most SmallRecord bytes
// long, stands that far from the end of body, and its tuple begins with a key
// hash: NextRecord and KeyHash(tuple, 0) in one step, for loops in which a call
// counts. Where ok is false those two must be asked.
func SmallKeyed(body []byte, off int) (end int, hash uint64, ok bool) {
	if off+SmallRecord > len(body) {
		return 0, 0, false
	}
	head := binary.LittleEndian.Uint64(body[off:])
	n := int(head >> 8 & 0xff)
	ok = head&0xff00ff == tagKeyHash<<16|tagRecord && uint(n-KeyHashSize) <= SmallRecord-2-KeyHashSize
	return off + 2 + n, binary.LittleEndian.Uint64(body[off+3:]), ok
}

// longLength reads a varint of two or more bytes at body[off] and returns it
// with the offset behind it; it is -1 where there is none or it exceeds MaxTuple.
func longLength(body []byte, off int) (n, next int) {
	u, w := binary.Uvarint(body[off:])
	if w <= 0 || u > MaxTuple {
		return -1, off
	}
	return int(u), off + w
}

// CountRecords walks the records of a data body, without looking into the
// tuples, and returns how many there are. ok is false when the body is not a
// concatenation of records.
func CountRecords(body []byte) (n int, ok bool) {
	off := 0
	for ; off < len(body); n++ {
		_, end, good := NextRecord(body, off)
		if !good {
			return n, false
		}
		off = end
	}
	return n, true
}

// AppendRecordHeader appends the tag and length of a record whose tuple is size bytes long.
func AppendRecordHeader(dst []byte, size int) []byte {
	if size < 0x80 {
		return append(dst, tagRecord, byte(size))
	}
	return binary.AppendUvarint(append(dst, tagRecord), uint64(size))
}

// RecordSize returns the length of a record whose tuple is size bytes long.
func RecordSize(size int) int { return 1 + uvarintLen(uint64(size)) + size }

// AppendKeyHashes appends n key hashes of zero, to be set by PutKeyHash.
func AppendKeyHashes(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, tagKeyHash, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	return dst
}

// PutKeyHash sets the i-th key hash of a tuple that was begun with AppendKeyHashes.
func PutKeyHash(tuple []byte, i int, hash uint64) {
	binary.LittleEndian.PutUint64(tuple[KeyHashSize*i+1:], hash)
}

// KeyHash returns the i-th key hash of a tuple, i being 0 or more. ok is false
// when it has none.
func KeyHash(tuple []byte, i int) (hash uint64, ok bool) {
	at := KeyHashSize * i
	if at+KeyHashSize <= len(tuple) && onlyHashes(tuple, i) {
		return binary.LittleEndian.Uint64(tuple[at+1:]), true
	}
	return slowKeyHash(tuple, i)
}

// onlyHashes reports whether the tuple begins with i+1 key hashes. It must be
// long enough for them.
func onlyHashes(tuple []byte, i int) bool {
	for ; i > 0; i-- {
		if tuple[KeyHashSize*i] != tagKeyHash {
			return false
		}
	}
	return tuple[0] == tagKeyHash
}

// slowKeyHash finds the i-th key hash in a tuple whose fields stand in any
// order. Like any protobuf reader it takes the packed form as well.
func slowKeyHash(tuple []byte, i int) (hash uint64, ok bool) {
	for off := 0; off < len(tuple); {
		num, typ, val, next := nextField(tuple, off)
		if next < 0 {
			return 0, false
		}
		switch num<<3 | uint64(typ) {
		case tagKeyHash:
			if i == 0 {
				return binary.LittleEndian.Uint64(tuple[val:]), true
			}
			i--
		case tagPacked:
			n := (next - val) / 8
			if i < n {
				return binary.LittleEndian.Uint64(tuple[val+8*i:]), true
			}
			i -= n
		}
		off = next
	}
	return 0, false
}

// nextField reads the protobuf field at b[off], off being less than len(b): its
// number, wire type, the offset of its value (behind the length, for type 2),
// and the offset of the next field, which is -1 when the bytes are malformed.
// Groups, which proto3 does not have, count as malformed.
func nextField(b []byte, off int) (num uint64, typ byte, val, next int) {
	tag := uint64(b[off])
	val = off + 1
	if tag >= 0x80 {
		var w int
		if tag, w = binary.Uvarint(b[off:]); w <= 0 {
			return 0, 0, 0, -1
		}
		val = off + w
	}
	num, typ = tag>>3, byte(tag&7)
	if num == 0 || num > maxFieldNumber {
		return 0, 0, 0, -1
	}
	switch typ {
	case 0:
		_, w := binary.Uvarint(b[val:])
		if w <= 0 {
			return 0, 0, 0, -1
		}
		next = val + w
	case 1:
		next = val + 8
	case 2:
		n, w := binary.Uvarint(b[val:])
		if w <= 0 || n > uint64(len(b)) {
			return 0, 0, 0, -1
		}
		val += w
		next = val + int(n)
	case 5:
		next = val + 4
	default:
		return 0, 0, 0, -1
	}
	if next > len(b) {
		return 0, 0, 0, -1
	}
	return num, typ, val, next
}

// CheckBatch walks a data body and every field in it and returns its number of
// tuples. It returns ErrRecord when the body is not a concatenation of records
// whose fields parse. What it accepts any protobuf library reads as a
// TupleBatch, provided that the strings are valid UTF-8, which it does not
// check; what it refuses may be legal protobuf all the same if it holds groups,
// other fields than tuples, or a tuple beyond MaxTuple.
//
// Nobody has to call it before the other functions: those never panic and
// take malformed bytes for the end of a tuple.
func CheckBatch(body []byte) (tuples int, err error) {
	for off := 0; off < len(body); tuples++ {
		tuple, end, ok := NextRecord(body, off)
		if !ok || !validTuple(body[tuple:end]) {
			return tuples, ErrRecord
		}
		off = end
	}
	return tuples, nil
}

func validTuple(b []byte) bool {
	for off := 0; off < len(b); {
		num, typ, val, next := nextField(b, off)
		if next < 0 {
			return false
		}
		switch num<<3 | uint64(typ) {
		case tagPacked:
			if (next-val)%8 != 0 {
				return false
			}
		case tagRoot, tagValue:
			if !validMessage(b[val:next]) {
				return false
			}
		}
		off = next
	}
	return true
}

func validMessage(b []byte) bool {
	for off := 0; off < len(b); {
		if _, _, _, off = nextField(b, off); off < 0 {
			return false
		}
	}
	return true
}
