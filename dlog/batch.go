package dlog

import "github.com/ardea-stream/ardea/dlog/codec"

// Batch is records that are appended together: they get consecutive offsets, and one transaction id and time. It can be
// used again after Reset. The zero value is an empty batch.
type Batch struct {
	body  []byte
	own   []byte // memory of body, if it was built here
	count uint32
	txid  int64
	ready bool // the body was built here
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() *Batch {
	*b = Batch{own: b.own[:0]}
	return b
}

// Add adds a record, which it copies.
func (b *Batch) Add(record []byte) *Batch {
	if !b.ready {
		b.body, b.count, b.ready = b.own[:0], 0, true
	}
	b.body = codec.AppendRecord(b.body, record)
	b.own = b.body
	b.count++
	return b
}

// Body makes the batch that of a body in its encoded form, with so many records. It borrows the body until the batch is
// appended, which checks it.
func (b *Batch) Body(body []byte, count uint32) *Batch {
	b.body, b.count, b.ready = body, count, false
	return b
}

// TxID sets the transaction id, which must not be lower than that of the batch before. Default: 0.
func (b *Batch) TxID(id int64) *Batch {
	b.txid = id
	return b
}

// Len returns how many bytes the batch has, not compressed.
func (b *Batch) Len() int { return len(b.body) }

// Count returns how many records it has.
func (b *Batch) Count() int { return int(b.count) }
