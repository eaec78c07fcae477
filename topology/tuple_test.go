package topology

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// roundTrip emits values and returns the tuple that a consumer gets.
func roundTrip(t *testing.T, fields []string, values ...Value) *Tuple {
	t.Helper()
	sink := &record{tb: t}
	c := NewCollector(sink, 1, 0, 0, []OutputSpec{{Name: "s", Fields: fields, Routed: true}})
	o, err := c.Stream("s")
	ok(t, err)
	ok(t, o.Emit(values...))
	ok(t, c.Flush())
	tuple := &Tuple{}
	tuple.Reset(sink.sent[0].tuples[0], &Source{Component: "c", Stream: "s", Task: 7, Fields: fields})
	return tuple
}

func TestTuple(t *testing.T) {
	at := time.Date(2026, 11, 22, 4, 5, 6, 789, time.FixedZone("somewhere", 3600))
	fields := []string{"int", "float", "string", "bytes", "bool", "time", "null"}
	tuple := roundTrip(t, fields, Int(-5), Float(2.5), String("Grüße"), Bytes([]byte{0, 255}), Bool(true), Time(at), Null())
	if n, err := tuple.Int(0); n != -5 || err != nil {
		t.Errorf("int: %v, %v", n, err)
	}
	if f, err := tuple.Float(1); f != 2.5 || err != nil {
		t.Errorf("float: %v, %v", f, err)
	}
	if s, err := tuple.String(2); s != "Grüße" || err != nil {
		t.Errorf("string: %q, %v", s, err)
	}
	if b, err := tuple.Bytes(2); string(b) != "Grüße" || err != nil {
		t.Errorf("string as bytes: %q, %v", b, err)
	}
	if b, err := tuple.Bytes(3); string(b) != "\x00\xff" || err != nil {
		t.Errorf("bytes: %q, %v", b, err)
	}
	if b, err := tuple.Bool(4); !b || err != nil {
		t.Errorf("bool: %v, %v", b, err)
	}
	if got, err := tuple.Time(5); !got.Equal(at) || got.Location() != time.UTC || err != nil {
		t.Errorf("time: %v, %v", got, err)
	}
	if !tuple.IsNull(6) || tuple.IsNull(0) || !tuple.IsNull(7) || tuple.Len() != 7 {
		t.Errorf("null: %v, %v, %v; %d fields", tuple.IsNull(6), tuple.IsNull(0), tuple.IsNull(7), tuple.Len())
	}
	for i := range fields {
		if typ, err := tuple.Type(i); err != nil || typ.String() != fields[i] {
			t.Errorf("field %d has type %v, %v", i, typ, err)
		}
		if got, err := tuple.Index(fields[i]); err != nil || got != i {
			t.Errorf("field %q has index %d, %v", fields[i], got, err)
		}
	}
	if src := tuple.Source(); src.Component != "c" || src.Stream != "s" || src.Task != 7 {
		t.Errorf("source is %+v", src)
	}
	if _, ok := tuple.KeyHash(); ok {
		t.Error("there is a key hash")
	}
}

func TestTupleErrors(t *testing.T) {
	tuple := roundTrip(t, []string{"word", "n"}, String("x"), Int(1))
	_, err := tuple.Int(0)
	var te *TypeError
	if !errors.As(err, &te) || err.Error() != "wire: field 0 holds string, not int" {
		t.Errorf("a string read as int: %v", err)
	}
	_, err = tuple.Bytes(2)
	var fe *FieldError
	if !errors.As(err, &fe) || err.Error() != "wire: no field 2 in a tuple of 2 fields" {
		t.Errorf("a field too many: %v", err)
	}
	if _, err := tuple.Index("word "); err == nil || err.Error() != `topology: stream c/s has no field "word ", it has ["word" "n"]` {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestBytesCannotBeAppendedTo guards the fields behind one that a user appends to.
func TestBytesCannotBeAppendedTo(t *testing.T) {
	tuple := roundTrip(t, []string{"a", "b"}, String("one"), String("two"))
	b, err := tuple.Bytes(0)
	ok(t, err)
	_ = append(b, "overwritten"...)
	if s, err := tuple.String(1); s != "two" || err != nil {
		t.Errorf("the next field is %q, %v", s, err)
	}
}

func TestValueOf(t *testing.T) {
	now := time.Unix(5, 6)
	for _, tc := range []struct {
		in   any
		want Value
	}{
		{nil, Null()},
		{Int(3), Int(3)},
		{int(-1), Int(-1)},
		{int8(-8), Int(-8)},
		{int16(-16), Int(-16)},
		{int32(-32), Int(-32)},
		{int64(math.MinInt64), Int(math.MinInt64)},
		{uint8(8), Int(8)},
		{uint16(16), Int(16)},
		{uint32(math.MaxUint32), Int(math.MaxUint32)},
		{uint(7), Int(7)},
		{uint64(math.MaxInt64), Int(math.MaxInt64)},
		{'ü', Int('ü')},
		{float32(1.5), Float(1.5)},
		{2.5, Float(2.5)},
		{"text", String("text")},
		{[]byte("raw"), Bytes([]byte("raw"))},
		{[]byte(nil), Bytes(nil)},
		{true, Bool(true)},
		{now, Time(now)},
	} {
		if got, err := ValueOf(tc.in); err != nil || got != tc.want {
			t.Errorf("ValueOf(%T %v) is %+v, %v", tc.in, tc.in, got, err)
		}
	}
}

func TestValueOfOtherTypes(t *testing.T) {
	type named string
	for _, tc := range []struct {
		in   any
		want string
	}{
		{struct{}{}, "cannot hold struct {}"},
		{[]string{"a"}, "cannot hold []string"},
		{map[string]int{}, "cannot hold map[string]int"},
		{named("x"), "cannot hold topology.named"},
		{&struct{}{}, "cannot hold *struct {}"},
		{complex(1, 2), "cannot hold complex128"},
		{uint64(1 << 63), "cannot hold the uint64 9223372036854775808"},
		{uint(math.MaxUint), "cannot hold the uint 18446744073709551615"},
	} {
		_, err := ValueOf(tc.in)
		var ue *UnsupportedTypeError
		if !errors.As(err, &ue) || !strings.HasPrefix(err.Error(), "topology: a field ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%T: %v", tc.in, err)
		}
	}
}
