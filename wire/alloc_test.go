package wire

import (
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/invariants"
)

// wantNoAllocs fails the test if f allocates. Checked builds may.
func wantNoAllocs(t *testing.T, what string, f func()) {
	t.Helper()
	if invariants.Enabled {
		t.Skip("checked builds may allocate")
	}
	if n := testing.AllocsPerRun(200, f); n != 0 {
		t.Errorf("%s: %v allocations", what, n)
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	values := []Value{String("abscissa"), Int(-300), Float(1.5), Bool(true), Time(time.Unix(5, 6)), Bytes([]byte("raw")), Null()}
	var body []byte
	for range 100 {
		body = appendTuple(body, []uint64{1, 2}, values...)
	}
	var r Record
	var sum uint64
	wantNoAllocs(t, "a walk over 100 records and all their fields", func() {
		for off := 0; off < len(body); {
			tuple, end, ok := NextRecord(body, off)
			if !ok {
				t.Fatal("no record")
			}
			h, _ := KeyHash(body[tuple:end], 1)
			_, g, _ := SmallKeyed(body, off)
			sum += h + g
			r.Reset(body[tuple:end])
			b, err := r.Bytes(0)
			i, err1 := r.Int(1)
			f, err2 := r.Float(2)
			_, err3 := r.Bool(3)
			at, err4 := r.Time(4)
			raw, err5 := r.Bytes(5)
			typ, err6 := r.Type(6)
			if err != nil || err1 != nil || err2 != nil || err3 != nil || err4 != nil || err5 != nil || err6 != nil || r.Len() != 7 {
				t.Fatal("a field is not read")
			}
			sum += uint64(len(b)+len(raw)) + uint64(i) + uint64(f) + uint64(at.Unix()) + uint64(typ)
			off = end
		}
	})
	wantNoAllocs(t, "CheckBatch", func() {
		if _, err := CheckBatch(body); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWritingDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 1<<10)
	text := []byte("abscissa")
	at := make([]int, 4)
	var short [ShortRecord]byte
	wantNoAllocs(t, "a record", func() {
		values := [3]Value{StringBytes(text), Int(300), Bytes(text)}
		size := KeyHashSize
		for i := range values {
			n, err := values[i].Measure()
			if err != nil {
				t.Fatal(err)
			}
			size += n
		}
		b := AppendKeyHashes(AppendRecordHeader(buf, size), 1)
		for i := range values {
			b = AppendValue(b, &values[i])
		}
		b = AppendKey(b, &values[0])
		PutKeyHash(b[2:], 0, 7)
		if PutShort(&short, 1, 0, values[:], at) == 0 {
			t.Fatal("the record is not short")
		}
	})
	wantNoAllocs(t, "a header", func() {
		b := AppendHeader(buf, Header{Kind: KindData})
		PutDest(b, 7)
		if _, err := ParseHeader(b); err != nil {
			t.Fatal(err)
		}
	})
}
