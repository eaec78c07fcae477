package wire

import (
	"encoding/binary"
	"errors"
)

// ErrAnchors says that edge or roots of a tuple cannot be parsed.
var ErrAnchors = errors.New("wire: malformed edge or roots of a tuple")

// AnchorSize is the room that OwnRoots.Put and PutAnchor need, in bytes: an edge and one root take no more.
const AnchorSize = KeyHashSize + 2 + 1 + binary.MaxVarintLen32 + 1 + binary.MaxVarintLen64

// NextEdge returns the edge of the copy that follows the one with edge e. A
// tuple has as many copies as tasks get it, a number that the plan fixes: the
// emitter writes the edge of the first, and the stream manager writes those of
// the others as it makes them. (Where there is one copy, see OwnEdge.) It is a permutation of the 64-bit numbers (a step
// of SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
func NextEdge(e uint64) uint64 {
	e += 0x9e3779b97f4a7c15
	e = (e ^ e>>30) * 0xbf58476d1ce4e5b9
	e = (e ^ e>>27) * 0x94d049bb133111eb
	return e ^ e>>31
}

// EdgeSum returns the exclusive or of the edges of a tuple's copies, of which
// there are 1 or more and e is the first: what the spout's tracker waits for.
func EdgeSum(e uint64, copies int) uint64 {
	sum := e
	for ; copies > 1; copies-- {
		e = NextEdge(e)
		sum ^= e
	}
	return sum
}

// Anchors returns a tuple's edge and its roots, as the bytes of their fields one
// behind the other, for NextRoot, and the offset of what follows them. The edge
// is 0 where the tuple carries none: then it is OwnEdge of the first root. It borrows
// tuple unless the fields stand in another order than Ardea's: then the roots are
// a copy and values is 0. A tuple that nobody tracks has no roots. The error is ErrAnchors.
func Anchors(tuple []byte) (edge uint64, roots []byte, values int, err error) {
	off := 0
	for off+KeyHashSize <= len(tuple) && tuple[off] == tagKeyHash {
		off += KeyHashSize
	}
	if off+KeyHashSize <= len(tuple) && tuple[off] == tagEdge {
		edge = binary.LittleEndian.Uint64(tuple[off+1:])
		off += KeyHashSize
	}
	first := off
	for off+1 < len(tuple) && tuple[off] == tagRoot && tuple[off+1] < 0x80 {
		off += 2 + int(tuple[off+1])
	}
	if off > len(tuple) {
		return 0, nil, 0, ErrAnchors
	}
	if off == first || off < len(tuple) && tuple[off] != tagValue { // the edge may follow
		return slowAnchors(tuple)
	}
	return edge, tuple[first:off:off], off, nil
}

// slowAnchors finds edge and roots among fields in any order. As in any
// protobuf reader the last edge wins.
func slowAnchors(tuple []byte) (edge uint64, roots []byte, values int, err error) {
	for off := 0; off < len(tuple); {
		num, typ, val, next := nextField(tuple, off)
		if next < 0 {
			return 0, nil, 0, ErrAnchors
		}
		switch num<<3 | uint64(typ) {
		case tagEdge:
			edge = binary.LittleEndian.Uint64(tuple[val:])
		case tagRoot:
			roots = append(binary.AppendUvarint(append(roots, tagRoot), uint64(next-val)), tuple[val:next]...)
		}
		off = next
	}
	return edge, roots, 0, nil
}

// NextRoot reads the first of the roots that Anchors returned and returns what
// is left of them. A task of 0 stands for the one that the tuple's frame comes
// from. The error is ErrAnchors; roots must not be empty.
func NextRoot(roots []byte) (task uint32, seq uint64, rest []byte, err error) {
	num, typ, val, end := nextField(roots, 0)
	if end < 0 || num<<3|uint64(typ) != tagRoot {
		return 0, 0, nil, ErrAnchors
	}
	m := roots[val:end]
	for off := 0; off < len(m); {
		num, typ, at, next := nextField(m, off)
		if next < 0 {
			return 0, 0, nil, ErrAnchors
		}
		u, _ := binary.Uvarint(m[at:next])
		switch num<<3 | uint64(typ) {
		case tagRootTask:
			task = uint32(u)
		case tagRootSeq:
			seq = u
		}
		off = next
	}
	return task, seq, roots[end:], nil
}

