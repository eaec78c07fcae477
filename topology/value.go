package topology

import (
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/wire"
)

// Value is one field of a tuple to be emitted. The zero Value is null.
type Value = wire.Value

// Type is the type of a field.
type Type = wire.Type

// The types of fields.
const (
	TypeNull   = wire.TypeNull
	TypeInt    = wire.TypeInt
	TypeFloat  = wire.TypeFloat
	TypeString = wire.TypeString
	TypeBytes  = wire.TypeBytes
	TypeBool   = wire.TypeBool
	TypeTime   = wire.TypeTime
)

// Errors of tuples that callers tell apart. Each is the type of package wire.
type (
	// TypeError says that a field holds another type than the one asked for.
	TypeError = wire.TypeError
	// FieldError says that a tuple has no field of that index.
	FieldError = wire.FieldError
	// TupleTooLargeError says that an encoded tuple would exceed 1 MiB.
	TupleTooLargeError = wire.TupleTooLargeError
)

// Errors of values, returned by Emit.
var (
	ErrInvalidUTF8 = wire.ErrInvalidUTF8
	ErrTimeRange   = wire.ErrTimeRange
)

// Null is the value that holds nothing.
func Null() Value { return wire.Null() }

// Int holds an int64.
func Int(v int64) Value { return wire.Int(v) }

// Float holds a float64.
func Float(v float64) Value { return wire.Float(v) }

// String holds a string, which must be valid UTF-8: Emit returns ErrInvalidUTF8 otherwise.
func String(v string) Value { return wire.String(v) }

// StringBytes holds a string whose bytes are b, borrowed until Emit returns. It does not allocate.
func StringBytes(b []byte) Value { return wire.StringBytes(b) }

// Bytes holds a byte slice, borrowed until Emit returns.
func Bytes(b []byte) Value { return wire.Bytes(b) }

// Bool holds a bool.
func Bool(v bool) Value { return wire.Bool(v) }

// Time holds an instant, to the nanosecond, in the years 1678 to 2262: Emit returns ErrTimeRange otherwise.
func Time(v time.Time) Value { return wire.Time(v) }

// UnsupportedTypeError says that a Go value has no counterpart among the types of fields.
type UnsupportedTypeError struct {
	Value any
}

// Error names the Go type, or the integer that is too large, and what can be had instead.
func (e *UnsupportedTypeError) Error() string {
	switch v := e.Value.(type) {
	case uint, uint64:
		return fmt.Sprintf("topology: a field cannot hold the %T %d, which an int64 cannot: use a string or a float", v, v)
	}
	return fmt.Sprintf("topology: a field cannot hold %T: use an int, float, string, []byte, bool, time.Time or nil, or encode it to bytes", e.Value)
}

// ValueOf converts a Go value: nil, any integer, float, string, []byte, bool,
// time.Time, or a Value. Everything else, and a uint64 beyond int64, is an
// *UnsupportedTypeError. It allocates where its argument is boxed; the typed
// constructors do not.
func ValueOf(v any) (Value, error) {
	switch v := v.(type) {
	case nil:
		return Null(), nil
	case Value:
		return v, nil
	case int:
		return Int(int64(v)), nil
	case int8:
		return Int(int64(v)), nil
	case int16:
		return Int(int64(v)), nil
	case int32:
		return Int(int64(v)), nil
	case int64:
		return Int(v), nil
	case uint8:
		return Int(int64(v)), nil
	case uint16:
		return Int(int64(v)), nil
	case uint32:
		return Int(int64(v)), nil
	case uint:
		return unsigned(uint64(v), v)
	case uint64:
		return unsigned(v, v)
	case float32:
		return Float(float64(v)), nil
	case float64:
		return Float(v), nil
	case string:
		return String(v), nil
	case []byte:
		return Bytes(v), nil
	case bool:
		return Bool(v), nil
	case time.Time:
		return Time(v), nil
	default:
		return Value{}, &UnsupportedTypeError{Value: v}
	}
}

func unsigned(u uint64, v any) (Value, error) {
	if u>>63 != 0 {
		return Value{}, &UnsupportedTypeError{Value: v}
	}
	return Int(int64(u)), nil
}
