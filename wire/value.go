package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"time"
	"unicode/utf8"
)

// Type is the type of a value.
type Type uint8

// The types a field can hold.
const (
	TypeNull   Type = iota
	TypeInt         // int64, zigzag varint
	TypeFloat       // float64
	TypeString      // UTF-8
	TypeBytes
	TypeBool
	TypeTime // nanoseconds since 1970 UTC, int64

	typeLimit
	typeBadTime // an instant that Time could not hold; Measure refuses it
)

var typeNames = [typeLimit]string{"null", "int", "float", "string", "bytes", "bool", "time"}

// String returns the type's name in lower case.
func (t Type) String() string {
	if t < typeLimit {
		return typeNames[t]
	}
	return "unknown"
}

// Tags of a Value message, one per type.
const (
	tagInt   = 1*8 + 0
	tagFloat = 2*8 + 1
	tagStr   = 3*8 + 2
	tagRaw   = 4*8 + 2
	tagFlag  = 5*8 + 0
	tagTime  = 6*8 + 1
)

// Value is one field of a tuple on its way out. The zero Value is null. A
// Value made by Bytes borrows the caller's slice until it has been encoded;
// all others own what they hold.
type Value struct {
	typ Type
	num uint64 // int, float bits, bool, time
	str string // string, bytes
}

// Null is the value that holds nothing.
func Null() Value { return Value{} }

// Int holds an int64.
func Int(v int64) Value { return Value{typ: TypeInt, num: uint64(v)} }

// Float holds a float64, bit for bit.
func Float(v float64) Value { return Value{typ: TypeFloat, num: math.Float64bits(v)} }

// String holds a string, which must be valid UTF-8 to be encoded.
func String(v string) Value { return Value{typ: TypeString, str: v} }

// StringBytes holds a string whose bytes are b. It borrows b until encoded.
func StringBytes(b []byte) Value { return Value{typ: TypeString, str: borrowString(b)} }

// Bytes holds a byte slice. It borrows b until encoded.
func Bytes(b []byte) Value { return Value{typ: TypeBytes, str: borrowString(b)} }

// Bool holds a bool.
func Bool(v bool) Value {
	if v {
		return Value{typ: TypeBool, num: 1}
	}
	return Value{typ: TypeBool}
}

// Time holds an instant in nanoseconds; the location and the monotonic reading
// are dropped. Instants outside the years 1678 to 2262 are refused when encoded.
func Time(v time.Time) Value {
	n := v.UnixNano()
	if !time.Unix(0, n).Equal(v) {
		return Value{typ: typeBadTime}
	}
	return Value{typ: TypeTime, num: uint64(n)}
}

// Type returns the value's type.
func (v *Value) Type() Type { return v.typ }

// Measure checks the value and returns the length of its entry in a tuple: tag,
// length and message. The error is ErrInvalidUTF8 or ErrTimeRange.
func (v *Value) Measure() (int, error) {
	switch v.typ {
	case TypeString:
		if !utf8.ValidString(v.str) {
			return 0, ErrInvalidUTF8
		}
		return sizeOfBytes(len(v.str)), nil
	case TypeBytes:
		return sizeOfBytes(len(v.str)), nil
	case TypeInt:
		return 3 + uvarintLen(zigzag(int64(v.num))), nil
	case TypeFloat, TypeTime:
		return 2 + 9, nil
	case TypeBool:
		return 2 + 2, nil
	case typeBadTime:
		return 0, ErrTimeRange
	default:
		return 2, nil
	}
}

// sizeOfBytes returns the length of an entry that holds n bytes.
func sizeOfBytes(n int) int {
	if n < 126 {
		return n + 4
	}
	inner := 1 + uvarintLen(uint64(n)) + n
	return 1 + uvarintLen(uint64(inner)) + inner
}

// AppendValue appends the value's entry in a tuple. It does not check the
// value; see Measure.
func AppendValue(dst []byte, v *Value) []byte {
	switch v.typ {
	case TypeString, TypeBytes:
		tag := byte(tagStr)
		if v.typ == TypeBytes {
			tag = tagRaw
		}
		n := len(v.str)
		if n < 126 {
			dst = append(dst, tagValue, byte(n+2), tag, byte(n))
			return append(dst, v.str...)
		}
		dst = append(dst, tagValue)
		dst = binary.AppendUvarint(dst, uint64(1+uvarintLen(uint64(n))+n))
		dst = append(dst, tag)
		dst = binary.AppendUvarint(dst, uint64(n))
		return append(dst, v.str...)
	case TypeInt:
		z := zigzag(int64(v.num))
		dst = append(dst, tagValue, byte(1+uvarintLen(z)), tagInt)
		return binary.AppendUvarint(dst, z)
	case TypeFloat:
		return binary.LittleEndian.AppendUint64(append(dst, tagValue, 9, tagFloat), v.num)
	case TypeTime:
		return binary.LittleEndian.AppendUint64(append(dst, tagValue, 9, tagTime), v.num)
	case TypeBool:
		return append(dst, tagValue, 2, tagFlag, byte(v.num))
	default:
		return append(dst, tagValue, 0)
	}
}

// AppendKey appends the value's entry in the canonical form that key hashes
// are taken of. It differs from AppendValue only for floats: negative zero is
// written as zero and every NaN as 0x7ff8000000000000, so that equal keys hash alike.
func AppendKey(dst []byte, v *Value) []byte {
	if v.typ == TypeFloat {
		c := Value{typ: TypeFloat, num: canonicalFloat(v.num)}
		return AppendValue(dst, &c)
	}
	return AppendValue(dst, v)
}

func canonicalFloat(bits uint64) uint64 {
	const sign, inf, nan = 1 << 63, 0x7ff << 52, 0x7ff8 << 48
	switch magnitude := bits &^ sign; {
	case magnitude == 0:
		return 0
	case magnitude > inf:
		return nan
	default:
		return bits
	}
}

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// uvarintLen returns the number of bytes of u as a varint, 1 to 10.
func uvarintLen(u uint64) int { return (bits.Len64(u|1) + 6) / 7 }