// OnlyRoot is NextRoot for the common case, of one root in the form that
// AppendRoot gives it. Where ok is false NextRoot must be asked.
func OnlyRoot(roots []byte) (task uint32, seq uint64, ok bool) {
	if len(roots) < 6 || int(roots[1])+2 != len(roots) || roots[2] != tagRootTask {
		return 0, 0, false
	}
	t, n := uint64(roots[3]), 1
	if t >= 0x80 {
		if t, n = binary.Uvarint(roots[3:]); n <= 0 {
			return 0, 0, false
		}
	}
	at := 3 + n
	if at+1 >= len(roots) || roots[at] != tagRootSeq {
		return 0, 0, false
	}
	seq, n = binary.Uvarint(roots[at+1:])
	return uint32(t), seq, n > 0 && at+1+n == len(roots)
}

// AppendEdge appends an edge to a tuple that has its key hashes and nothing else.
func AppendEdge(dst []byte, edge uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, tagEdge), edge)
}

// AppendRoot appends a root to a tuple that has its edge, or to a list of roots.
// A task of 0, which takes no bytes, stands for the one that sends the tuple.
func AppendRoot(dst []byte, task uint32, seq uint64) []byte {
	n := 1 + uvarintLen(seq)
	if task == 0 {
		dst = append(dst, tagRoot, byte(n))
	} else {
		dst = append(dst, tagRoot, byte(n+1+uvarintLen(uint64(task))), tagRootTask)
		dst = binary.AppendUvarint(dst, uint64(task))
	}
	return binary.AppendUvarint(append(dst, tagRootSeq), seq)
}

// ResolveRoots returns roots, in which a task of 0 stands for source, with that
// task in its place: roots itself if it has none, else it appends them to dst.
// The error is ErrAnchors.
func ResolveRoots(dst, roots []byte, source uint32) ([]byte, error) {
	relative := false
	for rest := roots; len(rest) > 0; {
		task, seq, next, err := NextRoot(rest)
		if err != nil {
			return nil, err
		}
		if task == 0 {
			task, relative = source, true
		}
		dst, rest = AppendRoot(dst, task, seq), next
	}
	if !relative {
		return roots, nil
	}
	return dst, nil
}

// PutAnchor is OwnRoots.Put with an edge, and with roots as AppendRoot makes them. It
// returns 0 where they are longer than AnchorSize leaves room for.
func PutAnchor(dst *[ShortRecord]byte, w int, edge uint64, roots []byte) int {
	b := (*[AnchorSize]byte)(dst[w:])
	if len(roots) > len(b)-KeyHashSize {
		return 0
	}
	b[0] = tagEdge
	binary.LittleEndian.PutUint64(b[1:], edge)
	return w + KeyHashSize + copy(b[KeyHashSize:], roots)
}

// NextEdges replaces the edge of every tuple of a data body by the edge of the
// next copy, in place. Tuples without an edge stay as they are. The error is
// ErrRecord or ErrAnchors, and then some edges were replaced.
func NextEdges(body []byte) error {
	for off := 0; off < len(body); {
		tuple, end, ok := NextRecord(body, off)
		if !ok {
			return ErrRecord
		}
		if err := nextEdge(body[tuple:end]); err != nil {
			return err
		}
		off = end
	}
	return nil
}

func nextEdge(tuple []byte) error {
	off := 0
	for off+KeyHashSize <= len(tuple) && tuple[off] == tagKeyHash {
		off += KeyHashSize
	}
	if off+KeyHashSize <= len(tuple) && tuple[off] == tagEdge {
		e := binary.LittleEndian.Uint64(tuple[off+1:])
		binary.LittleEndian.PutUint64(tuple[off+1:], NextEdge(e))
		return nil
	}
	for at := 0; at < len(tuple); {
		num, typ, val, next := nextField(tuple, at)
		if next < 0 {
			return ErrAnchors
		}
		if num<<3|uint64(typ) == tagEdge {
			e := binary.LittleEndian.Uint64(tuple[val:])
			binary.LittleEndian.PutUint64(tuple[val:], NextEdge(e))
		}
		at = next
	}
	return nil
}
