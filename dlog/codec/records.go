package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// tag is the byte before each record: field 1, with a length.
const tag = 0x0a

// ErrBody says that bytes are no body, or one with another number of records than it should have.
var ErrBody = errors.New("codec: not the body of a batch")

// Records goes over the records of a body. It borrows the body; so do the records that it returns.
//
//	records := codec.Walk(body)
//	for rec, ok := records.Next(); ok; rec, ok = records.Next() {
//		...
//	}
//	return records.Err()
type Records struct {
	body []byte // what is left
	bad  bool
}

// Walk returns an iterator that stands before the first record.
func Walk(body []byte) Records { return Records{body: body} }

// Next returns the next record, or false when there is none, or an error.
func (r *Records) Next() (rec []byte, ok bool) {
	if len(r.body) < 2 || r.body[0] != tag {
		r.bad = r.bad || len(r.body) > 0
		return nil, false
	}
	size, n := uint64(r.body[1]), 1
	if size >= 0x80 {
		size, n = binary.Uvarint(r.body[1:])
	}
	from := 1 + n
	if n <= 0 || size > uint64(len(r.body)-from) {
		r.bad = true
		return nil, false
	}
	to := from + int(size)
	rec, r.body = r.body[from:to:to], r.body[to:]
	return rec, true
}

// Err returns an error, ErrBody, if the records ended because the rest is none.
func (r *Records) Err() error {
	if r.bad {
		return fmt.Errorf("%w: no record in its last %d bytes", ErrBody, len(r.body))
	}
	return nil
}

// Count returns how many records a body has. It fails with ErrBody.
func Count(body []byte) (int, error) {
	n := 0
	records := Walk(body)
	for _, ok := records.Next(); ok; _, ok = records.Next() {
		n++
	}
	return n, records.Err()
}

// Validate returns nil if a body has that many records, and ErrBody if not.
func Validate(body []byte, count uint32) error {
	n, err := Count(body)
	if err == nil && uint64(n) != uint64(count) {
		err = fmt.Errorf("%w: %d records instead of %d", ErrBody, n, count)
	}
	return err
}

// AppendRecord appends a record to a body, which it may move. It borrows the record.
func AppendRecord(body, rec []byte) []byte {
	body = append(body, tag)
	body = binary.AppendUvarint(body, uint64(len(rec)))
	return append(body, rec...)
}
