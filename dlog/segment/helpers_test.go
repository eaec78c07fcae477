package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

const folder = "/segments"

var testID = ID{Store: 0x5152535455565758, File: 0xa3, Log: 7, First: 1000, Created: 99}

var testPath = FileName(folder, testID.File)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func newFS(tb testing.TB) *disktest.FS {
	tb.Helper()
	fs := disktest.New()
	must(tb, fs.MkdirAll(folder))
	return fs
}

func mustCreate(tb testing.TB, fs disk.FS) *Writer {
	tb.Helper()
	w, err := Create(fs, testPath, testID)
	must(tb, err)
	must(tb, fs.SyncDir(folder))
	return w
}

func mustOpen(tb testing.TB, fs disk.FS) *File {
	tb.Helper()
	f, err := Open(fs, testPath, testID)
	must(tb, err)
	return f
}

// made returns the batch that follows a mark, in a log where everything follows from the mark and a variant: another
// variant is what another history would have written there.
func made(m Mark, variant uint64, size int) Batch {
	rng := rand.New(rand.NewPCG(m.Offset, variant))
	b := Batch{
		Epoch: variant, First: m.Offset, Count: 1 + uint32(rng.IntN(5)), Flags: uint8(rng.Uint32()), Codec: uint8(rng.Uint32()),
		TxID: max(m.TxID, 0) + int64(rng.IntN(3)), Time: max(m.Time, 0) + int64(rng.IntN(100)), Payload: make([]byte, size),
	}
	for i := range b.Payload {
		b.Payload[i] = byte(rng.Uint32())
	}
	return b
}

// fill puts n batches of up to size bytes and returns them.
func fill(tb testing.TB, w *Writer, n, size int) []Batch {
	tb.Helper()
	batches := make([]Batch, n)
	for i := range batches {
		batches[i] = made(w.next, 1, (i*137)%(size+1))
		must(tb, w.Put(&batches[i], Checksum(batches[i].Payload)))
	}
	return batches
}

// readFrom returns the batches from a position to another, or up to an error.
func readFrom(f *File, at, end int64) ([]Batch, error) {
	var got []Batch
	buf := make([]byte, 64)
	for at < end {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return got, err
		}
		b, size, err := Parse(buf[:n], f.ID(), at)
		if errors.Is(err, ErrShort) && int64(size) <= end-at && n == min(len(buf), int(end-at)) {
			buf = make([]byte, max(size, 2*len(buf)))
			continue
		}
		if err != nil {
			return got, err
		}
		b.Payload = bytes.Clone(b.Payload)
		got = append(got, b)
		at += int64(size)
	}
	return got, nil
}

func same(a, b *Batch) bool {
	return a.Epoch == b.Epoch && a.First == b.First && a.Count == b.Count && a.TxID == b.TxID && a.Time == b.Time &&
		a.Flags == b.Flags && a.Codec == b.Codec && bytes.Equal(a.Payload, b.Payload)
}

// compare says how batches differ from those that should be there.
func compare(got, want []Batch) error {
	for i := range min(len(got), len(want)) {
		if !same(&got[i], &want[i]) {
			return fmt.Errorf("batch %d was changed: it has %d records from %d, want %d from %d", i, got[i].Count, got[i].First, want[i].Count, want[i].First)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d batches instead of %d", len(got), len(want))
	}
	return nil
}

// seekAll looks for every batch by every key and compares with what a walk over all of them finds.
func seekAll(f *File, batches []Batch, end int64) error {
	at := make([]int64, 0, len(batches)+1)
	at = append(at, dataStart)
	for i := range batches {
		at = append(at, at[i]+int64(blockSize(len(batches[i].Payload))))
	}
	for _, k := range []Key{ByOffset, ByTxID, ByTime} {
		for i := range batches {
			b := &batches[i]
			for _, v := range [][]int64{
				{int64(b.First) - 1, int64(b.First), int64(b.Next()) - 1, int64(b.Next())}, {b.TxID - 1, b.TxID, b.TxID + 1}, {b.Time - 1, b.Time, b.Time + 1},
			}[k] {
				want := 0
				for want < len(batches) && !batches[want].reaches(k, v) {
					want++
				}
				if got, err := f.Seek(k, v, end); err != nil || got != at[want] {
					return fmt.Errorf("key %d, %d: at %d, %w, want %d", k, v, got, err, at[want])
				}
			}
		}
		for v, want := range map[int64]int64{math.MinInt64: dataStart, math.MaxInt64: at[len(batches)]} {
			if got, err := f.Seek(k, v, end); err != nil || got != want {
				return fmt.Errorf("key %d, %d: at %d, %w, want %d", k, v, got, err, want)
			}
		}
	}
	return nil
}

// checked runs Check and makes sure that its ranges cover the file.
func checked(tb testing.TB, fs disk.FS, id *ID) (Report, []Range) {
	tb.Helper()
	var ranges []Range
	at := int64(0)
	report, err := Check(fs, testPath, id, func(r Range) {
		if r.From != at || r.To <= r.From {
			tb.Errorf("range %+v follows one that ends at %d", r, at)
		}
		at = r.To
		r.Batch.Payload = bytes.Clone(r.Batch.Payload)
		ranges = append(ranges, r)
	})
	must(tb, err)
	if at != report.Size {
		tb.Errorf("the ranges end at %d, the file at %d", at, report.Size)
	}
	return report, ranges
}

// whole returns the batches that Check has found.
func whole(ranges []Range) []Batch {
	var batches []Batch
	for _, r := range ranges {
		if r.What == Data {
			batches = append(batches, r.Batch)
		}
	}
	return batches
}
