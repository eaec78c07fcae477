package dlog

import (
	"encoding/binary"
	"iter"

	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/pool"
)

// Records are consecutive records of one batch, as a reader gives them out. They are valid until the next call of the
// reader, unless they are retained.
type Records struct {
	First uint64 // offset of the first of them
	Count uint32
	TxID  int64
	Time  int64 // ns since 1970
	Epoch uint64

	body []byte
	buf  *pool.Buf // that the body is in
}

// Next returns the offset behind them.
func (r *Records) Next() uint64 { return r.First + uint64(r.Count) }

// Body returns the records in their encoded form, borrowed as they are.
func (r *Records) Body() []byte { return r.body }

// All goes over the offsets and the bytes of the records, which are borrowed as they are.
func (r *Records) All() iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		walk := codec.Walk(r.body)
		for at := r.First; at < r.Next(); at++ {
			rec, ok := walk.Next()
			if !ok || !yield(at, rec) {
				return
			}
		}
	}
}

// Retain returns the records, valid until they are released: they share the memory that they stand in.
func (r *Records) Retain() *Records {
	r.buf.Retain()
	kept := *r
	return &kept
}

// Release gives up records that Retain has returned.
func (r *Records) Release() {
	release(&r.buf)
	r.body = nil
}

// cut leaves of the records those from an offset on and before another.
func (r *Records) cut(from, to uint64) error {
	from, to = max(from, r.First), min(to, r.Next())
	begin, err := skip(r.body, from-r.First)
	if err != nil {
		return err
	}
	end := len(r.body)
	if to < r.Next() {
		n, err := skip(r.body[begin:], to-from)
		if err != nil {
			return err
		}
		end = begin + n
	}
	r.body, r.First, r.Count = r.body[begin:end:end], from, uint32(to-from)
	return nil
}

// skip returns how many bytes the first n records of a body take.
func skip(body []byte, n uint64) (int, error) {
	at := 0
	for ; n > 0; n-- {
		if at >= len(body) {
			return 0, codec.ErrBody
		}
		size, width := binary.Uvarint(body[at+1:])
		if width <= 0 || size > uint64(len(body)-at-1-width) {
			return 0, codec.ErrBody
		}
		at += 1 + width + int(size)
	}
	return at, nil
}
