package segment

import (
	"errors"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/internal/invariants"
)

// TestBatchesDoNotAllocate counts what writing and reading allocate for each batch in the steady state.
func TestBatchesDoNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checks may allocate")
	}
	fsys, path := disk.OS{}, FileName(t.TempDir(), testID.File)
	w, err := Create(fsys, path, testID)
	must(t, err)
	payload := make([]byte, 1000)
	put := func() {
		m := &w.next
		must(t, w.Put(&Batch{First: m.Offset, Count: 3, TxID: max(m.TxID, 0) + 1, Time: max(m.Time, 0), Payload: payload}, Checksum(payload)))
	}
	if n := testing.AllocsPerRun(100, func() {
		for range 64 {
			put()
		}
		must(t, w.Write())
	}); n > 1 { // the pool may lose a buffer
		t.Errorf("%v allocations for 64 batches put and written", n)
	}
	f, err := Open(fsys, path, testID)
	must(t, err)
	buf, at := make([]byte, 2000), int64(dataStart)
	if n := testing.AllocsPerRun(100, func() {
		for range 10 {
			if _, err := f.ReadAt(buf, at); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Parse(buf[:900], f.ID(), at); !errors.Is(err, ErrShort) {
				t.Fatal(err)
			}
			_, size, err := Parse(buf, f.ID(), at)
			must(t, err)
			at += int64(size)
		}
	}); n != 0 {
		t.Errorf("%v allocations for 10 batches read", n)
	}
	must(t, errors.Join(f.Close(), w.Close()))
}
