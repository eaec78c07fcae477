package codec

import (
	"bytes"
	"testing"
)

// FuzzDecode decodes any bytes: it must not panic, nor give more than the limit, nor touch what is in the buffer.
func FuzzDecode(f *testing.F) {
	for name, bomb := range bombs(f) {
		if len(bomb.b) < 10_000 {
			f.Add(bomb.b, uint8(bomb.c), uint16(len(name)))
		}
	}
	for _, c := range codecs {
		packed, err := Encode(nil, body(500), c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed, uint8(c), uint16(1000))
	}
	f.Fuzz(func(t *testing.T, b []byte, c uint8, limit uint16) {
		c %= 4
		got, err := Decode([]byte("prefix"), b, Codec(c), int(limit))
		if !bytes.HasPrefix(got, []byte("prefix")) || len(got) > len("prefix")+int(limit) || err != nil && len(got) != len("prefix") {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}

// FuzzRoundTrip encodes any bytes with every codec.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(nil), byte(0))
	f.Add(body(2000), byte(1))
	f.Fuzz(func(t *testing.T, b []byte, c byte) {
		packed, err := Encode(nil, b, Codec(c%3))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(nil, packed, Codec(c%3), len(b)); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(b), err)
		}
	})
}

// FuzzRecords walks over any bytes: the records that come out, put together again, are a part of it, all of it if there
// is no error and lengths are as short as can be.
func FuzzRecords(f *testing.F) {
	f.Add(body(300))
	f.Add([]byte{tag, 0x80, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		n := 0
		records := Walk(b)
		for rec, ok := records.Next(); ok; rec, ok = records.Next() {
			again = AppendRecord(again, rec)
			n++
		}
		if len(again) > len(b) || n != walk(b) {
			t.Fatalf("%d records, %d bytes of %d", n, len(again), len(b))
		}
		if count, err := Count(b); (err == nil) != (records.Err() == nil) || count != n || err == nil && Validate(b, uint32(n)) != nil {
			t.Fatalf("%d records, %v; %d counted, %v", n, records.Err(), count, err)
		}
	})
}
