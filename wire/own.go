package wire

import (
	"encoding/binary"
	"math/bits"
)

// Most tuples are those of spouts of which one copy is made. Such a tuple has
// its sequence number for an anchor and nothing else: the task is the source of
// the frame that it comes in, and the edge follows from the number. The ack of a
// bolt that emits nothing for it is the number again, mostly in one byte.

// MaxSeq is the greatest sequence number that an ack can name.
const MaxSeq = 1<<62 - 1

// OwnEdge returns the edge of a tuple that carries none: the one copy of a
// spout's tuple with the sequence number seq, which is not 0. It need not be
// random, since a spout's task uses no sequence number twice and each has a
// word of its own: what cancels out by chance must have random edges in it, and
// those of all that descends from the tuple are. It is never zero, the factor being odd.
func OwnEdge(seq uint64) uint64 { return seq * 0x9e3779b97f4a7c15 }

// OwnRoots writes the anchors of a spout's tuples of which there is one copy. It
// remembers the bytes of the last number, which is mostly one less than the next.
// The zero OwnRoots is ready for use.
type OwnRoots struct {
	seq  uint64 // the last one
	next uint64 // the one behind it as a varint; a multiple of 128 if that is not known
	head uint32 // what stands in front of it
	size int    // of all, in bytes
}

// Put writes to dst[w:], where AnchorSize bytes must follow, what AppendRoot
// appends for task 0, by machine words. It returns the offset behind it.
func (r *OwnRoots) Put(dst *[ShortRecord]byte, w int, seq uint64) int {
	b := (*[AnchorSize]byte)(dst[w:])
	if seq != r.seq+1 || r.next&0x7f == 0 {
		if uvarintLen(seq) > 8 {
			*r = OwnRoots{}
			return w + len(AppendRoot(b[:0], 0, seq))
		}
		r.set(seq)
	}
	binary.LittleEndian.PutUint32(b[:], r.head)
	binary.LittleEndian.PutUint64(b[3:], r.next)
	r.seq = seq
	r.next++
	return w + r.size
}

func (r *OwnRoots) set(seq uint64) {
	u, n := spreadUvarint(seq)
	r.head, r.size, r.next = tagRoot|uint32(1+n)<<8|tagRootSeq<<16, 3+n, u
}

// ownRoom is how far OwnRecord looks, in bytes: a record with a key hash and a
// sequence number of eight bytes needs as much up to its values.
const ownRoom = 2 + KeyHashSize + 3 + 8

// OwnRecord is NextRecord and Anchors in one step for the common case: the
// record at body[off] is short, its tuple, body[off+2:end], has one key hash or
// none, no edge, and one root, itself, as OwnRoots writes it. body[values:end] is what
// follows. Where ok is false, as also near the end of body, those two must be asked.
func OwnRecord(body []byte, off int) (end, values int, seq uint64, ok bool) {
	if off+ownRoom > len(body) {
		return 0, 0, 0, false
	}
	b := body[off : off+ownRoom]
	end = off + 2 + int(b[1])
	at := 2
	if b[2] == tagKeyHash {
		at += KeyHashSize
	}
	head := binary.LittleEndian.Uint32(b[at:])
	n := uint(head>>8&0xff) - 1 // length of the sequence number
	v := binary.LittleEndian.Uint64(b[at+3:])
	more := ^v & nonASCII // of the last byte of a varint the upper bit is clear
	values = off + at + 3 + int(n)
	if b[0] != tagRecord || b[1] >= 0x80 || head&0xff00ff != tagRootSeq<<16|tagRoot || n-1 > 7 ||
		uint(bits.TrailingZeros64(more)>>3) != n-1 || end > len(body) || values >= end || body[values] != tagValue {
		return 0, 0, 0, false
	}
	v &= ^uint64(0) >> (64 - 8*n)
	return end, values, squeeze7(v) | squeeze7(v>>32)<<28, true
}
