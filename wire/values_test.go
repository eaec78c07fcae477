package wire

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawValue draws a valid value of any type.
func drawValue(t *rapid.T) Value {
	switch rapid.SampledFrom([]Type{TypeNull, TypeInt, TypeFloat, TypeString, TypeBytes, TypeBool, TypeTime}).Draw(t, "type") {
	case TypeInt:
		return Int(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-70, 70)).Draw(t, "int"))
	case TypeFloat:
		return Float(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1)})).Draw(t, "float"))
	case TypeString:
		return String(rapid.OneOf(rapid.StringN(0, 20, -1), rapid.StringN(100, 300, -1), rapid.StringMatching(`[a-z]{0,20}`)).Draw(t, "string"))
	case TypeBytes:
		return Bytes(rapid.SliceOfN(rapid.Byte(), 0, 140).Draw(t, "bytes"))
	case TypeBool:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case TypeTime:
		return Time(time.Unix(0, rapid.Int64().Draw(t, "ns")))
	default:
		return Null()
	}
}

func TestMeasureIsTheLengthOfAppendValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawValue(t)
		n, err := v.Measure()
		if err != nil {
			t.Fatal(err)
		}
		if b := AppendValue([]byte("x"), &v); len(b)-1 != n {
			t.Fatalf("%v measures %d bytes and takes %d", v.Type(), n, len(b)-1)
		}
	})
}

func TestMeasureRefusesWhatCannotBeEncoded(t *testing.T) {
	for _, tc := range []struct {
		name string
		v    Value
		want error
	}{
		{"a byte that is no UTF-8", String("ab\xff"), ErrInvalidUTF8},
		{"a surrogate", String("\xed\xa0\x80"), ErrInvalidUTF8},
		{"a cut rune behind much ASCII", String(strings.Repeat("a", 200) + "\xc3"), ErrInvalidUTF8},
		{"bad bytes given as a string", StringBytes([]byte{0x80}), ErrInvalidUTF8},
		{"the zero time", Time(time.Time{}), ErrTimeRange},
		{"the year 2263", Time(time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC)), ErrTimeRange},
		{"the year 1677", Time(time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC)), ErrTimeRange},
		{"bytes that are no UTF-8", Bytes([]byte{0xff}), nil},
		{"umlauts", String("äöü"), nil},
		{"the first nanosecond", Time(time.Unix(0, math.MinInt64)), nil},
		{"the last nanosecond", Time(time.Unix(0, math.MaxInt64)), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := tc.v.Measure(); !errors.Is(err, tc.want) {
				t.Errorf("Measure says %v, want %v", err, tc.want)
			}
			at := make([]int, 2)
			if n := PutShort(new([ShortRecord]byte), 0, 0, []Value{tc.v}, at); tc.want != nil && n != 0 {
				t.Error("PutShort accepts it")
			}
		})
	}
}

func TestTypeOfValues(t *testing.T) {
	for want, v := range []Value{Null(), Int(1), Float(1), String("s"), Bytes(nil), Bool(true), Time(time.Unix(1, 0))} {
		if v.Type() != Type(want) {
			t.Errorf("a value of type %v says that it is %v", Type(want), v.Type())
		}
	}
	if v := StringBytes([]byte("s")); v.Type() != TypeString {
		t.Errorf("StringBytes makes a value of type %v", v.Type())
	}
	if got := TypeTime.String() + " " + Type(200).String(); got != "time unknown" {
		t.Errorf("types print as %q", got)
	}
}

// TestPutShortWritesTheSameBytes compares the one-pass encoder to the others,
// over garbage, so that what it leaves alone shows.
func TestPutShortWritesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var values []Value
		for range rapid.IntRange(0, 6).Draw(t, "fields") {
			values = append(values, drawValue(t))
		}
		hashes := make([]uint64, rapid.IntRange(0, 10).Draw(t, "hashes"))
		for i := range hashes {
			hashes[i] = rapid.Uint64().Draw(t, "hash")
		}
		want := appendTuple(nil, hashes, values...)

		var got [ShortRecord]byte
		for i := range got {
			got[i] = 0xDB
		}
		at := make([]int, len(values)+1)
		n := PutShort(&got, len(hashes), 0, values, at)
		if n == 0 {
			if len(want) <= ShortRecord-wordEntry && len(hashes) <= MaxShortHashes {
				t.Fatalf("a record of %d bytes is not short", len(want))
			}
			return
		}
		for i, h := range hashes {
			PutKeyHash(got[2:], i, h)
		}
		if !bytes.Equal(got[:n], want) {
			t.Fatalf("PutShort wrote\n% x, want\n% x", got[:n], want)
		}
		for i := range values {
			if e := AppendValue(nil, &values[i]); !bytes.Equal(got[at[i]:at[i+1]], e) {
				t.Fatalf("entry %d is said to lie at %d to %d", i, at[i], at[i+1])
			}
		}
	})
}

func TestPutShortTakesAllStringsThatFit(t *testing.T) {
	const text = "The quick brown föx jumps over the lazy dog, and then some, until there is enough of it: " +
		"a hundred and twenty-three bytes and a few more"
	for n := range len(text) {
		v := []Value{Bytes([]byte(text[:n]))}
		if !strings.HasSuffix(text[:n], "\xc3") {
			v = []Value{String(text[:n])}
		}
		want := appendTuple(nil, nil, v...)
		var got [ShortRecord]byte
		size := PutShort(&got, 0, 0, v, make([]int, 2))
		if size == 0 && n <= ShortRecord-6 || size > 0 && !bytes.Equal(got[:size], want) {
			t.Errorf("string of %d bytes: got % x", n, got[:size])
		}
	}
}

func TestCanonicalKeysOfFloats(t *testing.T) {
	key := func(f float64) string {
		v := Float(f)
		return string(AppendKey(nil, &v))
	}
	if key(0) != key(math.Copysign(0, -1)) {
		t.Error("zero and negative zero are different keys")
	}
	if key(math.NaN()) != key(math.Float64frombits(0xfff8000000000123)) {
		t.Error("two NaNs are different keys")
	}
	if key(1) == key(-1) || key(math.Inf(1)) == key(math.NaN()) {
		t.Error("different floats are the same key")
	}
	v := Float(math.Copysign(0, -1))
	var r Record
	r.Reset(AppendValue(nil, &v))
	if f, err := r.Float(0); err != nil || !math.Signbit(f) {
		t.Errorf("the value itself must keep its sign: %v, %v", f, err)
	}
}

// TestKeysOfDifferentValuesDiffer takes keys of two fields that would be equal
// if lengths or types were left out.
func TestKeysOfDifferentValuesDiffer(t *testing.T) {
	keys := [][]Value{
		{String("ab"), String("c")},
		{String("a"), String("bc")},
		{String("abc"), String("")},
		{Bytes([]byte("ab")), String("c")},
		{String("1"), Int(1)},
		{Int(1), Int(1)},
		{Float(1), Int(1)},
		{Bool(true), Int(1)},
		{Null(), Int(1)},
		{Int(1), Null()},
		{Time(time.Unix(0, 1)), Int(1)},
	}
	seen := map[string]int{}
	for i, k := range keys {
		var b []byte
		for j := range k {
			b = AppendKey(b, &k[j])
		}
		if other, dup := seen[string(b)]; dup {
			t.Errorf("keys %d and %d have the same bytes", other, i)
		}
		seen[string(b)] = i
	}
}
