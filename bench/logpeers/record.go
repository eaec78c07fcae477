package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
)

// A record is its writer (4 bytes), its number with that writer from 0 (8 bytes), both little endian, and bytes that
// do not compress and are the same in all records of a writer.
const recordHeader = 12

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// tally counts records and adds up their checksums, in whatever order they come.
type tally struct {
	records, sum uint64
}

func (t *tally) add(record []byte) {
	t.records++
	t.sum += uint64(crc32.Checksum(record, castagnoli))
}

func (t *tally) merge(o tally) {
	t.records += o.records
	t.sum += o.sum
}

// source makes the records of one writer, batch by batch, in the same buffers.
type source struct {
	next  uint64
	batch [][]byte
	made  tally // of the batch
}

func newSource(writer, batch, size int) *source {
	filler := make([]byte, size)
	binary.LittleEndian.PutUint32(filler, uint32(writer))
	random := rand.NewChaCha8([32]byte{byte(writer), byte(writer >> 8)})
	_, _ = random.Read(filler[recordHeader:]) // never fails
	s := &source{batch: make([][]byte, batch)}
	for i := range s.batch {
		s.batch[i] = append([]byte(nil), filler...)
	}
	return s
}

// records returns the next batch, which is valid until the next call.
func (s *source) records() [][]byte {
	s.made = tally{}
	for _, r := range s.batch {
		binary.LittleEndian.PutUint64(r[4:], s.next)
		s.next++
		s.made.add(r)
	}
	return s.batch
}

// check reads back all that st holds and compares it with what each writer was told is durable.
func check(ctx context.Context, name string, st store, size int, acknowledged []tally) (tally, error) {
	found := make([]tally, len(acknowledged))
	err := st.read(func(record []byte) error {
		if len(record) != size {
			return &CheckError{name, -1, fmt.Sprintf("read a record of %d bytes, all were of %d", len(record), size)}
		}
		writer := binary.LittleEndian.Uint32(record)
		if int64(writer) >= int64(len(found)) {
			return &CheckError{name, -1, fmt.Sprintf("read a record of writer %d, there were %d", writer, len(found))}
		}
		found[writer].add(record)
		return ctx.Err()
	})
	var all tally
	if err != nil {
		return all, err
	}
	for writer, want := range acknowledged {
		switch have := found[writer]; {
		case have.records != want.records:
			return all, &CheckError{name, writer, fmt.Sprintf("%d records acknowledged, %d read back", want.records, have.records)}
		case have.sum != want.sum:
			return all, &CheckError{name, writer, fmt.Sprintf("%d records read back, as many as acknowledged, but not the same", have.records)}
		}
		all.merge(want)
	}
	return all, nil
}
