package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// TupleSlot is a wirepb.Tuple that is filled again and again without new
// objects, as a cleared message is in C++: it keeps its slices, the nested
// messages beyond their ends, and the memory of its strings. Go's protobuf
// library cannot do that (proto.Unmarshal and proto.Reset forget everything),
// so that Parse decodes by itself what Ardea writes and leaves the rest, which
// is unknown fields and malformed bytes, to the library.
//
// The strings of Tuple share the slot's memory: they are valid until the next
// Parse, Copy or Clear. The zero TupleSlot is ready for use.
type TupleSlot struct {
	Tuple wirepb.Tuple

	text    []byte // what the strings of Tuple consist of; no more is appended than it has room for
	raw     int    // capacity of all byte values, in bytes; too high where a value has changed its type
	foreign bool   // the library has filled Tuple, which may hold fields that only it can forget
}

// Tags of a Root and of an Envelope message.
const (
	tagRootTask = 1 << 3
	tagRootSeq  = 2 << 3
	tagDestTask = 1 << 3
	tagBatch    = 2<<3 | 2
)

// slotText is the least memory that a slot takes for strings, in bytes.
const slotText = 32

// Parse makes the slot hold the tuple that the bytes of one record, without its
// tag and length, encode. It keeps nothing of tuple. The error wraps ErrRecord;
// the slot holds nothing of use then and may be filled again.
func (s *TupleSlot) Parse(tuple []byte) error {
	s.Clear()
	s.room(len(tuple))
	if s.parse(tuple) {
		return nil
	}
	s.foreign = true
	if err := proto.Unmarshal(tuple, &s.Tuple); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return nil
}

// Copy makes the slot hold a deep copy of what another one holds.
func (s *TupleSlot) Copy(from *TupleSlot) {
	s.Clear()
	if from.foreign {
		s.foreign = true
		proto.Merge(&s.Tuple, &from.Tuple)
		return
	}
	s.room(len(from.text))
	t, u := &s.Tuple, &from.Tuple
	t.KeyHash = append(t.KeyHash, u.KeyHash...)
	t.Edge = u.Edge
	for _, r := range u.Roots {
		c := s.addRoot()
		c.Task, c.Seq = r.Task, r.Seq
	}
	for _, v := range u.Values {
		s.copyValue(s.addValue(), v)
	}
}

// Clear empties the slot, which keeps its memory.
func (s *TupleSlot) Clear() {
	if s.foreign {
		proto.Reset(&s.Tuple)
		s.foreign = false
	}
	if invariants.Enabled {
		invariants.Mangle(s.text[:cap(s.text)])
	}
	t := &s.Tuple
	t.KeyHash, t.Edge, t.Roots, t.Values = t.KeyHash[:0], 0, t.Roots[:0], t.Values[:0]
	s.text = s.text[:0]
}

// Memory returns about how many bytes the slot holds on to, or somewhat more.
// It does not change between a Clear and the next Parse or Copy.
func (s *TupleSlot) Memory() int {
	const tuple, value, root = 200, 120, 64
	t := &s.Tuple
	n := tuple + value*cap(t.Values) + root*cap(t.Roots) + 8*cap(t.KeyHash) + cap(s.text) + s.raw
	if s.foreign {
		n += proto.Size(t) // fields that this version does not know, until the next Clear
	}
	return n
}

// room makes room for n bytes of strings.
func (s *TupleSlot) room(n int) {
	if cap(s.text) < n {
		s.text = make([]byte, 0, max(n, slotText))
	}
}

// keepText copies b to the slot's memory and returns it as a string.
func keepText[T string | []byte](s *TupleSlot, b T) string {
	at := len(s.text)
	s.text = append(s.text, b...)
	return borrowString(s.text[at:])
}

// addRoot lengthens the roots by one, whose content is whatever it was.
func (s *TupleSlot) addRoot() *wirepb.Root {
	t := &s.Tuple
	n := len(t.Roots)
	if n < cap(t.Roots) && t.Roots[:n+1][n] != nil {
		t.Roots = t.Roots[:n+1]
		return t.Roots[n]
	}
	r := new(wirepb.Root)
	t.Roots = append(t.Roots, r)
	return r
}

// addValue lengthens the values by one, whose content is whatever it was.
func (s *TupleSlot) addValue() *wirepb.Value {
	t := &s.Tuple
	n := len(t.Values)
	if n < cap(t.Values) && t.Values[:n+1][n] != nil {
		t.Values = t.Values[:n+1]
		return t.Values[n]
	}
	v := new(wirepb.Value)
	t.Values = append(t.Values, v)
	return v
}

// parse reports false at anything but the fields that Ardea writes.
func (s *TupleSlot) parse(b []byte) bool {
	t := &s.Tuple
	for off := 0; off < len(b); {
		if b[off] == tagKeyHash || b[off] == tagEdge {
			if off+KeyHashSize > len(b) {
				return false
			}
			u := binary.LittleEndian.Uint64(b[off+1:])
			if b[off] == tagEdge {
				t.Edge = u
			} else {
				t.KeyHash = append(t.KeyHash, u)
			}
			off += KeyHashSize
			continue
		}
		tag, val, next := plainField(b, off)
		if next < 0 {
			return false
		}
		switch tag {
		case tagValue:
			if !s.parseValue(b[val:next], s.addValue()) {
				return false
			}
		case tagRoot:
			if !parseRoot(b[val:next], s.addRoot()) {
				return false
			}
		default:
			return false
		}
		off = next
	}
	return true
}

