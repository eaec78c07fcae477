package torture

import (
	"encoding/binary"
	"hash/crc32"
)

// stamp is what a record says of itself. All else in it follows from that.
type stamp struct {
	Cycle  uint32
	Log    uint16
	Writer uint16
	Number uint64 // of the writer's records in this log and cycle, from 0
}

const stampBytes = 16

// record appends the record of a stamp to b.
func (s stamp) record(b []byte, seed uint64) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, s.Cycle)
	b = binary.LittleEndian.AppendUint16(b, s.Log)
	b = binary.LittleEndian.AppendUint16(b, s.Writer)
	b = binary.LittleEndian.AppendUint64(b, s.Number)
	sum := crc32.ChecksumIEEE(b[at:]) ^ uint32(seed) ^ uint32(seed>>32)
	for n := sum % 64; n > 0; n-- {
		sum = sum*1664525 + 1013904223
		b = binary.LittleEndian.AppendUint32(b, sum)
	}
	return b
}

// parse returns the stamp of a record, and whether it is the one that was appended.
func parse(record []byte, seed uint64, scratch *[]byte) (s stamp, ok bool) {
	if len(record) < stampBytes {
		return s, false
	}
	s = stamp{
		Cycle: binary.LittleEndian.Uint32(record), Log: binary.LittleEndian.Uint16(record[4:]),
		Writer: binary.LittleEndian.Uint16(record[6:]), Number: binary.LittleEndian.Uint64(record[8:]),
	}
	*scratch = s.record((*scratch)[:0], seed)
	return s, string(*scratch) == string(record)
}
