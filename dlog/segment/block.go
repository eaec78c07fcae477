package segment

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// Batch is some records of a log with all that is known of them.
type Batch struct {
	Epoch   uint64 // of the log's writer
	First   uint64 // offset of the first record
	Count   uint32 // records, at least 1
	TxID    int64  // transaction id, not smaller than that of the batch before
	Time    int64  // nanoseconds since 1970, likewise
	Flags   uint8  // the owner's
	Codec   uint8  // how the payload is compressed; the owner's
	Payload []byte // at most MaxPayload bytes, never looked into
}

// Next returns the offset behind the batch.
func (b *Batch) Next() uint64 { return b.First + uint64(b.Count) }

// Parse returns the batch that begins with b and stands at a position of the file, and how many bytes it takes there. The
// batch borrows b. It fails with ErrShort when b ends inside the batch; size is then how many bytes are needed at least.
// It fails with ErrEnd where the batches of a sealed file end, and with a CorruptError when no batch verifies, or one of
// another place or file.
func Parse(b []byte, id ID, at int64) (batch Batch, size int, err error) {
	batch, kind, size, err := parseBlock(b, &id, at)
	if err == nil && kind != kindBatch {
		return Batch{}, 0, ErrEnd
	}
	return batch, size, err
}

// parseBlock is Parse for blocks of any kind.
func parseBlock(b []byte, id *ID, at int64) (Batch, uint8, int, error) {
	batch, kind, length, err := parseHead(b, id, at)
	if err != nil {
		return Batch{}, kind, length, err
	}
	size := blockSize(length)
	if len(b) < size {
		return Batch{}, kind, size, ErrShort
	}
	batch.Payload = b[blockHeader : blockHeader+length : blockHeader+length]
	if !intact(b, batch.Payload) {
		return Batch{}, kind, size, corrupt(id, at, errPayload)
	}
	return batch, kind, size, nil
}

// intact says whether a payload is the one that the block's header was made for.
func intact(b, payload []byte) bool {
	return Checksum(payload) == binary.LittleEndian.Uint32(b[4:])
}

// parseHead reads a block's header only, and returns the length of the payload, or with ErrShort the bytes needed.
func parseHead(b []byte, id *ID, at int64) (Batch, uint8, int, error) {
	if len(b) < blockHeader {
		return Batch{}, 0, blockHeader, ErrShort
	}
	le := binary.LittleEndian
	if !likely(b) || crc32.Update(id.salt(at), castagnoli, b[4:blockHeader]) != le.Uint32(b) {
		return Batch{}, 0, 0, corrupt(id, at, errBlock)
	}
	batch := Batch{
		Epoch: le.Uint64(b[24:]), First: le.Uint64(b[32:]), Count: le.Uint32(b[12:]),
		TxID: int64(le.Uint64(b[40:])), Time: int64(le.Uint64(b[48:])), Flags: b[17], Codec: b[18],
	}
	length := le.Uint32(b[8:])
	kind := b[16]
	if length > MaxPayload || kind == kindBatch && !batch.valid() {
		return Batch{}, 0, 0, corrupt(id, at, errBlock)
	}
	return batch, kind, int(length), nil
}

// likely says whether b may begin with a block. Most bytes that are none are refused by it.
func likely(b []byte) bool {
	return b[16] >= kindBatch && b[16] <= kindFooter && b[19] == 0
}

// valid says whether a batch has records, and offsets that there can be.
func (b *Batch) valid() bool {
	return b.Count > 0 && b.First <= math.MaxInt64-uint64(b.Count)
}

// follows says whether a batch may stand behind a mark.
func (b *Batch) follows(m *Mark) bool {
	return b.First == m.Offset && b.TxID >= m.TxID && b.Time >= m.Time
}

func corrupt(id *ID, at int64, err error) error {
	return &CorruptError{File: id.File, At: at, Err: err}
}
