package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

const (
	// ShortRecord is the length of the longest record that PutShort writes: a
	// tag, a length of one byte, and a tuple of 127 bytes.
	ShortRecord = 2 + 127

	// MaxShortHashes is the most key hashes that the record of a short tuple has.
	MaxShortHashes = 8
)

// PutShort writes the record of a short tuple to the front of dst and returns
// the record's length. It does in one pass what Measure, AppendRecordHeader,
// AppendKeyHashes and AppendValue do in two, and writes the same bytes. The key
// hashes, MaxShortHashes at most, are left to PutKeyHash: their eight bytes hold
// whatever they held. So do the anchor bytes behind them, in which the caller
// has written edge and roots, see ShortAnchor. at, whose length is at least one
// more than that of values, gets where the entries lie: entry i is
// dst[at[i]:at[i+1]].
//
// It returns 0, having scribbled over dst, when the tuple is not short or a
// value is not valid; the other functions tell which.
func PutShort(dst *[ShortRecord]byte, hashes, anchor int, values []Value, at []int) int {
	if hashes > MaxShortHashes {
		return 0
	}
	at = at[:len(values)+1]
	w := 2
	for range hashes {
		dst[w] = tagKeyHash
		w += KeyHashSize
	}
	w += anchor
	for i := range values {
		v := &values[i]
		at[i] = w
		if v.typ != TypeString || len(v.str) > maxWord || w > ShortRecord-wordEntry {
			if w = putShortValue(dst, w, v); w == 0 {
				return 0
			}
			continue
		}
		if !putWord((*[wordEntry]byte)(dst[w:]), v.str) && !utf8.ValidString(v.str) {
			return 0
		}
		w += 4 + len(v.str)
	}
	at[len(values)] = w
	dst[0], dst[1] = tagRecord, byte(w-2)
	return w
}

// ShortAnchor is where edge and roots stand in the record of a short tuple.
func ShortAnchor(hashes int) int { return 2 + KeyHashSize*hashes }

const (
	maxWord   = 16          // length of the longest string that putWord takes
	wordEntry = 4 + maxWord // and of its entry

	// nonASCII has the bit of every byte set that ASCII leaves clear.
	nonASCII = 0x8080808080808080
)

// putWord writes the entry of a string of up to maxWord bytes to e, of which it
// may scribble over the rest, and reports whether all of the string is ASCII.
// It goes by machine words, of which the last overlaps the one before: for a
// word of a language that is much faster than a check and a copy.
func putWord(e *[wordEntry]byte, s string) (ascii bool) {
	n := len(s)
	head := tagValue | uint64(n+2)<<8 | tagStr<<16 | uint64(n)<<24
	var first uint64 // bytes of s
	switch {
	case n >= 8:
		first, last := load64(s, 0), load64(s, n-8)
		binary.LittleEndian.PutUint64(e[:], head|first<<32)
		binary.LittleEndian.PutUint32(e[8:], uint32(first>>32))
		binary.LittleEndian.PutUint64(e[(n-4)&15:], last)
		return (first|last)&nonASCII == 0
	case n >= 4:
		first = uint64(load32(s, 0)) | uint64(load32(s, n-4))<<(8*(n-4)&63)
	case n > 0:
		first = uint64(s[0]) | uint64(s[n/2])<<(n/2*8&63) | uint64(s[n-1])<<(8*(n-1)&63)
	}
	binary.LittleEndian.PutUint64(e[:], head|first<<32)
	binary.LittleEndian.PutUint32(e[8:], uint32(first>>32))
	return first&nonASCII == 0
}

// load64 reads eight bytes of s at i, which the compiler turns into one load.
func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load32(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// putShortValue writes an entry to dst[w:] and returns the offset behind it, 0
// when there is no room for it or the value is not valid.
func putShortValue(dst *[ShortRecord]byte, w int, v *Value) int {
	room := len(dst) - w
	switch v.typ {
	case TypeString, TypeBytes:
		n := len(v.str)
		if n > room-4 {
			return 0
		}
		tag := byte(tagRaw)
		if v.typ == TypeString {
			if !utf8.ValidString(v.str) {
				return 0
			}
			tag = tagStr
		}
		dst[w], dst[w+1], dst[w+2], dst[w+3] = tagValue, byte(n+2), tag, byte(n)
		copy(dst[w+4:], v.str)
		return w + 4 + n
	case TypeInt:
		if room < 3+binary.MaxVarintLen64 {
			return 0
		}
		n := putUvarint((*[binary.MaxVarintLen64]byte)(dst[w+3:]), zigzag(int64(v.num)))
		dst[w], dst[w+1], dst[w+2] = tagValue, byte(1+n), tagInt
		return w + 3 + n
	case TypeFloat, TypeTime:
		if room < 11 {
			return 0
		}
		tag := byte(tagFloat)
		if v.typ == TypeTime {
			tag = tagTime
		}
		dst[w], dst[w+1], dst[w+2] = tagValue, 9, tag
		binary.LittleEndian.PutUint64(dst[w+3:], v.num)
		return w + 11
	case TypeBool:
		if room < 4 {
			return 0
		}
		dst[w], dst[w+1], dst[w+2], dst[w+3] = tagValue, 2, tagFlag, byte(v.num)
		return w + 4
	case TypeNull:
		if room < 2 {
			return 0
		}
		dst[w], dst[w+1] = tagValue, 0
		return w + 2
	default:
		return 0
	}
}
