package wire

import (
	"encoding/binary"
	"fmt"
)

// Limits of the format.
const (
	// HeaderSize is the length of a frame header in bytes.
	HeaderSize = 24
	// MaxBody is the largest body of a frame in bytes (16 MiB).
	MaxBody = 16 << 20
	// MaxTuple is the largest encoded tuple in bytes (1 MiB), without its tag and length.
	MaxTuple = 1 << 20
	// MaxControlBody is the largest body of any frame that is not data, in bytes.
	MaxControlBody = 64 << 10
	// Protocol is the version that a hello names; a stream manager refuses others.
	Protocol = 1
)

// Kind says what a frame is for.
type Kind uint8

// The kinds of frames. Zero is no kind, so that zeroed memory never reads as a frame.
const (
	KindHello   Kind = 1 + iota // first frame of the dialling side; body Hello
	KindWelcome                 // answer to a hello; body Welcome
	KindData                    // body is a batch of tuple records
	KindAck                     // Count acknowledgements for the destination task, a spout's; see AppendAck
	KindFail                    // a tuple that failed, for the destination task, a spout's; body Failure
	KindClamp                   // destination task is past a mark; Count is the level
	KindRelease                 // destination task is below its low mark again
	KindCredit                  // Count more bytes of data frames may be sent
	KindBarrier                 // checkpoint barrier, in order with data
	KindPlan                    // a new physical plan
	KindPing                    // asks for a pong
	KindPong                    // answers a ping
	KindError                   // why the connection closes; body ErrorInfo
	KindEnd                     // the source task sends no more on the stream, in order with data
	KindLost                    // what was on its way through the destination task, or to it, may be lost

	kindLimit
)

var kindNames = [kindLimit]string{
	"none", "hello", "welcome", "data", "ack", "fail", "clamp", "release",
	"credit", "barrier", "plan", "ping", "pong", "error", "end", "lost",
}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if k < kindLimit {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Flags qualify a frame's body.
type Flags uint8

// The flags. The codec bits say how a data body is compressed; this version writes CodecNone only.
const (
	FlagKeyed    Flags = 1 << 0 // tuples carry key hashes
	FlagAnchored Flags = 1 << 1 // tuples carry an edge and roots

	CodecNone Flags = 0 << 4
	CodecS2   Flags = 1 << 4
	CodecZstd Flags = 2 << 4
	CodecMask Flags = 3 << 4

	knownFlags = FlagKeyed | FlagAnchored | CodecMask
)

// Header is a frame header. See the package documentation for its bytes.
type Header struct {
	Length uint32 // of the body, in bytes
	Kind   Kind
	Flags  Flags
	Stream uint16
	Source uint32
	Dest   uint32
	Count  uint32
	Epoch  uint32
}

// Put writes h to the first HeaderSize bytes of b, which must be that long.
func (h Header) Put(b []byte) {
	_ = b[HeaderSize-1]
	binary.LittleEndian.PutUint32(b[0:], h.Length)
	b[4] = byte(h.Kind)
	b[5] = byte(h.Flags)
	binary.LittleEndian.PutUint16(b[6:], h.Stream)
	binary.LittleEndian.PutUint32(b[8:], h.Source)
	binary.LittleEndian.PutUint32(b[12:], h.Dest)
	binary.LittleEndian.PutUint32(b[16:], h.Count)
	binary.LittleEndian.PutUint32(b[20:], h.Epoch)
}

// AppendHeader appends the bytes of h to dst.
func AppendHeader(dst []byte, h Header) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, HeaderSize)...)
	h.Put(dst[n:])
	return dst
}

// PutDest overwrites the destination task of the frame that starts at b[0].
func PutDest(b []byte, dest uint32) { binary.LittleEndian.PutUint32(b[12:16], dest) }

// PutLengthCount overwrites body length and tuple count of the frame that starts at b[0].
func PutLengthCount(b []byte, length, count uint32) {
	binary.LittleEndian.PutUint32(b[0:4], length)
	binary.LittleEndian.PutUint32(b[16:20], count)
}

// ParseHeader reads the header at the start of b and checks what can be
// checked without the body: the kind, the flags, and the length, which is
// bounded by MaxBody for data and by MaxControlBody for everything else.
// It returns ErrShort when b is shorter than a header and a *FrameError when
// the header is malformed.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize {
		return Header{}, ErrShort
	}
	h := Header{
		Length: binary.LittleEndian.Uint32(b[0:]),
		Kind:   Kind(b[4]),
		Flags:  Flags(b[5]),
		Stream: binary.LittleEndian.Uint16(b[6:]),
		Source: binary.LittleEndian.Uint32(b[8:]),
		Dest:   binary.LittleEndian.Uint32(b[12:]),
		Count:  binary.LittleEndian.Uint32(b[16:]),
		Epoch:  binary.LittleEndian.Uint32(b[20:]),
	}
	return h, h.check()
}

func (h Header) check() error {
	if h.Kind == 0 || h.Kind >= kindLimit {
		return &FrameError{Header: h, Err: ErrKind}
	}
	if h.Flags&^knownFlags != 0 || h.Flags&CodecMask == CodecMask {
		return &FrameError{Header: h, Err: ErrFlags}
	}
	if h.Length > MaxBody || (h.Kind != KindData && h.Length > MaxControlBody) {
		return &FrameError{Header: h, Err: ErrTooLarge}
	}
	return nil
}
