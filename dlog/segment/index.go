package segment

import (
	"encoding/binary"
	"math"
	"sort"
)

// entry is the place of a batch.
type entry struct {
	first    uint64
	txid     int64
	time     int64
	position int64
}

// index knows some batches of a file, one each 32 KiB or so, and sums them all up.
type index struct {
	entries []entry
	batches uint64
	txid    int64 // of the first batch
	time    int64 // of the first batch
}

// add tells of the batch that follows those told of.
func (x *index) add(b *Batch, at int64) {
	if x.batches == 0 {
		x.txid, x.time = b.TxID, b.Time
	}
	x.batches++
	if n := len(x.entries); n == 0 || at-x.entries[n-1].position >= indexEvery {
		x.entries = append(x.entries, entry{b.First, b.TxID, b.Time, at})
	}
}

// before returns the position of a known batch that is not behind the first one that Seek is to find, or of the first.
func (x *index) before(k Key, v int64) int64 {
	n := sort.Search(len(x.entries), func(i int) bool {
		e := &x.entries[i]
		switch k {
		case ByTxID:
			return e.txid >= v
		case ByTime:
			return e.time >= v
		default:
			return e.first > uint64(v)
		}
	})
	if n == 0 {
		return dataStart
	}
	return x.entries[n-1].position
}

// appendTo appends the entries' bytes.
func (x *index) appendTo(b []byte) []byte {
	le := binary.LittleEndian
	for _, e := range x.entries {
		b = le.AppendUint64(b, e.first)
		b = le.AppendUint64(b, uint64(e.txid))
		b = le.AppendUint64(b, uint64(e.time))
		b = le.AppendUint64(b, uint64(e.position))
	}
	return b
}

// parseIndex reads entries, which must lie in order before the end of the batches.
func parseIndex(b []byte, end *Mark) ([]entry, bool) {
	if len(b)%indexEntry != 0 || (len(b) == 0) != (end.At == dataStart) {
		return nil, false
	}
	le := binary.LittleEndian
	entries := make([]entry, 0, len(b)/indexEntry)
	last := entry{txid: math.MinInt64, time: math.MinInt64}
	for ; len(b) > 0; b = b[indexEntry:] {
		e := entry{le.Uint64(b), int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:])), int64(le.Uint64(b[24:]))}
		ordered := e.first > last.first && e.position > last.position
		if len(entries) == 0 {
			ordered = e.position == dataStart
		}
		if !ordered || e.txid < last.txid || e.time < last.time || e.first >= end.Offset || e.position >= end.At || e.position%alignment != 0 {
			return nil, false
		}
		entries, last = append(entries, e), e
	}
	return entries, true
}
