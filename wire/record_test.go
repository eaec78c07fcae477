package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

func TestNextRecord(t *testing.T) {
	long := appendTuple(nil, nil, String(strings.Repeat("x", 300)))
	for _, tc := range []struct {
		name       string
		body       string
		tuple, end int
		ok         bool
	}{
		{"empty body", "", 0, 0, false},
		{"tag alone", "\x0a", 0, 0, false},
		{"empty tuple", "\x0a\x00", 2, 2, true},
		{"tuple of three bytes", "\x0a\x03abc\x0a", 2, 5, true},
		{"cut tuple", "\x0a\x03ab", 0, 0, false},
		{"other tag", "\x12\x03abc", 0, 0, false},
		{"length of two bytes", string(long), 3, len(long), true},
		{"cut length", "\x0a\x80", 0, 0, false},
		{"length in more bytes than it needs", "\x0a\x83\x80\x00abc", 4, 7, true},
		{"length of ten bytes", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0, 0, false},
		{"length that overflows 64 bits", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 0, 0, false},
		{"length of eleven bytes", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0, 0, false},
		{"largest int64", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 0, 0, false},
		{"length that overflows 32 bits", "\x0a\xff\xff\xff\xff\x0f", 0, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, before := range []string{"", "something else"} {
				n := len(before)
				tuple, end, ok := NextRecord([]byte(before+tc.body), n)
				if ok != tc.ok || ok && (tuple != n+tc.tuple || end != n+tc.end) {
					t.Errorf("at %d: %d, %d, %v, want %d, %d, %v", n, tuple, end, ok, n+tc.tuple, n+tc.end, tc.ok)
				}
			}
		})
	}
}

func TestLargestRecord(t *testing.T) {
	record := func(size int) []byte {
		b := AppendRecordHeader(nil, size)
		return append(b, make([]byte, size)...)
	}
	b := record(MaxTuple)
	if tuple, end, ok := NextRecord(b, 0); !ok || end-tuple != MaxTuple || len(b) != RecordSize(MaxTuple) {
		t.Errorf("a tuple of MaxTuple bytes: %d to %d, %v", tuple, end, ok)
	}
	if _, _, ok := NextRecord(record(MaxTuple+1), 0); ok {
		t.Error("a tuple of more than MaxTuple bytes is accepted")
	}
}

func TestRecordSize(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 16383, 16384, MaxTuple} {
		if got := len(AppendRecordHeader(nil, n)) + n; got != RecordSize(n) {
			t.Errorf("a tuple of %d bytes takes %d, RecordSize says %d", n, got, RecordSize(n))
		}
	}
}

func TestCountRecords(t *testing.T) {
	body := benchBatch(50)
	for n := range body {
		count, ok := CountRecords(body[:n])
		checked, err := CheckBatch(body[:n])
		if ok != (err == nil) || count != checked || ok && count > 50 {
			t.Fatalf("cut at %d: %d, %v, CheckBatch says %d, %v", n, count, ok, checked, err)
		}
	}
	if n, ok := CountRecords(body); n != 50 || !ok {
		t.Errorf("%d records, %v", n, ok)
	}
}

// field returns one protobuf field of wire type 1, 0 or 2, by the type of its value.
func field(num protowire.Number, value any) []byte {
	switch v := value.(type) {
	case uint64:
		return protowire.AppendFixed64(protowire.AppendTag(nil, num, protowire.Fixed64Type), v)
	case int:
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), uint64(v))
	case float32:
		return protowire.AppendFixed32(protowire.AppendTag(nil, num, protowire.Fixed32Type), math.Float32bits(v))
	case string:
		return protowire.AppendString(protowire.AppendTag(nil, num, protowire.BytesType), v)
	}
	panic("no such field")
}

func join(fields ...[]byte) []byte {
	var b []byte
	for _, f := range fields {
		b = append(b, f...)
	}
	return b
}

func TestKeyHash(t *testing.T) {
	packed := func(hashes ...uint64) []byte {
		var b []byte
		for _, h := range hashes {
			b = binary.LittleEndian.AppendUint64(b, h)
		}
		return field(1, string(b))
	}
	value := field(4, string(field(3, "\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09")))
	for _, tc := range []struct {
		name  string
		tuple []byte
		want  []uint64
	}{
		{"no key", value, nil},
		{"empty tuple", nil, nil},
		{"one", join(field(1, uint64(7)), value), []uint64{7}},
		{"three", join(field(1, uint64(7)), field(1, uint64(8)), field(1, uint64(9)), value), []uint64{7, 8, 9}},
		{"hash of tag bytes", join(field(1, uint64(0x0909090909090909)), value), []uint64{0x0909090909090909}},
		{"behind the values", join(value, field(1, uint64(7)), value, field(1, uint64(8))), []uint64{7, 8}},
		// The second hash stands where the third belongs.
		{"edge in between", join(field(1, uint64(7)), field(2, uint64(1)), field(1, uint64(8)), field(1, uint64(9))), []uint64{7, 8, 9}},
		{"edge first", join(field(2, uint64(1)), field(1, uint64(7)), field(1, uint64(8))), []uint64{7, 8}},
		{"nothing but an edge first", join(field(2, uint64(1)), field(1, uint64(7))), []uint64{7}},
		{"unknown fields", join(field(99, 1), field(1, uint64(7)), field(98, "x"), field(97, float32(1)), field(1, uint64(8))), []uint64{7, 8}},
		{"packed", join(packed(7, 8, 9), value), []uint64{7, 8, 9}},
		{"packed and not", join(packed(), field(1, uint64(7)), packed(8, 9), field(1, uint64(10))), []uint64{7, 8, 9, 10}},
		{"as a varint, which is no hash", join(field(1, 5), field(1, uint64(7))), []uint64{7}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for i := range len(tc.want) + 3 {
				hash, ok := KeyHash(tc.tuple, i)
				if ok != (i < len(tc.want)) || ok && hash != tc.want[i] {
					t.Errorf("hash %d is %#x, %v", i, hash, ok)
				}
			}
		})
	}
}

