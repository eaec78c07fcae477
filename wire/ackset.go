package wire

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

// Tags of an AckSet and of an Ack message.
const (
	tagAck     = 2<<3 | 2
	tagAckRoot = 1<<3 | 2
	tagAckWord = 2<<3 | 1
)

// MaxSetAck is the most that one ack takes in an encoded AckSet, in bytes.
const MaxSetAck = 2 + 2 + (1 + binary.MaxVarintLen32 + 1 + binary.MaxVarintLen64) + KeyHashSize

// ParseAckSet decodes what travels between stream managers in the modes that
// use protobuf objects: every ack of m is a new object. It keeps nothing of
// body. The error wraps ErrAcks.
func ParseAckSet(body []byte, m *wirepb.AckSet) error {
	if err := proto.Unmarshal(body, m); err != nil {
		return fmt.Errorf("%w: %w", ErrAcks, err)
	}
	return nil
}

// ReuseAckSet is ParseAckSet into a set that was used before, whose objects it
// fills again.
func ReuseAckSet(body []byte, m *wirepb.AckSet) error {
	m.DestTask, m.Acks = 0, m.Acks[:0]
	for off := 0; off < len(body); {
		tag, val, next := plainField(body, off)
		switch {
		case next >= 0 && tag == tagDestTask:
			u, _ := binary.Uvarint(body[val:next])
			m.DestTask = uint32(u)
		case next >= 0 && tag == tagAck && reuseAck(body[val:next], AddAck(m)):
		default: // unknown fields, which are not kept, or malformed bytes
			var fresh wirepb.AckSet
			err := ParseAckSet(body, &fresh)
			m.DestTask, m.Acks = fresh.GetDestTask(), fresh.GetAcks()
			return err
		}
		off = next
	}
	return nil
}

func reuseAck(b []byte, a *wirepb.Ack) bool {
	a.Root.Task, a.Root.Seq, a.Word = 0, 0, 0
	for off := 0; off < len(b); {
		tag, val, next := plainField(b, off)
		switch {
		case next >= 0 && tag == tagAckRoot:
			if !parseRoot(b[val:next], a.Root) {
				return false
			}
		case next >= 0 && tag == tagAckWord:
			a.Word = binary.LittleEndian.Uint64(b[val:])
		default:
			return false
		}
		off = next
	}
	return true
}

// AddAck lengthens a set by an ack that has a root, and returns it. The object
// is one that the set has had before, with whatever is in it, or a new one.
func AddAck(m *wirepb.AckSet) *wirepb.Ack {
	n := len(m.Acks)
	if n < cap(m.Acks) {
		if a := m.Acks[:n+1][n]; a != nil && a.Root != nil {
			m.Acks = m.Acks[:n+1]
			return a
		}
	}
	a := &wirepb.Ack{Root: &wirepb.Root{}}
	m.Acks = append(m.Acks, a)
	return a
}

// AckSetSize returns the length of m when encoded.
func AckSetSize(m *wirepb.AckSet) int { return proto.Size(m) }

// AppendAckSet appends the encoding of m. AckSetSize must have been called since
// m was changed.
func AppendAckSet(dst []byte, m *wirepb.AckSet) []byte { return appendSized(dst, m) }
