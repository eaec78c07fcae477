package metadata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// rowVersion is the first byte of every row.
const rowVersion = 1

// Bits of the byte of flags.
const flagSealed = 1

// Sizes of a row: around its fields, and of the fields.
const (
	rowOverhead  = 1 + 4 // version and checksum
	sizeState    = 5 * 8
	sizeLog      = 7*8 + 2 // and the name
	sizeSegment  = 10*8 + 1
	sizeNumber   = 8
	sizePosition = 2 * 8
)

var (
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
	le          = binary.LittleEndian
	errChecksum = errors.New("the checksum is wrong")
	errFlags    = errors.New("a flag is set that has no meaning")
)

// state is the row of counters.
type state struct {
	commits  uint64 // transactions
	lastID   uint64 // given out by NextID
	lastFile uint64 // given out by NextFile
	content  content
}

// seal puts version and checksum around the fields of a row. The checksum covers the key, so that a row in another's
// place does not verify.
func seal(k, fields []byte) []byte {
	row := make([]byte, 0, rowOverhead+len(fields))
	row = append(append(row, rowVersion), fields...)
	return le.AppendUint32(row, rowChecksum(k, row))
}

func rowChecksum(k, row []byte) uint32 {
	return crc32.Update(crc32.Checksum(k, castagnoli), castagnoli, row)
}

// unseal returns the fields of a row, of which there are size bytes, or more if more is set. It shares the row.
func unseal(k, row []byte, size int, more bool) ([]byte, error) {
	n := len(row) - rowOverhead
	switch {
	case n < 0:
		return nil, corruptRow(k, fmt.Errorf("it has only %d bytes", len(row)))
	case rowChecksum(k, row[:1+n]) != le.Uint32(row[1+n:]):
		return nil, corruptRow(k, errChecksum)
	case row[0] != rowVersion:
		return nil, corruptRow(k, fmt.Errorf("%w: %d", ErrVersion, row[0]))
	case !wellFormed(k) && string(k) != seenFile:
		return nil, corruptRow(k, errors.New("the key has the wrong length"))
	case n < size || n > size && !more:
		return nil, corruptRow(k, fmt.Errorf("it has %d bytes of fields, want %d", n, size))
	}
	return row[1 : 1+n], nil
}

func corruptRow(k []byte, err error) error {
	return &CorruptError{Key: describe(k), Err: err}
}

func u64s(b []byte, values ...uint64) []byte {
	for _, v := range values {
		b = le.AppendUint64(b, v)
	}
	return b
}

// fields reads numbers one after another.
type fields []byte

func (f *fields) u64() uint64 {
	v := le.Uint64(*f)
	*f = (*f)[8:]
	return v
}

func (f *fields) i64() int64 { return int64(f.u64()) }

func (f *fields) u8() uint8 {
	v := (*f)[0]
	*f = (*f)[1:]
	return v
}

func flags(sealed bool) byte {
	if sealed {
		return flagSealed
	}
	return 0
}

func (s state) row(k []byte) []byte {
	return seal(k, u64s(nil, s.commits, s.lastID, s.lastFile, s.content.rows, s.content.sum))
}

func parseState(k, row []byte) (state, error) {
	b, err := unseal(k, row, sizeState, false)
	if err != nil {
		return state{}, err
	}
	f := fields(b)
	return state{commits: f.u64(), lastID: f.u64(), lastFile: f.u64(), content: content{rows: f.u64(), sum: f.u64()}}, nil
}

func (l *Log) row(k []byte) []byte {
	b := make([]byte, 0, sizeLog+len(l.Name))
	b = u64s(b, uint64(l.Created), l.Epoch, l.First, uint64(l.Retain.Age), uint64(l.Retain.Bytes), l.Parent, l.ForkedAt)
	b = append(b, flags(l.Sealed), l.Codec)
	return seal(k, append(b, l.Name...))
}

func parseLog(k, row []byte) (Log, error) {
	b, err := unseal(k, row, sizeLog, true)
	if err != nil {
		return Log{}, err
	}
	f := fields(b)
	l := Log{
		ID: number(k, 0), Created: f.i64(), Epoch: f.u64(), First: f.u64(),
		Retain: Retention{Age: time.Duration(f.i64()), Bytes: f.i64()}, Parent: f.u64(), ForkedAt: f.u64(),
	}
	set := f.u8()
	l.Codec, l.Sealed, l.Name = f.u8(), set == flagSealed, string(b[sizeLog:])
	if set&^flagSealed != 0 {
		return Log{}, corruptRow(k, errFlags)
	}
	return l, nil
}

func (s *Segment) row(k []byte) []byte {
	b := make([]byte, 0, sizeSegment)
	b = u64s(b, s.Owner, s.OwnerFirst, s.First, s.Next, uint64(s.Bytes), uint64(s.TxID), uint64(s.Time),
		uint64(s.FirstTxID), uint64(s.FirstTime), uint64(s.Created))
	return seal(k, append(b, flags(s.Sealed)))
}

func parseSegment(k, row []byte) (Segment, error) {
	b, err := unseal(k, row, sizeSegment, false)
	if err != nil {
		return Segment{}, err
	}
	f := fields(b)
	s := Segment{
		Log: number(k, 0), File: number(k, 1), Owner: f.u64(), OwnerFirst: f.u64(), First: f.u64(), Next: f.u64(),
		Bytes: f.i64(), TxID: f.i64(), Time: f.i64(), FirstTxID: f.i64(), FirstTime: f.i64(), Created: f.i64(),
	}
	set := f.u8()
	s.Sealed = set == flagSealed
	if set&^flagSealed != 0 {
		return Segment{}, corruptRow(k, errFlags)
	}
	return s, nil
}

func (s *Subscription) row(k []byte) []byte {
	return seal(k, u64s(nil, s.Offset, uint64(s.Updated)))
}

func parseSubscription(k, row []byte) (Subscription, error) {
	b, err := unseal(k, row, sizePosition, false)
	if err != nil {
		return Subscription{}, err
	}
	f := fields(b)
	return Subscription{Log: number(k, 0), Name: string(k[9:]), Offset: f.u64(), Updated: f.i64()}, nil
}

// numberRow is the row of a name, which holds the log's number, or of a tombstone, which holds when it was made.
func numberRow(k []byte, n uint64) []byte { return seal(k, u64s(nil, n)) }

func parseNumber(k, row []byte) (uint64, error) {
	b, err := unseal(k, row, sizeNumber, false)
	if err != nil {
		return 0, err
	}
	return le.Uint64(b), nil
}
