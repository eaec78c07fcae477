package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

// ErrAcks says that the body of an ack or fail frame cannot be parsed.
var ErrAcks = errors.New("wire: malformed body of an ack or fail frame")

// MaxAck is the most that AppendAck appends, in bytes.
const MaxAck = binary.MaxVarintLen64 + 8

// AppendAck appends an acknowledgement to the body of an ack frame: word is to
// be taken, by exclusive or, from what the tracker of the frame's destination
// waits for under seq, which is at most MaxSeq. prev is the seq of the entry
// before, 0 for the first one.
//
// An entry is the difference of the two in zigzag form, doubled, as a varint. It
// is odd where the word follows in eight bytes; else the word is OwnEdge(seq),
// as of a bolt that gets the spout's tuple and emits nothing for it.
func AppendAck(dst []byte, prev, seq, word uint64) []byte {
	if word == OwnEdge(seq) {
		return AppendOwnAck(dst, prev, seq)
	}
	d := zigzag(int64(seq-prev)) << 1
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(dst, d|1), word)
}

// AppendOwnAck is AppendAck with the word OwnEdge(seq).
func AppendOwnAck(dst []byte, prev, seq uint64) []byte {
	d := zigzag(int64(seq-prev)) << 1
	if d < 0x80 {
		return append(dst, byte(d))
	}
	return binary.AppendUvarint(dst, d)
}

// NextAck reads the first entry of the rest of an ack frame's body, which must
// not be empty. prev is the seq of the entry before, 0 for the first one. ok is
// false when the bytes are no entry.
func NextAck(body []byte, prev uint64) (seq, word uint64, rest []byte, ok bool) {
	d, n := uint64(body[0]), 1
	if d >= 0x80 {
		if d, n = binary.Uvarint(body); n <= 0 {
			return 0, 0, nil, false
		}
	}
	seq = prev + uint64(unzigzag(d>>1))
	if d&1 == 0 {
		return seq, OwnEdge(seq), body[n:], true
	}
	if len(body) < n+8 {
		return 0, 0, nil, false
	}
	return seq, binary.LittleEndian.Uint64(body[n:]), body[n+8:], true
}

// OwnAck reads an entry of one byte, whose word is OwnEdge(seq), as nearly all
// are. Where ok is false NextAck must be asked. prev is as for that.
func OwnAck(b byte, prev uint64) (seq uint64, ok bool) {
	return prev + uint64(unzigzag(uint64(b>>1))), b&0x81 == 0
}

// CountAcks walks the body of an ack frame and returns its number of entries,
// or ErrAcks.
func CountAcks(body []byte) (n int, err error) {
	for ; len(body) > 0; n++ {
		if body[0]&0x81 == 0 { // see OwnAck
			body = body[1:]
			continue
		}
		var ok bool
		if _, _, body, ok = NextAck(body, 0); !ok {
			return n, ErrAcks
		}
	}
	return n, nil
}

// Failure is the body of a fail frame: a tuple that a bolt could not handle.
type Failure struct {
	Seq     uint64 // of the root, at the frame's destination
	Text    string // what went wrong
	Stack   string // of a panic, else empty
	Payload []byte // the tuple that failed, encoded as in a record
	Size    int    // length of the whole tuple; AppendFailure takes it from Payload
}

// Bounds of what a fail frame holds, in bytes.
const (
	MaxFailureText    = maxText
	MaxFailureStack   = 16 << 10
	MaxFailurePayload = 32 << 10
)

// AppendFailure appends a whole fail frame, header included, from a bolt's task
// to a spout's. What is too long is cut, of a stack the end.
func AppendFailure(dst []byte, h Header, f Failure) []byte {
	h.Kind, h.Count = KindFail, 1
	stack := f.Stack
	if len(stack) > MaxFailureStack {
		stack = stack[:MaxFailureStack]
	}
	m := &wirepb.Failure{
		Seq: f.Seq, Text: clean(f.Text), Stack: cleanText(stack),
		Payload: f.Payload[:min(len(f.Payload), MaxFailurePayload)], Size: uint32(len(f.Payload)),
	}
	return appendMessage(dst, h, m)
}

// ParseFailure reads the body of a fail frame. The error wraps ErrAcks.
func ParseFailure(body []byte) (Failure, error) {
	var m wirepb.Failure
	if err := proto.Unmarshal(body, &m); err != nil {
		return Failure{}, fmt.Errorf("%w: %w", ErrAcks, err)
	}
	return Failure{
		Seq: m.GetSeq(), Text: m.GetText(), Stack: m.GetStack(), Payload: m.GetPayload(), Size: int(m.GetSize()),
	}, nil
}
