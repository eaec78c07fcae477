package segment

import (
	"errors"
	"testing"
)

// sealedFile returns the bytes of a sealed file of a store, and its batches.
func sealedFile(t *testing.T, id ID, n int) ([]byte, []Batch) {
	t.Helper()
	fs := newFS(t)
	w, err := Create(fs, FileName(folder, id.File), id)
	must(t, err)
	batches := fill(t, w, n, 300)
	must(t, w.Seal())
	b, err := fs.ReadFile(FileName(folder, id.File))
	must(t, err)
	return b, batches
}

// TestGarbageFiles opens what is not the file that it should be.
func TestGarbageFiles(t *testing.T) {
	good, _ := sealedFile(t, testID, 10)
	other := func(change func(*ID)) []byte {
		id := testID
		change(&id)
		b, _ := sealedFile(t, id, 10)
		return b
	}
	newer := append([]byte{}, good...)
	newer[8] = 2
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":         {nil, errFileEnds},
		"short":         {good[:dataStart-1], errFileEnds},
		"zeros":         {make([]byte, 10_000), errBlank},
		"text":          {[]byte("text" + string(make([]byte, 600))), errMagic},
		"other version": {newer, ErrVersion},
		"other store":   {other(func(id *ID) { id.Store++ }), ErrForeign},
		"other file":    {other(func(id *ID) { id.File++ }), ErrForeign},
		"other log":     {other(func(id *ID) { id.Log++ }), ErrForeign},
		"other first":   {other(func(id *ID) { id.First++ }), ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			fs := newFS(t)
			must(t, fs.WriteFile(testPath, c.b))
			_, err := Open(fs, testPath, testID)
			if found, ok := errors.AsType[*CorruptError](err); !ok || !errors.Is(err, c.want) || found.Path != testPath {
				t.Errorf("%v, want %v", err, c.want)
			}
			report, ranges := checked(t, fs, &testID)
			if len(c.b) > 0 && ranges[0].What == Header {
				t.Errorf("Check: %+v", report)
			}
		})
	}
}

// TestBlocksOfOtherPlacesNeverVerify puts blocks where they do not belong: those of another file or store at the same
// position, those of this file at another.
func TestBlocksOfOtherPlacesNeverVerify(t *testing.T) {
	good, batches := sealedFile(t, testID, 6)
	for name, id := range map[string]ID{
		"file":  {Store: testID.Store, File: testID.File + 1, Log: testID.Log, First: testID.First},
		"store": {Store: testID.Store + 1, File: testID.File, Log: testID.Log, First: testID.First},
	} {
		foreign, _ := sealedFile(t, id, 6)
		b := append(append([]byte{}, good[:dataStart]...), foreign[dataStart:]...)
		if got := present(t, b); len(got) != 0 {
			t.Errorf("%d batches of another %s verify", len(got), name)
		}
	}
	first := dataStart + blockSize(len(batches[0].Payload))
	moved := append(append([]byte{}, good[:dataStart]...), good[first:]...)
	if got := present(t, moved); len(got) != 0 {
		t.Errorf("%d batches verify in another place", len(got))
	}
	doubled := append(append([]byte{}, good[:first]...), good[dataStart:]...)
	if got := present(t, doubled); len(got) != 1 {
		t.Errorf("%d batches verify where the first stands twice", len(got))
	}
}

// present returns the batches that Check finds in a file of these bytes.
func present(t *testing.T, b []byte) []Batch {
	t.Helper()
	fs := newFS(t)
	must(t, fs.WriteFile(testPath, b))
	_, ranges := checked(t, fs, nil)
	return whole(ranges)
}

// TestHoles damages ranges of a large file: Check finds all that is whole behind them, and says what they are.
func TestHoles(t *testing.T) {
	good, batches := sealedFile(t, testID, 2000)
	for name, c := range map[string]struct {
		fill byte
		what What
	}{"zeros": {0, Zero}, "noise": {0xb1, Corrupt}} {
		t.Run(name, func(t *testing.T) {
			b := append([]byte{}, good...)
			from := dataStart // of batch 1000
			for i := range 1000 {
				from += blockSize(len(batches[i].Payload))
			}
			to := from
			for i := range 500 {
				to += blockSize(len(batches[1000+i].Payload))
			}
			for i := from; i < to; i++ {
				b[i] = c.fill
			}
			fs := newFS(t)
			must(t, fs.WriteFile(testPath, b))
			report, ranges := checked(t, fs, nil)
			must(t, compare(whole(ranges), append(append([]Batch{}, batches[:1000]...), batches[1500:]...)))
			if !report.Sealed || report.Bytes[c.what] != int64(to-from) || report.Sound.At != int64(from) || report.End.Offset != batches[1999].Next() {
				t.Errorf("%+v, hole from %d to %d", report, from, to)
			}
			for _, cut := range []int{0, 1, 100} { // what a short read leaves of the last block
				must(t, fs.WriteFile(testPath, good[:to-cut]))
				if report, _ := checked(t, fs, nil); report.Sealed || (report.Bytes[Torn] == 0) != (cut == 0) {
					t.Errorf("cut by %d: %+v", cut, report)
				}
			}
		})
	}
}

// TestCheckWithoutAHeader needs the id to verify anything.
func TestCheckWithoutAHeader(t *testing.T) {
	b, batches := sealedFile(t, testID, 10)
	clear(b[:100])
	fs := newFS(t)
	must(t, fs.WriteFile(testPath, b))
	report, ranges := checked(t, fs, &testID)
	if err := compare(whole(ranges), batches); err != nil || !report.Sealed {
		t.Errorf("%+v, %v", report, err)
	}
	if report, ranges := checked(t, fs, nil); len(ranges) != 2 || report.Bytes[Unexplained] != report.Size-dataStart {
		t.Errorf("%+v", ranges)
	}
}
