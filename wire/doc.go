// Package wire defines the bytes between Ardea's processes: the frame header,
// the tuple records of a data frame, and the handshake.
//
// A frame is a header of 24 bytes, little-endian, and a body:
//
//	offset  type  field
//	0       u32   body length, at most MaxBody
//	4       u8    kind
//	5       u8    flags: bit 0 keyed, bit 1 anchored, bits 4-5 codec
//	6       u16   stream index in the physical plan
//	8       u32   source task
//	12      u32   destination task; 0 = the stream manager routes the frame
//	16      u32   tuple count (data), bytes granted (credit), level (clamp)
//	20      u32   plan epoch
//
// The body of a data frame is the protobuf encoding of wirepb.TupleBatch: a
// concatenation of records, each a tag (0x0a), a varint length, and a tuple.
// Ardea writes a tuple's fields in a fixed order, so the i-th key hash stands
// at offset 1+9i of the tuple and a router finds it without decoding anything:
//
//	0a len | 09 hash … | 11 edge | 1a root … | 22 len value …
//	         8 bytes each  8 bytes
//
// Bytes in another order are legal protobuf; [KeyHash] and [Record] read them
// on a slower path with the same answer.
//
// All of it, with test vectors for other languages, is told in docs/wire.md.
//
// Functions called Append… write to the end of a slice and return it; Parse…
// functions borrow their input and never keep it. Nothing here starts a
// goroutine and nothing is safe for use by several at once, except the
// package-level functions.
package wire
