package logbench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/ardea-stream/ardea/dlog"
)

// A record says who has written it and which of the writer's it is: run (u32), writer (u32), number from 0 (u64), and
// bytes that follow from run and writer.
const stampBytes = 16

// newRecord returns record 0 of a writer.
func newRecord(run, writer uint32, size int) []byte {
	b := make([]byte, max(size, stampBytes))
	binary.LittleEndian.PutUint32(b, run)
	binary.LittleEndian.PutUint32(b[4:], writer)
	random := rand.New(rand.NewPCG(uint64(run), uint64(writer)))
	for i := stampBytes; i < len(b); i++ {
		b[i] = byte(random.Uint32())
	}
	return b
}

// number makes a record the writer's one of that number.
func number(record []byte, n uint64) { binary.LittleEndian.PutUint64(record[8:], n) }

// tally checks records that are read back: all writers' records must come as they were written, in order, each once.
type tally struct {
	where string
	run   uint32
	first [][]byte // record of each writer
	next  []uint64 // number of its next record
}

func newTally(where string, run uint32, writers, size int) *tally {
	t := &tally{where: where, run: run, next: make([]uint64, writers)}
	for w := range writers {
		t.first = append(t.first, newRecord(run, uint32(w), size))
	}
	return t
}

// see takes the next record of a log.
func (t *tally) see(record []byte) error {
	if len(record) < stampBytes || binary.LittleEndian.Uint32(record) != t.run {
		return &CheckError{t.where, fmt.Sprintf("a record of %d bytes that nobody has written", len(record))}
	}
	w, n := binary.LittleEndian.Uint32(record[4:]), binary.LittleEndian.Uint64(record[8:])
	if w >= uint32(len(t.next)) || !bytes.Equal(record[stampBytes:], t.first[w][stampBytes:]) {
		return &CheckError{t.where, fmt.Sprintf("a record of writer %d was changed", w)}
	}
	if n != t.next[w] {
		return &CheckError{t.where, fmt.Sprintf("record %d of writer %d stands where %d should", n, w, t.next[w])}
	}
	t.next[w]++
	return nil
}

// agrees compares with what was acknowledged to each writer.
func (t *tally) agrees(acknowledged []uint64) error {
	for w, n := range t.next {
		if n != acknowledged[w] {
			return &CheckError{t.where, fmt.Sprintf("%d records of writer %d were acknowledged, %d are there", acknowledged[w], w, n)}
		}
	}
	return nil
}

// readBack reads a log from an offset to what is its end now, and returns the offset there.
func (t *tally) readBack(ctx context.Context, l *dlog.Log, from uint64) (end uint64, err error) {
	info, err := l.Info()
	if err != nil || info.Committed == from {
		return from, err
	}
	r, err := l.NewReader(dlog.Offset(from), dlog.ReadOptions{})
	if err != nil {
		return from, err
	}
	defer func() { _ = r.Close() }()
	for r.Position() < info.Committed {
		records, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r.Position(), err
		}
		for _, record := range records.All() {
			if err := t.see(record); err != nil {
				return r.Position(), err
			}
		}
	}
	return r.Position(), nil
}
