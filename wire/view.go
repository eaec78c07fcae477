package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// cachedFields is the number of field offsets that a Record remembers; later
// fields are found by walking.
const cachedFields = 12

// Record is a view over one encoded tuple. Fields are found when asked for;
// nothing is decoded before. A Record borrows its bytes: it is valid until the
// buffer behind it is reused, and it is for one goroutine at a time.
//
// Where the bytes are malformed the tuple ends: fields from there on do not exist.
type Record struct {
	buf  []byte
	seen int // entries whose ends are known
	// at[i] is where to look for entry i, for i up to seen: the end of the
	// entry before, behind the key hashes and the edge for i = 0.
	at [cachedFields + 1]uint32
}

// Reset makes the record a view over tuple, which it borrows.
func (r *Record) Reset(tuple []byte) {
	r.buf, r.seen = tuple, 0
	off := 0
	for off+KeyHashSize <= len(tuple) && (tuple[off] == tagKeyHash || tuple[off] == tagEdge) {
		off += KeyHashSize
	}
	r.at[0] = uint32(off)
}

// ResetValues is Reset for a tuple of which the caller knows where the values
// begin, such as from Anchors; 0 says that it does not.
func (r *Record) ResetValues(tuple []byte, values int) {
	r.buf, r.seen = tuple, 0
	r.at[0] = uint32(values)
}

// Raw returns the tuple's bytes, borrowed.
func (r *Record) Raw() []byte { return r.buf }

// Len returns the number of fields, walking those not yet seen.
func (r *Record) Len() int {
	n := r.seen
	for off := r.at[n]; ; n++ {
		_, end, ok := r.entryFrom(off)
		if !ok {
			return n
		}
		off = end
		r.learn(n, end)
	}
}

// learn remembers that entry i ends at end, if all before it are known.
func (r *Record) learn(i int, end uint32) {
	if i == r.seen && i < cachedFields {
		r.seen = i + 1
		r.at[r.seen] = end
	}
}

// short returns the bytes from entry i on, if it is known where that begins and
// it is a value of up to 127 bytes. Otherwise it returns nil.
func (r *Record) short(i int) []byte {
	if uint(i) > uint(r.seen) || i > cachedFields {
		return nil
	}
	b := r.buf[r.at[i]:]
	if len(b) < 4 || b[0] != tagValue || b[1] >= 0x80 || int(b[1])+2 > len(b) {
		return nil
	}
	return b
}

// entryFrom returns the bounds of the first Value message at or behind off.
func (r *Record) entryFrom(off uint32) (start, end uint32, ok bool) {
	b := r.buf
	for int(off) < len(b) {
		if int(off)+1 < len(b) && b[off] == tagValue && b[off+1] < 0x80 {
			end = off + 2 + uint32(b[off+1])
			return off + 2, end, int(end) <= len(b)
		}
		num, typ, val, next := nextField(b, int(off))
		if next < 0 {
			return 0, 0, false
		}
		if num<<3|uint64(typ) == tagValue {
			return uint32(val), uint32(next), true
		}
		off = uint32(next)
	}
	return 0, 0, false
}

// value returns the i-th Value message.
func (r *Record) value(i int) ([]byte, bool) {
	if i < 0 {
		return nil, false
	}
	n := min(i, r.seen)
	for off := r.at[n]; ; n++ {
		start, end, ok := r.entryFrom(off)
		if !ok {
			return nil, false
		}
		r.learn(n, end)
		if n == i {
			return r.buf[start:end:end], true
		}
		off = end
	}
}

// decodeKind returns a Value message's type and the bytes of its content: the
// varint, the eight bytes, or the string itself. As in any protobuf reader the
// last of several kinds wins and unknown fields are passed over.
func decodeKind(v []byte) (t Type, content []byte) {
	for off := 0; off < len(v); {
		num, typ, val, next := nextField(v, off)
		if next < 0 {
			return t, content
		}
		if kind := typeOf(num<<3 | uint64(typ)); kind != TypeNull {
			t, content = kind, v[val:next:next]
		}
		off = next
	}
	return t, content
}

// typeOf returns the type that a tag of a Value message stands for; TypeNull
// for those of unknown fields.
func typeOf(tag uint64) Type {
	switch tag {
	case tagInt:
		return TypeInt
	case tagFloat:
		return TypeFloat
	case tagStr:
		return TypeString
	case tagRaw:
		return TypeBytes
	case tagFlag:
		return TypeBool
	case tagTime:
		return TypeTime
	}
	return TypeNull
}

