package wire

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

func FuzzHeader(f *testing.F) {
	for k := Kind(1); k < kindLimit; k++ {
		f.Add(AppendHeader(nil, Header{Kind: k, Length: 100, Count: 1, Epoch: 2}))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if len(b) < HeaderSize {
			if !errors.Is(err, ErrShort) {
				t.Fatalf("%d bytes: %v", len(b), err)
			}
			return
		}
		if again := AppendHeader(nil, h); !bytes.Equal(again, b[:HeaderSize]) {
			t.Fatalf("read %+v from % x, which is written % x", h, b[:HeaderSize], again)
		}
		var fe *FrameError
		if err != nil && !errors.As(err, &fe) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil && (h.Kind == 0 || h.Length > MaxBody || h.Kind.String() == "") {
			t.Fatalf("accepted %+v", h)
		}
	})
}

// FuzzBatch reads the same bytes with our views and with protobuf. Whatever
// CheckBatch accepts protobuf must read alike, and whatever protobuf accepts
// and CheckBatch refuses must hold something that CheckBatch does not support.
func FuzzBatch(f *testing.F) {
	for _, b := range goldenBatches(f) {
		f.Add(b)
	}
	f.Add(join(field(1, string(join(field(4, "\x08\x07"), field(1, uint64(7)), field(9, "x"), field(1, "12345678"), field(4, "\x08\x07\x1a\x01a"))))))
	f.Add([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 16<<10 {
			t.Skip("long inputs take time and show nothing that short ones do not")
		}
		readAll(t, body)
		n, err := CheckBatch(body)
		var m wirepb.TupleBatch
		perr := proto.Unmarshal(body, &m)
		switch {
		case err != nil && perr != nil:
		case err == nil && perr != nil:
			if !strings.Contains(perr.Error(), "UTF-8") {
				t.Fatalf("CheckBatch accepts what protobuf refuses: %v", perr)
			}
		case err != nil:
			if plainBatch(body) && !hasUnknown(&m) {
				t.Fatalf("CheckBatch refuses what protobuf accepts")
			}
		default:
			if n != len(m.GetTuples()) {
				t.Fatalf("%d tuples, protobuf reads %d", n, len(m.GetTuples()))
			}
			off := 0
			for i, pt := range m.GetTuples() {
				tuple, end, ok := NextRecord(body, off)
				if !ok {
					t.Fatalf("no record at %d", off)
				}
				if err := agree(body[tuple:end], pt); err != nil {
					t.Fatalf("tuple %d: %v", i, err)
				}
				off = end
			}
		}
	})
}

// readAll calls everything that reads tuples, whether or not the bytes are valid.
func readAll(t *testing.T, body []byte) {
	t.Helper()
	count, ok := CountRecords(body)
	var r Record
	n := 0
	for off := 0; ; n++ {
		tuple, end, more := NextRecord(body, off)
		if !more {
			if ok != (off == len(body)) {
				t.Fatalf("CountRecords says %v, the records end at %d of %d", ok, off, len(body))
			}
			break
		}
		if end <= off || tuple > end || end > len(body) {
			t.Fatalf("record at %d: tuple at %d, end %d of %d", off, tuple, end, len(body))
		}
		if end2, h2, ok2 := SmallKeyed(body, off); ok2 {
			if h1, ok1 := KeyHash(body[tuple:end], 0); !ok1 || h1 != h2 || end != end2 || end-off > SmallRecord {
				t.Fatalf("SmallKeyed says %#x until %d, the record ends at %d with hash %#x, %v", h2, end2, end, h1, ok1)
			}
		}
		r.Reset(body[tuple:end])
		fields := r.Len()
		for _, i := range []int{-1, 0, 1, 5, fields - 1, fields, fields + 1, math.MaxInt} {
			_, err := r.Type(i)
			if exists := i >= 0 && i < fields; exists != (err == nil) {
				t.Fatalf("field %d of %d: %v", i, fields, err)
			}
			readers(&r, i)
		}
		off = end
	}
	if n != count {
		t.Fatalf("%d records, CountRecords says %d", n, count)
	}
}

// plainBatch reports whether a body that protobuf accepts has nothing but
// tuples of up to MaxTuple at its top, with tags of one byte.
func plainBatch(body []byte) bool {
	for len(body) > 0 {
		if body[0] != tagRecord {
			return false
		}
		b, n := protowire.ConsumeBytes(body[1:])
		if n < 0 || len(b) > MaxTuple {
			return false
		}
		body = body[1+n:]
	}
	return true
}

// hasUnknown reports whether a batch holds fields that the schema does not
// know; groups, which CheckBatch refuses, are such.
func hasUnknown(m *wirepb.TupleBatch) bool {
	unknown := len(m.ProtoReflect().GetUnknown()) > 0
	for _, t := range m.GetTuples() {
		unknown = unknown || len(t.ProtoReflect().GetUnknown()) > 0
		for _, v := range t.GetValues() {
			unknown = unknown || len(v.ProtoReflect().GetUnknown()) > 0
		}
		for _, r := range t.GetRoots() {
			unknown = unknown || len(r.ProtoReflect().GetUnknown()) > 0
		}
	}
	return unknown
}

func FuzzHandshake(f *testing.F) {
	for _, frame := range [][]byte{
		AppendHello(nil, Hello{Topology: "wordcount", Fingerprint: 1, Epoch: 3, Task: 7, Incarnation: 300, PID: 4242}),
		AppendHello(nil, Hello{Topology: "wordcount", Container: 2}),
		AppendHello(nil, Hello{Topology: "wordcount", Container: 2, Nonce: make([]byte, NonceSize), Proof: make([]byte, 32)}),
		AppendWelcome(nil, Welcome{Epoch: 3, Credit: 8 << 20, Incarnation: 9}),
		AppendError(nil, 3, CodeEpoch, "plan epoch is 4"),
	} {
		f.Add(frame[HeaderSize:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := ParseHello(b); err == nil {
			h.Protocol, h.Topology = Protocol, clean(h.Topology)
			if again, err := ParseHello(AppendHello(nil, h)[HeaderSize:]); err != nil || !bytes.Equal(AppendHello(nil, again), AppendHello(nil, h)) {
				t.Fatalf("read %+v, wrote it, read %+v, %v", h, again, err)
			}
		} else if !errors.Is(err, ErrHandshake) {
			t.Fatalf("untyped error %v", err)
		}
		if w, err := ParseWelcome(b); err == nil {
			if again, err := ParseWelcome(AppendWelcome(nil, w)[HeaderSize:]); err != nil || !bytes.Equal(AppendWelcome(nil, again), AppendWelcome(nil, w)) {
				t.Fatalf("read %+v, wrote it, read %+v, %v", w, again, err)
			}
		} else if !errors.Is(err, ErrHandshake) {
			t.Fatalf("untyped error %v", err)
		}
		if e, err := ParseError(b); err == nil {
			e.Text = clean(e.Text)
			if again, err := ParseError(AppendError(nil, 0, e.Code, e.Text)[HeaderSize:]); err != nil || *again != *e {
				t.Fatalf("read %+v, wrote it, read %+v, %v", e, again, err)
			}
			_ = e.Error()
		} else if !errors.Is(err, ErrHandshake) {
			t.Fatalf("untyped error %v", err)
		}
	})
}
