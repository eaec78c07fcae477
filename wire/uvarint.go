package wire

import (
	"encoding/binary"
	"math/bits"
)

// Varints by machine words: those of up to eight bytes are one store or load and
// a few shifts. A loop takes a branch for each byte, and an instant in nanoseconds
// has eight of them.

// spreadUvarint returns the varint of u, which has at most 56 bits, as the low n bytes of a word.
func spreadUvarint(u uint64) (word uint64, n int) {
	n = uvarintLen(u)
	more := uint64(nonASCII) &^ (^uint64(0) << (8 * (n - 1) & 63)) // of all bytes but the last
	return spread7(u) | spread7(u>>28)<<32 | more, n
}

// putUvarint writes the varint of u to the front of dst, of which it may scribble
// over eight bytes, and returns its length.
func putUvarint(dst *[binary.MaxVarintLen64]byte, u uint64) int {
	if u>>56 != 0 {
		return binary.PutUvarint(dst[:], u)
	}
	word, n := spreadUvarint(u)
	binary.LittleEndian.PutUint64(dst[:], word)
	return n
}

// uvarint8 reads the varint at the front of b if it has up to eight bytes and as
// many can be read there. Otherwise it returns a length of 0.
func uvarint8(b []byte) (u uint64, n int) {
	if len(b) < 8 {
		return 0, 0
	}
	v := binary.LittleEndian.Uint64(b)
	last := bits.TrailingZeros64(^v & nonASCII) // of the last byte of a varint the upper bit is clear
	if last == 64 {
		return 0, 0
	}
	v &= ^uint64(0) >> (63 - last)
	return squeeze7(v) | squeeze7(v>>32)<<28, last>>3 + 1
}

// spread7 returns the low 28 bits of u as four bytes of seven bits.
func spread7(u uint64) uint64 {
	return u&0x7f | u<<1&0x7f00 | u<<2&0x7f0000 | u<<3&0x7f000000
}

// squeeze7 is the inverse of spread7.
func squeeze7(v uint64) uint64 {
	return v&0x7f | v>>1&0x3f80 | v>>2&0x1fc000 | v>>3&0xfe00000
}
