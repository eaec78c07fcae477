package serve

import (
	"encoding/binary"
	"fmt"
)

// A frame is a header and a payload. All integers are little-endian.
//
//	0 u32 length   bytes of the payload
//	4 u8  kind
//	5 u24 zero
//	8 u64 id       of the call, the stream or the append that it is about; 0 for the connection
const headerSize = 16

// kind says what a frame is.
type kind uint8

// Frames of the client. Those of streams and appends have the id that the client has chosen for them.
const (
	kindHello  kind = 1 + iota // magic u64, version u32; both sides begin with one
	kindCall                   // JSON: a request
	kindRead                   // JSON: a readRequest; opens a stream
	kindCredit                 // u64: bytes that the server may send more on a stream
	kindResume                 // u8: 1 to skip what could not be read; goes on with a stream that has failed
	kindCancel                 // ends a stream
	kindAppend                 // an append, then the body
	_
)

// Frames of the server.
const (
	kindReply    kind = 16 + iota // JSON: what was called for
	kindBatch                     // a batch, then the body
	kindEnd                       // the stream has had all that there is so far
	kindAppended                  // a result
	kindFailed                    // an error, of whatever has the id
)

const (
	magic   = 0x676f6c6165647261 // "ardealog"
	version = 1

	helloSize       = 12 // of a client
	serverHelloSize = 24 // and max batch u32, store u64
	appendSize      = 28 // before the body: writer u64, txid i64, count u32, level u8, zero
	batchSize       = 36 // before the body: first u64, txid i64, time i64, epoch u64, count u32
	resultSize      = 29 // first u64, txid i64, time i64, count u32, level u8
	maxSmall        = 64 << 10
)

var le = binary.LittleEndian

// header is that of a frame.
type header struct {
	length uint32
	kind   kind
	id     uint64
}

func appendHeader(dst []byte, k kind, id uint64, length int) []byte {
	dst = le.AppendUint32(dst, uint32(length))
	dst = append(dst, byte(k), 0, 0, 0)
	return le.AppendUint64(dst, id)
}

// parseHeader reads a header. limit bounds the length of a payload that has a body; others are small.
func parseHeader(b []byte, limit int, mayCome func(kind) bool) (header, error) {
	h := header{length: le.Uint32(b), kind: kind(b[4]), id: le.Uint64(b[8:])}
	switch h.kind {
	case kindAppend, kindBatch, kindReply:
	default:
		limit = min(limit, maxSmall)
	}
	switch {
	case !mayCome(h.kind) || b[5]|b[6]|b[7] != 0:
		return h, &ProtocolError{Reason: fmt.Sprintf("no frame begins with % x", b[:8])}
	case uint64(h.length) > uint64(limit):
		return h, &ProtocolError{Reason: fmt.Sprintf("a frame of kind %d has %d bytes, at most %d", h.kind, h.length, limit)}
	}
	return h, nil
}

func fromClient(k kind) bool { return k >= kindHello && k <= kindAppend }
func fromServer(k kind) bool { return k == kindHello || k >= kindReply && k <= kindFailed }

// short is the error of a frame whose payload is not as long as it must be.
func short(k kind, n int) error {
	return &ProtocolError{Reason: fmt.Sprintf("a frame of kind %d has a payload of %d bytes", k, n)}
}
