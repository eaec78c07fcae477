package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// oneOfEach has a value of every type, twice, and more fields than a Record remembers.
func oneOfEach() []Value {
	values := []Value{
		Null(), Int(0), Int(-1), Int(math.MaxInt64), Int(math.MinInt64), Float(1.5), Float(math.Inf(-1)),
		String("abscissa"), String(""), String(strings.Repeat("ü", 100)), Bytes([]byte{0xff, 0}), Bytes(nil),
		Bytes(bytes.Repeat([]byte{7}, 130)), Bool(true), Bool(false), Time(time.Unix(0, -1)), Time(time.Unix(0, math.MaxInt64)),
	}
	return append(values, values...)
}

// sameValue compares field i of r with the value that it was encoded from.
func sameValue(r *Record, i int, v *Value) error {
	typ, err := r.Type(i)
	if err != nil {
		return err
	}
	if typ != v.Type() {
		return fmt.Errorf("field %d has type %v, want %v", i, typ, v.Type())
	}
	var got Value
	switch typ {
	case TypeInt:
		n, e := r.Int(i)
		got, err = Int(n), e
	case TypeFloat:
		f, e := r.Float(i)
		got, err = Float(f), e
	case TypeString:
		s, e := r.Text(i)
		got, err = String(s), e
		if b, e := r.Bytes(i); e != nil || string(b) != s || cap(b) != len(b) {
			return fmt.Errorf("field %d as bytes: %q, capacity %d, %w", i, b, cap(b), e)
		}
	case TypeBytes:
		b, e := r.Bytes(i)
		got, err = Bytes(b), e
		if cap(b) != len(b) {
			return fmt.Errorf("field %d: %d bytes with capacity %d", i, len(b), cap(b))
		}
	case TypeBool:
		b, e := r.Bool(i)
		got, err = Bool(b), e
	case TypeTime:
		at, e := r.Time(i)
		if at.Location() != time.UTC {
			return fmt.Errorf("field %d is not in UTC", i)
		}
		got, err = Time(at), e
	default: // null has no accessor
	}
	if err != nil {
		return err
	}
	if got != *v {
		return fmt.Errorf("field %d is %+v, want %+v", i, got, *v)
	}
	return nil
}

func TestRecordGivesBackWhatWasEncoded(t *testing.T) {
	var r Record
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Custom(drawValue), 0, 30).Draw(t, "values")
		hashes := make([]uint64, rapid.IntRange(0, 3).Draw(t, "hashes"))
		body := appendTuple(nil, hashes, values...)
		tuple, _, _ := NextRecord(body, 0)
		r.Reset(body[tuple:])
		for range rapid.IntRange(0, 40).Draw(t, "reads") { // in any order
			if len(values) == 0 {
				break
			}
			i := rapid.IntRange(0, len(values)-1).Draw(t, "field")
			if err := sameValue(&r, i, &values[i]); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(t, "len") == 0 && r.Len() != len(values) {
				t.Fatalf("Len is %d, want %d", r.Len(), len(values))
			}
		}
		if r.Len() != len(values) || !bytes.Equal(r.Raw(), body[tuple:]) {
			t.Fatalf("Len is %d, want %d", r.Len(), len(values))
		}
	})
}

func TestKeyOfARecordIsThatOfItsValues(t *testing.T) {
	var r Record
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Custom(drawValue), 1, 15).Draw(t, "values")
		body := appendTuple(nil, make([]uint64, rapid.IntRange(0, 2).Draw(t, "hashes")), values...)
		tuple, _, _ := NextRecord(body, 0)
		r.Reset(body[tuple:])
		i := rapid.IntRange(0, len(values)-1).Draw(t, "field")
		want := AppendKey([]byte("before"), &values[i])
		if got, err := r.AppendKey([]byte("before"), i); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("field %d has the key %x, %v, want %x", i, got, err, want)
		}
		var missing *FieldError
		if _, err := r.AppendKey(nil, len(values)); !errors.As(err, &missing) {
			t.Fatalf("error of a field that does not exist is %v", err)
		}
	})
}

func TestRecordOfEveryType(t *testing.T) {
	values := oneOfEach()
	body := appendTuple(nil, []uint64{1, 2}, values...)
	tuple, _, _ := NextRecord(body, 0)
	var r Record
	for i := range values { // each first, then all in order, then backwards
		r.Reset(body[tuple:])
		if err := sameValue(&r, i, &values[i]); err != nil {
			t.Error(err)
		}
	}
	for i := range values {
		if err := sameValue(&r, i, &values[i]); err != nil {
			t.Error(err)
		}
	}
	for i := len(values) - 1; i >= 0; i-- {
		if err := sameValue(&r, i, &values[i]); err != nil {
			t.Error(err)
		}
	}
}

// readers calls every accessor for field i and returns their errors by the type they want.
func readers(r *Record, i int) map[Type]error {
	errs := map[Type]error{}
	_, errs[TypeInt] = r.Int(i)
	_, errs[TypeFloat] = r.Float(i)
	_, errs[TypeString] = r.Text(i)
	_, errs[TypeBytes] = r.Bytes(i)
	_, errs[TypeBool] = r.Bool(i)
	_, errs[TypeTime] = r.Time(i)
	return errs
}

func TestAccessorsRefuseOtherTypes(t *testing.T) {
	values := oneOfEach()
	body := appendTuple(nil, nil, values...)
	tuple, _, _ := NextRecord(body, 0)
	var r Record
	r.Reset(body[tuple:])
	for i := range values {
		have := values[i].Type()
		for want, err := range readers(&r, i) {
			if want == have || want == TypeBytes && have == TypeString {
				if err != nil {
					t.Errorf("field %d of type %v: %v", i, have, err)
				}
				continue
			}
			var te *TypeError
			if !errors.As(err, &te) || *te != (TypeError{Field: i, Want: want, Have: have}) {
				t.Errorf("field %d of type %v read as %v: %v", i, have, want, err)
			}
		}
	}
	for _, i := range []int{-1, math.MinInt, len(values), len(values) + 100, math.MaxInt} {
		_, err := r.Type(i)
		errs := readers(&r, i)
		errs[TypeNull] = err
		for want, err := range errs {
			var fe *FieldError
			if !errors.As(err, &fe) || *fe != (FieldError{Field: i, Fields: len(values)}) {
				t.Errorf("field %d read as %v: %v", i, want, err)
			}
		}
	}
}

func TestMalformedTupleEndsWhereItBreaks(t *testing.T) {
	values := oneOfEach()
	body := appendTuple(nil, []uint64{5}, values...)
	tuple, _, _ := NextRecord(body, 0)
	whole := body[tuple:]
	var r Record
	r.Reset(whole)
	full := r.Len()
	for n := range whole {
		r.Reset(whole[:n:n])
		fields := r.Len()
		if fields > full {
			t.Fatalf("cut at %d the tuple has %d fields", n, fields)
		}
		for i := range fields {
			if err := sameValue(&r, i, &values[i]); err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
		if _, err := r.Bytes(fields); err == nil {
			t.Fatalf("cut at %d there is a field %d", n, fields)
		}
	}
}

func TestZeroRecord(t *testing.T) {
	var r Record
	if r.Len() != 0 || len(r.Raw()) != 0 {
		t.Errorf("the zero Record has %d fields", r.Len())
	}
	if _, err := r.Int(0); err == nil {
		t.Error("the zero Record has a field")
	}
}