// plainField reads the protobuf field at b[off], off being less than len(b): its
// tag, the offset of its value (behind the length, if it has one), and the
// offset of the next field. That is -1 for what Ardea does not write: tags of
// two bytes, other wire types, and malformed bytes.
func plainField(b []byte, off int) (tag byte, val, next int) {
	tag, val = b[off], off+1
	switch tag & 7 {
	case 0:
		_, w := binary.Uvarint(b[val:])
		if w <= 0 {
			return 0, 0, -1
		}
		next = val + w
	case 1:
		next = val + 8
	case 2:
		n, w := binary.Uvarint(b[val:])
		if w <= 0 || n > uint64(len(b)) {
			return 0, 0, -1
		}
		val += w
		next = val + int(n)
	}
	if tag >= 0x80 || next == 0 || next > len(b) {
		return 0, 0, -1
	}
	return tag, val, next
}

func parseRoot(b []byte, r *wirepb.Root) bool {
	r.Task, r.Seq = 0, 0
	for off := 0; off < len(b); {
		tag, val, next := plainField(b, off)
		if next < 0 {
			return false
		}
		u, _ := binary.Uvarint(b[val:next])
		switch tag {
		case tagRootTask:
			r.Task = uint32(u)
		case tagRootSeq:
			r.Seq = u
		default:
			return false
		}
		off = next
	}
	return true
}

// parseValue fills v, reusing the object of its kind if it is of the same one.
func (s *TupleSlot) parseValue(b []byte, v *wirepb.Value) bool {
	if len(b) == 0 {
		v.Kind = nil
		return true
	}
	tag, val, next := plainField(b, 0)
	if next != len(b) {
		return false // malformed, or several kinds of which the last holds
	}
	content := b[val:next]
	switch tag {
	case tagStr:
		if !utf8.Valid(content) {
			return false
		}
		setStr(v, keepText(s, content))
	case tagRaw:
		s.setRaw(v, content)
	case tagInt:
		u, _ := binary.Uvarint(content)
		setInt(v, unzigzag(u))
	case tagFloat:
		setFloat(v, math.Float64frombits(binary.LittleEndian.Uint64(content)))
	case tagFlag:
		u, _ := binary.Uvarint(content)
		setFlag(v, u != 0)
	case tagTime:
		setTime(v, int64(binary.LittleEndian.Uint64(content)))
	default:
		return false
	}
	return true
}

func (s *TupleSlot) copyValue(v, from *wirepb.Value) {
	switch k := from.Kind.(type) {
	case *wirepb.Value_Str:
		setStr(v, keepText(s, k.Str))
	case *wirepb.Value_Raw:
		s.setRaw(v, k.Raw)
	case *wirepb.Value_Int:
		setInt(v, k.Int)
	case *wirepb.Value_Float:
		setFloat(v, k.Float)
	case *wirepb.Value_Flag:
		setFlag(v, k.Flag)
	case *wirepb.Value_Time:
		setTime(v, k.Time)
	default:
		v.Kind = nil
	}
}

func setStr(v *wirepb.Value, str string) {
	if k, ok := v.Kind.(*wirepb.Value_Str); ok {
		k.Str = str
		return
	}
	v.Kind = &wirepb.Value_Str{Str: str}
}

func (s *TupleSlot) setRaw(v *wirepb.Value, b []byte) {
	k, ok := v.Kind.(*wirepb.Value_Raw)
	if !ok {
		k = &wirepb.Value_Raw{Raw: []byte{}}
		v.Kind = k
	}
	had := cap(k.Raw)
	k.Raw = append(k.Raw[:0], b...)
	s.raw += cap(k.Raw) - had
}

func setInt(v *wirepb.Value, n int64) {
	if k, ok := v.Kind.(*wirepb.Value_Int); ok {
		k.Int = n
		return
	}
	v.Kind = &wirepb.Value_Int{Int: n}
}

func setFloat(v *wirepb.Value, f float64) {
	if k, ok := v.Kind.(*wirepb.Value_Float); ok {
		k.Float = f
		return
	}
	v.Kind = &wirepb.Value_Float{Float: f}
}

func setFlag(v *wirepb.Value, b bool) {
	if k, ok := v.Kind.(*wirepb.Value_Flag); ok {
		k.Flag = b
		return
	}
	v.Kind = &wirepb.Value_Flag{Flag: b}
}

func setTime(v *wirepb.Value, n int64) {
	if k, ok := v.Kind.(*wirepb.Value_Time); ok {
		k.Time = n
		return
	}
	v.Kind = &wirepb.Value_Time{Time: n}
}

// ReuseEnvelope is ParseEnvelope into an envelope that was used before, whose
// memory it fills again. It keeps nothing of body. The error wraps ErrRecord.
func ReuseEnvelope(body []byte, m *wirepb.Envelope) error {
	m.DestTask, m.Batch = 0, m.Batch[:0]
	for off := 0; off < len(body); {
		tag, val, next := plainField(body, off)
		switch {
		case next >= 0 && tag == tagDestTask:
			u, _ := binary.Uvarint(body[val:next])
			m.DestTask = uint32(u)
		case next >= 0 && tag == tagBatch:
			m.Batch = append(m.Batch[:0], body[val:next]...)
		default: // unknown fields, which are not kept, or malformed bytes
			var fresh wirepb.Envelope
			err := ParseEnvelope(body, &fresh)
			m.DestTask, m.Batch = fresh.GetDestTask(), fresh.GetBatch()
			return err
		}
		off = next
	}
	return nil
}
