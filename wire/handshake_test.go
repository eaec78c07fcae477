package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

// body parses the header of a whole frame and returns its body.
func body(tb testing.TB, frame []byte, kind Kind) []byte {
	tb.Helper()
	h, err := ParseHeader(frame)
	if err != nil {
		tb.Fatal(err)
	}
	if h.Kind != kind || int(h.Length) != len(frame)-HeaderSize {
		tb.Fatalf("frame is a %v of %d bytes, header says %d", h.Kind, len(frame)-HeaderSize, h.Length)
	}
	return frame[HeaderSize:]
}

func TestHelloRoundTrip(t *testing.T) {
	for _, h := range []Hello{
		{},
		{Topology: "wordcount", Fingerprint: 0xfedcba9876543210, Epoch: 3, Task: 7, Incarnation: 1 << 60, PID: 4242},
		{Topology: "wordcount", Epoch: 3, Container: 2},
		{Topology: "wordcount", Epoch: 3, Container: 2, Nonce: []byte("once"), Proof: []byte("proof")},
	} {
		frame := AppendHello([]byte("before"), h)[6:]
		header, _ := ParseHeader(frame)
		if header.Source != h.Task || header.Epoch != h.Epoch {
			t.Errorf("header is %+v", header)
		}
		h.Protocol = Protocol
		if got, err := ParseHello(body(t, frame, KindHello)); err != nil || !reflect.DeepEqual(got, h) {
			t.Errorf("got %+v, %v, want %+v", got, err, h)
		}
	}
}

func TestWelcomeRoundTrip(t *testing.T) {
	w := Welcome{Epoch: 3, Credit: 8 << 20, Incarnation: 9, Proof: []byte("proof")}
	if got, err := ParseWelcome(body(t, AppendWelcome(nil, w), KindWelcome)); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestErrorRoundTrip(t *testing.T) {
	frame := AppendError(nil, 3, CodeUnknown, "no task 9 here")
	got, err := ParseError(body(t, frame, KindError))
	if err != nil || got.Code != CodeUnknown || got.Text != "no task 9 here" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestErrorTextIsCutAndMadeValid(t *testing.T) {
	frame := AppendError(nil, 3, CodeInternal, strings.Repeat("ä", 100_000)+"\xff")
	got, err := ParseError(body(t, frame, KindError))
	if err != nil || len(got.Text) > maxText || !strings.HasPrefix(got.Text, "ääää") {
		t.Errorf("text of %d bytes, %v", len(got.Text), err)
	}
	got, err = ParseError(body(t, AppendError(nil, 3, CodeInternal, "bad \xff\xfe byte"), KindError))
	if err != nil || got.Text != "bad ? byte" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHandshakeFaults(t *testing.T) {
	hello := func(b []byte) error { _, err := ParseHello(b); return err }
	welcome := func(b []byte) error { _, err := ParseWelcome(b); return err }
	refusal := func(b []byte) error { _, err := ParseError(b); return err }
	for _, tc := range []struct {
		name  string
		parse func([]byte) error
		body  string
	}{
		{"cut tag", hello, "\xff"},
		{"cut tag", welcome, "\xff"},
		{"cut tag", refusal, "\xff"},
		{"string longer than the body", hello, "\x12\x05ab"},
		{"string longer than the body", refusal, "\x12\x05ab"},
		{"text that is no UTF-8", hello, "\x12\x02\xff\xff"},
		{"text that is no UTF-8", refusal, "\x12\x02\xff\xff"},
		{"cut varint", welcome, "\x08\x80"},
	} {
		if err := tc.parse([]byte(tc.body)); !errors.Is(err, ErrHandshake) || !errors.Is(err, proto.Error) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
