package segment

import (
	"bytes"
	"errors"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

// FuzzParse parses any bytes: it must not panic, take more than there is, or ask for more than a block can have. A block
// made of what came out must be the same bytes, but for the padding.
func FuzzParse(f *testing.F) {
	golden := readGolden(f)
	f.Add(golden[dataStart:], int64(dataStart), true)
	f.Add(golden, int64(0), false)
	f.Fuzz(func(t *testing.T, b []byte, at int64, repair bool) {
		if repair && len(b) >= blockHeader { // so that not all inputs end at a checksum
			length := min(int(b[8]), len(b)-blockHeader)
			h := Batch{Flags: b[17], Codec: b[18], Count: 1, Payload: b[blockHeader:][:length]}
			b = append(bytes.Clone(b), make([]byte, alignment)...)
			putBlock(b[:blockSize(length)], &goldenID, at, b[16], &h, Checksum(h.Payload))
		}
		batch, size, err := Parse(b, goldenID, at)
		switch {
		case err == nil && (size > len(b) || size != blockSize(len(batch.Payload)) || batch.Count == 0):
			t.Fatalf("%d bytes of %d, %+v", size, len(b), batch)
		case errors.Is(err, ErrShort) && (size <= len(b) || size > blockSize(MaxPayload)):
			t.Fatalf("%d bytes are needed of %d", size, len(b))
		case err == nil:
			again := make([]byte, size)
			putBlock(again, &goldenID, at, kindBatch, &batch, Checksum(batch.Payload))
			if got, want := string(again[:blockHeader+len(batch.Payload)]), string(b[:blockHeader+len(batch.Payload)]); got != want {
				t.Fatalf("% x became % x", want, got)
			}
		}
	})
}

// FuzzFile checks, opens, reads and writes on a file of any bytes: nothing panics, all bytes are explained, and a file
// that calls itself sealed has batches up to where it says, or an error.
func FuzzFile(f *testing.F) {
	golden := readGolden(f)
	f.Add(golden, uint16(0), byte(0))
	f.Add(golden[:len(golden)-footerSize], uint16(600), byte(1))
	f.Add(golden[:dataStart], uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, hit uint16, with byte) {
		fs := disktest.New()
		must(t, fs.MkdirAll(folder))
		path := FileName(folder, goldenID.File)
		if b = bytes.Clone(b); len(b) > 0 {
			b[int(hit)%len(b)] ^= with
		}
		must(t, fs.WriteFile(path, b))
		for _, id := range []*ID{nil, &goldenID} {
			at := int64(0)
			report, err := Check(fs, path, id, func(r Range) {
				if r.From != at || r.To <= r.From {
					t.Fatalf("%+v follows %d", r, at)
				}
				at = r.To
			})
			if err != nil || at != int64(len(b)) {
				t.Fatalf("%+v, %v, explained to %d", report, err, at)
			}
		}
		file, err := Open(fs, path, goldenID)
		if err != nil {
			return
		}
		end := int64(len(b))
		if foot, ok := file.Footer(); ok {
			end = foot.End.At
		}
		for _, k := range []Key{ByOffset, ByTxID, ByTime} {
			if at, err := file.Seek(k, int64(hit), end); err == nil && (at < dataStart || at > end) {
				t.Fatalf("key %d at %d of %d", k, at, end)
			}
		}
		_, _ = readFrom(file, dataStart, end)
		w, err := Append(fs, path, goldenID, goldenID.Start())
		must(t, err)
		fill(t, w, 3, 100)
		must(t, w.Seal())
	})
}
