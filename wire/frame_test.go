package wire

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Header{
			Length: rapid.Uint32Range(0, MaxControlBody).Draw(t, "length"),
			Kind:   Kind(rapid.Uint8Range(1, uint8(kindLimit)-1).Draw(t, "kind")),
			Flags: rapid.SampledFrom([]Flags{0, FlagKeyed, FlagAnchored, FlagKeyed | FlagAnchored}).Draw(t, "flags") |
				rapid.SampledFrom([]Flags{CodecNone, CodecS2, CodecZstd}).Draw(t, "codec"),
			Stream: rapid.Uint16().Draw(t, "stream"),
			Source: rapid.Uint32().Draw(t, "source"),
			Dest:   rapid.Uint32().Draw(t, "dest"),
			Count:  rapid.Uint32().Draw(t, "count"),
			Epoch:  rapid.Uint32().Draw(t, "epoch"),
		}
		b := AppendHeader([]byte("before"), h)[6:]
		if got, err := ParseHeader(b); err != nil || got != h {
			t.Fatalf("got %+v, %v", got, err)
		}
		h.Dest = rapid.Uint32().Draw(t, "new dest")
		PutDest(b, h.Dest)
		if got, err := ParseHeader(append(b, "behind"...)); err != nil || got != h {
			t.Fatalf("after PutDest: %+v, %v", got, err)
		}
	})
}

func TestHeaderFaults(t *testing.T) {
	good := Header{Kind: KindData, Length: 10, Count: 1}
	for _, tc := range []struct {
		name   string
		change func(*Header)
		want   error
	}{
		{"nothing wrong", func(*Header) {}, nil},
		{"zeroed memory", func(h *Header) { *h = Header{} }, ErrKind},
		{"kind beyond the last", func(h *Header) { h.Kind = kindLimit }, ErrKind},
		{"kind 255", func(h *Header) { h.Kind = 255 }, ErrKind},
		{"unknown flag", func(h *Header) { h.Flags = 1 << 2 }, ErrFlags},
		{"high flag", func(h *Header) { h.Flags = 1 << 7 }, ErrFlags},
		{"codec 3", func(h *Header) { h.Flags = CodecMask }, ErrFlags},
		{"largest data body", func(h *Header) { h.Length = MaxBody }, nil},
		{"data body too large", func(h *Header) { h.Length = MaxBody + 1 }, ErrTooLarge},
		{"length of all ones", func(h *Header) { h.Length = math.MaxUint32 }, ErrTooLarge},
		{"largest control body", func(h *Header) { h.Kind, h.Length = KindHello, MaxControlBody }, nil},
		{"control body too large", func(h *Header) { h.Kind, h.Length = KindHello, MaxControlBody+1 }, ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := good
			tc.change(&h)
			got, err := ParseHeader(AppendHeader(nil, h))
			if !errors.Is(err, tc.want) {
				t.Fatalf("error is %v, want %v", err, tc.want)
			}
			var fe *FrameError
			if tc.want != nil && (!errors.As(err, &fe) || fe.Header != h) {
				t.Errorf("the error does not hold the header: %v", err)
			}
			if got != h {
				t.Errorf("got %+v, want %+v", got, h)
			}
		})
	}
}

func TestShortHeader(t *testing.T) {
	b := AppendHeader(nil, Header{Kind: KindPing})
	for n := range HeaderSize {
		if _, err := ParseHeader(b[:n]); !errors.Is(err, ErrShort) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestNamesOfKindsAndCodes(t *testing.T) {
	seen := map[string]bool{}
	for k := range kindLimit {
		if k.String() == "" || seen[k.String()] {
			t.Errorf("kind %d has the name %q", uint8(k), k)
		}
		seen[k.String()] = true
	}
	if KindEnd.String() != "end" || Kind(99).String() != "kind(99)" {
		t.Errorf("got %v and %v", KindEnd, Kind(99))
	}
	for c := range codeLimit {
		if c.String() == "" {
			t.Errorf("code %d has no name", uint32(c))
		}
	}
	if CodeCredit.String() != "credit" || Code(77).String() != "code(77)" {
		t.Errorf("got %v and %v", CodeCredit, Code(77))
	}
}

func TestErrorTexts(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{
			&FrameError{Header: Header{Kind: KindData, Flags: FlagKeyed, Length: 5, Stream: 2, Source: 3, Dest: 4, Count: 6, Epoch: 7}, Err: ErrRecord},
			"wire: malformed tuple record (kind data, flags 0x01, length 5, stream 2, source 3, dest 4, count 6, epoch 7)",
		},
		{&TupleTooLargeError{Size: 1048577}, "wire: tuple of 1048577 bytes exceeds the limit of 1048576 bytes"},
		{&TypeError{Field: 1, Want: TypeInt, Have: TypeString}, "wire: field 1 holds string, not int"},
		{&FieldError{Field: 3, Fields: 2}, "wire: no field 3 in a tuple of 2 fields"},
		{&RemoteError{Code: CodeEpoch, Text: "plan epoch is 4"}, "wire: refused (epoch): plan epoch is 4"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
	for _, err := range []error{
		ErrShort, ErrKind, ErrFlags, ErrTooLarge, ErrRecord, ErrCount, ErrNoKeyHash, ErrHandshake, ErrInvalidUTF8, ErrTimeRange,
	} {
		if !strings.HasPrefix(err.Error(), "wire: ") {
			t.Errorf("%q does not name its package", err)
		}
	}
}