func TestKeyHashOfMalformedTuples(t *testing.T) {
	for _, b := range []string{"\x09", "\x09\x01\x02\x03", "\x0a\x08abc", "\x22\x7fabc", "\xff\xff", "\x00\x01", "\x0b\x0c"} {
		if h, ok := KeyHash([]byte(b), 0); ok {
			t.Errorf("% x has key hash %#x", b, h)
		}
	}
}

func TestSmallKeyed(t *testing.T) {
	hash := field(1, uint64(0x0102030405060708))
	rest := strings.Repeat("\x0a\x00", SmallRecord)
	for _, tc := range []struct {
		name  string
		tuple []byte
		ok    bool
	}{
		{"nothing but a hash", hash, true},
		{"a word", join(hash, field(4, string(field(3, "abscissa")))), true},
		{"as long as it may be", join(hash, field(4, strings.Repeat("x", 19))), true},
		{"one byte too long", join(hash, field(4, strings.Repeat("x", 20))), false},
		{"length of two bytes", join(hash, field(4, strings.Repeat("x", 200))), false},
		{"no hash", field(4, string(field(3, "abscissa"))), false},
		{"edge in its place", field(2, uint64(1)), false},
		{"one byte less than a hash", hash[:8], false},
		{"empty", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			record := append(AppendRecordHeader(nil, len(tc.tuple)), tc.tuple...)
			body := []byte("before" + string(record) + rest)
			end, h, ok := SmallKeyed(body, 6)
			if ok != tc.ok || ok && (end != 6+len(record) || h != 0x0102030405060708) {
				t.Errorf("hash %#x until %d, %v", h, end, ok)
			}
			for n := range 6 + SmallRecord { // too little behind it
				if _, _, ok := SmallKeyed(body[:n], 6); ok {
					t.Errorf("a body of %d bytes is enough", n)
				}
			}
		})
	}
}

func TestCheckBatchFaults(t *testing.T) {
	record := func(fields ...[]byte) []byte {
		b := join(fields...)
		return append(AppendRecordHeader(nil, len(b)), b...)
	}
	value := func(b string) []byte { return field(4, b) }
	for _, tc := range []struct {
		name string
		body []byte
		ok   bool
	}{
		{"nothing", nil, true},
		{"one of each", record(field(1, uint64(1)), field(2, uint64(2)), field(3, "\x08\x01\x10\x02"), value("\x08\x01")), true},
		{"unknown fields", record(field(5, "x"), field(1<<29-1, 3), field(77, float32(1))), true},
		{"unknown kinds", record(value("\x38\x01")), true},
		{"field number zero", record([]byte{0x00, 0x01}), false},
		{"field number too high", record(field(1<<29, 1)), false},
		{"group", record([]byte{0x2b, 0x2c}), false},
		{"wire type 6", record([]byte{0x2e}), false},
		{"cut hash", record([]byte{0x09, 1, 2, 3}), false},
		{"cut fixed32", record([]byte{0x2d, 1, 2, 3}), false},
		{"cut varint", record([]byte{0x28, 0x80}), false},
		{"varint of eleven bytes", record(append([]byte{0x28}, strings.Repeat("\xff", 11)...)), false},
		{"cut length", record([]byte{0x22, 0x80}), false},
		{"length beyond the tuple", record([]byte{0x22, 3, 1}), false},
		{"length near the largest int", record([]byte("\x22\xff\xff\xff\xff\xff\xff\xff\xff\x7f")), false},
		{"length of all ones", record([]byte("\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), false},
		{"cut kind", record(value("\x11\x01")), false},
		{"cut root", record(field(3, "\x08")), false},
		{"packed hashes of five bytes", record(field(1, "12345")), false},
		{"text that is no UTF-8", record(value("\x1a\x01\xff")), true},
		{"other field in the batch", field(2, "x"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := CheckBatch(append(record(), tc.body...))
			if (err == nil) != tc.ok || err != nil && !errors.Is(err, ErrRecord) {
				t.Errorf("CheckBatch says %v", err)
			}
		})
	}
}

func TestSmallKeyedAgreesWithTheGeneralWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "body")
		if len(body) > 4 && rapid.Bool().Draw(t, "plausible") {
			body[0], body[1], body[2] = tagRecord, byte(rapid.IntRange(0, 40).Draw(t, "length")), tagKeyHash
		}
		end, hash, ok := SmallKeyed(body, 0)
		if !ok {
			return
		}
		tuple, wantEnd, valid := NextRecord(body, 0)
		wantHash, keyed := KeyHash(body[tuple:wantEnd], 0)
		if !valid || !keyed || end != wantEnd || hash != wantHash || end > SmallRecord {
			t.Fatalf("SmallKeyed(%x) = %d, %#x; the record ends at %d (%v) and has hash %#x (%v)",
				body, end, hash, wantEnd, valid, wantHash, keyed)
		}
	})
}