// Type returns the type of field i, or a *FieldError.
func (r *Record) Type(i int) (Type, error) {
	v, ok := r.value(i)
	if !ok {
		return TypeNull, &FieldError{Field: i, Fields: r.Len()}
	}
	t, _ := decodeKind(v)
	return t, nil
}

// content returns field i's bytes if it has type want.
func (r *Record) content(i int, want Type) ([]byte, error) {
	v, ok := r.value(i)
	if !ok {
		return nil, &FieldError{Field: i, Fields: r.Len()}
	}
	t, c := decodeKind(v)
	if t != want && (want != TypeBytes || t != TypeString) {
		return nil, &TypeError{Field: i, Want: want, Have: t}
	}
	return c, nil
}

// Bytes returns the bytes of field i, a string or bytes, borrowed from the
// receive buffer: copy what must outlive the call that handed out the record.
// Its capacity is its length, so that appending to it copies. It returns a
// *FieldError or a *TypeError, as all accessors do.
func (r *Record) Bytes(i int) ([]byte, error) {
	if b := r.short(i); b != nil && (b[2] == tagStr || b[2] == tagRaw) && int(b[1]) == int(b[3])+2 {
		n := 4 + int(b[3])
		r.learn(i, r.at[i]+uint32(n))
		return b[4:n:n], nil
	}
	return r.content(i, TypeBytes)
}

// Text returns field i, a string, as a copy that the caller owns. That it is
// valid UTF-8 has been checked by the emitter only.
func (r *Record) Text(i int) (string, error) {
	if b := r.short(i); b != nil && b[2] == tagStr && int(b[1]) == int(b[3])+2 {
		n := 4 + int(b[3])
		r.learn(i, r.at[i]+uint32(n))
		return string(b[4:n]), nil
	}
	c, err := r.content(i, TypeString)
	return string(c), err
}

// Int returns field i, an int.
func (r *Record) Int(i int) (int64, error) {
	if b := r.short(i); b != nil && b[2] == tagInt {
		if b[1] == 2 && b[3] < 0x80 {
			r.learn(i, r.at[i]+4)
			return unzigzag(uint64(b[3])), nil
		}
		if u, w := uvarint8(b[3:]); w > 0 && w == int(b[1])-1 {
			r.learn(i, r.at[i]+3+uint32(w))
			return unzigzag(u), nil
		}
		if u, w := binary.Uvarint(b[3:]); w > 0 && w == int(b[1])-1 {
			r.learn(i, r.at[i]+3+uint32(w))
			return unzigzag(u), nil
		}
	}
	c, err := r.content(i, TypeInt)
	if err != nil {
		return 0, err
	}
	u, _ := binary.Uvarint(c)
	return unzigzag(u), nil
}

// Float returns field i, a float.
func (r *Record) Float(i int) (float64, error) {
	c, err := r.content(i, TypeFloat)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(c)), nil
}

// Bool returns field i, a bool.
func (r *Record) Bool(i int) (bool, error) {
	c, err := r.content(i, TypeBool)
	if err != nil {
		return false, err
	}
	u, _ := binary.Uvarint(c)
	return u != 0, nil
}

// Time returns field i, a time, in UTC.
func (r *Record) Time(i int) (time.Time, error) {
	c, err := r.content(i, TypeTime)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(0, int64(binary.LittleEndian.Uint64(c))).UTC(), nil
}

// AppendKey appends field i's entry in the canonical form that key hashes are
// taken of, see AppendKey. It returns dst and a *FieldError if there is no such field.
func (r *Record) AppendKey(dst []byte, i int) ([]byte, error) {
	entry, ok := r.value(i)
	if !ok {
		return dst, &FieldError{Field: i, Fields: r.Len()}
	}
	t, content := decodeKind(entry)
	v := Value{typ: t}
	switch t { //nolint:exhaustive // null has no content, and the others are no types of an entry
	case TypeString, TypeBytes:
		v.str = borrowString(content)
	case TypeInt:
		u, _ := binary.Uvarint(content)
		v.num = uint64(unzigzag(u))
	case TypeBool:
		if u, _ := binary.Uvarint(content); u != 0 {
			v.num = 1
		}
	case TypeFloat, TypeTime:
		v.num = binary.LittleEndian.Uint64(content)
	}
	return AppendKey(dst, &v), nil
}
