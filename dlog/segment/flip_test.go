package segment

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/invariants"
)

// flipped returns a file of n batches and calls try with every bit of it flipped, one at a time.
func flipped(t *testing.T, n int, seal bool, try func(fs *disktest.FS, batches []Batch, end Mark, at int64)) {
	t.Helper()
	fs := newFS(t)
	w := mustCreate(t, fs)
	batches := fill(t, w, n, 90)
	must(t, w.Write())
	if seal {
		must(t, w.Seal())
	}
	end := w.End()
	must(t, w.Close())
	b, err := fs.ReadFile(testPath)
	must(t, err)
	step := 1
	if testing.Short() || invariants.Enabled {
		step = 7
	}
	for bit := 0; bit < 8*len(b); bit += step {
		if bit/8 == fileHeader {
			bit = 8 * (dataStart - 2) // the zeros between are all alike
		}
		b[bit/8] ^= 1 << (bit % 8)
		must(t, fs.WriteFile(testPath, b))
		try(fs, batches, end, int64(bit/8))
		b[bit/8] ^= 1 << (bit % 8)
		if t.Failed() {
			t.Fatalf("bit %d of byte %d", bit%8, bit/8)
		}
	}
}

// reading opens a file, reads all batches up to its end, and looks for each in every way.
func reading(fs *disktest.FS, batches []Batch, end Mark) (sealed bool, damaged, err error) {
	f, err := Open(fs, testPath, testID)
	if err != nil {
		return false, nil, err
	}
	defer f.Close()
	if foot, ok := f.Footer(); ok && (foot.End != end || foot.Batches != uint64(len(batches))) {
		return true, nil, fmt.Errorf("the footer says %+v without an error", foot)
	}
	got, err := readFrom(f, dataStart, end.At)
	if err != nil {
		for i := range got {
			if !same(&got[i], &batches[i]) {
				err = errors.New("a batch was changed without an error")
			}
		}
		return f.Sealed(), f.Damaged(), err
	}
	if err := errors.Join(compare(got, batches), seekAll(f, batches, end.At)); err != nil {
		return f.Sealed(), f.Damaged(), fmt.Errorf("without an error: %w", err)
	}
	return f.Sealed(), f.Damaged(), nil
}

// TestFlippedBits flips every bit of a sealed file and of one that is not: either all reads are right, or they fail with
// a CorruptError. What hits index or footer only is told, and hurts no read. Check finds each flip but those in padding.
func TestFlippedBits(t *testing.T) {
	for _, seal := range []bool{false, true} {
		met := map[string]int{}
		flipped(t, 5, seal, func(fs *disktest.FS, batches []Batch, end Mark, at int64) {
			sealed, damaged, err := reading(fs, batches, end)
			switch {
			case err != nil && !errors.Is(err, ErrCorrupt):
				t.Error(err)
			case err != nil && at >= end.At:
				t.Errorf("damage behind the batches hurts: %v", err)
			case err != nil:
				met["refused"]++
			case at >= end.At && sealed && damaged == nil && at < end.At+blockHeader:
				t.Error("damage of the index is not told")
			case at >= end.At && damaged == nil && !sealed:
				met["footer gone"]++
			case damaged != nil && !errors.Is(damaged, ErrCorrupt):
				t.Error(damaged)
			case damaged != nil:
				met["damage told"]++
			}
			checkFlip(t, fs, batches, end, at, seal)
		})
		t.Logf("sealed %v: %v", seal, met)
		if met["refused"] == 0 || seal && (met["footer gone"] == 0 || met["damage told"] == 0) {
			t.Errorf("sealed %v: the flips are harmless: %v", seal, met)
		}
	}
}

// checkFlip runs Check on a file of which one byte is damaged.
func checkFlip(t *testing.T, fs *disktest.FS, batches []Batch, end Mark, at int64, seal bool) {
	t.Helper()
	report, ranges := checked(t, fs, &testID)
	if at >= 8 && at < 12 {
		if len(ranges) != 2 || !errors.Is(ranges[0].Err, ErrVersion) {
			t.Errorf("another version: %+v", ranges)
		}
		return
	}
	faults, padding := 0, false
	for _, r := range ranges {
		if r.From <= at && at < r.To && r.What == Data {
			padding = at >= r.From+blockHeader+int64(len(r.Batch.Payload))
		}
		if r.Err == nil && r.What != Zero || errors.Is(r.Err, errUnsealed) {
			continue
		}
		if faults++; at < r.From || at >= r.To {
			t.Errorf("the damage at %d, %v from %d to %d", at, r.What, r.From, r.To)
		}
		if r.What == Torn && seal && at < end.At {
			t.Errorf("damage in a sealed file is called torn at %d", r.From)
		}
	}
	got := whole(ranges)
	if faults == 0 && !padding && at < end.At || len(got) < len(batches)-1 || seal && at < end.At && !report.Sealed {
		t.Errorf("%d faults, %d batches of %d, %+v", faults, len(got), len(batches), report)
	}
	for i := range got {
		if got[i].First < batches[i].First || !same(&got[i], &batches[i]) && !same(&got[i], &batches[i+1]) {
			t.Error("Check shows a batch that was changed")
		}
	}
}

// TestDamagedIndexIsRebuilt damages the index of a file that is large enough to have a few entries.
func TestDamagedIndexIsRebuilt(t *testing.T) {
	fs := newFS(t)
	w := mustCreate(t, fs)
	batches := fill(t, w, 60, 4000)
	must(t, w.Seal())
	end := w.End()
	b, err := fs.ReadFile(testPath)
	must(t, err)
	b[end.At+blockHeader+40] ^= 1
	must(t, fs.WriteFile(testPath, b))
	f := mustOpen(t, fs)
	must(t, seekAll(f, batches, math.MaxInt64))
	c, ok := errors.AsType[*CorruptError](f.Damaged())
	if !f.Sealed() || !ok || c.At != end.At || c.Path != testPath || len(f.mu.index.entries) < 3 {
		t.Errorf("sealed %v, %d entries, %v", f.Sealed(), len(f.mu.index.entries), f.Damaged())
	}
}
