package wire

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

// ParseBatch decodes a data body into m with the protobuf library: every tuple
// and value of m is a new object. It keeps nothing of body. The error wraps ErrRecord.
func ParseBatch(body []byte, m *wirepb.TupleBatch) error {
	if err := proto.Unmarshal(body, m); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return nil
}

// BatchSize returns the length of m as a data body. The messages within m
// remember their own lengths, for the call of AppendBatch that follows.
func BatchSize(m *wirepb.TupleBatch) int { return proto.Size(m) }

// AppendBatch appends m as a data body. BatchSize must have been called since m
// was changed. It panics when a string of m is not valid UTF-8, which ParseBatch
// and TupleSlot.Parse never leave in a message.
func AppendBatch(dst []byte, m *wirepb.TupleBatch) []byte { return appendSized(dst, m) }

// CloneTuple returns a deep copy of t.
func CloneTuple(t *wirepb.Tuple) *wirepb.Tuple { return proto.CloneOf(t) }

// ParseEnvelope decodes what travels between stream managers in the modes that
// use protobuf objects. It keeps nothing of body. The error wraps ErrRecord.
func ParseEnvelope(body []byte, m *wirepb.Envelope) error {
	if err := proto.Unmarshal(body, m); err != nil {
		return fmt.Errorf("%w: envelope: %w", ErrRecord, err)
	}
	return nil
}

// EnvelopeSize returns the length of m when encoded.
func EnvelopeSize(m *wirepb.Envelope) int { return proto.Size(m) }

// AppendEnvelope appends the encoding of m. EnvelopeSize must have been called
// since m was changed.
func AppendEnvelope(dst []byte, m *wirepb.Envelope) []byte { return appendSized(dst, m) }

func appendSized(dst []byte, m proto.Message) []byte {
	out, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(dst, m)
	if err != nil {
		panic(fmt.Sprintf("wire: message that was parsed cannot be encoded: %v", err))
	}
	return out
}
