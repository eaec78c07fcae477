package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// A garbage is something wrong with a folder: files is what it is made of, the journal files being names[0], names[1]
// and so on, of which the last is blank and the one before it was written last. want is the error's class, nil if all
// entries must come back.
var garbage = []struct {
	name string
	make func(files map[string][]byte, names []string)
	want error
}{
	{"nothing wrong", func(map[string][]byte, []string) {}, nil},
	{"empty file in the middle", set(1, nil), ErrCorrupt},
	{"empty first file", set(0, nil), ErrCorrupt},
	{"empty last file", set(-1, nil), ErrCorrupt},
	{"a byte", set(1, []byte{'a'}), ErrCorrupt},
	{"half a header", cut(1, 32), ErrCorrupt},
	{"a header only", cut(1, fileHeader), ErrCorrupt},
	{"no records", cut(1, firstRecord), ErrCorrupt},
	{"cut in a record", cut(1, firstRecord+100), ErrCorrupt},
	{"cut by a byte", cut(1, 4095), ErrCorrupt},
	{"cut in the file that was written last", cut(-2, firstRecord+10), ErrCorrupt},
	{"blank file cut", cut(-1, 2000), ErrCorrupt},
	{"longer than it was", grow(1, 1000), nil},
	{"longer by a copy of itself", func(f map[string][]byte, n []string) { f[n[1]] = append(f[n[1]], f[n[1]]...) }, nil},
	{"zeros", set(1, make([]byte, 4096)), ErrCorrupt},
	{"zeros in the last file", set(-1, make([]byte, 4096)), ErrCorrupt},
	{"ones", set(1, bytes.Repeat([]byte{0xff}, 4096)), ErrCorrupt},
	{"noise", set(1, noise(4096)), ErrCorrupt},
	{"noise behind the header", over(1, firstRecord, noise(4096-firstRecord)), ErrCorrupt},
	{"noise behind the header of the blank file", over(-1, firstRecord, noise(4096-firstRecord)), nil},
	{"zeros behind the header", over(1, firstRecord, make([]byte, 4096-firstRecord)), ErrCorrupt},
	{"a sector of zeros", over(1, 1024, make([]byte, 512)), ErrCorrupt},
	{"text", set(1, []byte(strings.Repeat("the quick brown fox\n", 300))), ErrCorrupt},
	{"another program's file", set(1, append([]byte("\x7fELF"), noise(8000)...)), ErrCorrupt},
	{"a later version", over(1, 8, []byte{2}), ErrVersion},
	{"a later version of the last file", over(-1, 8, []byte{2}), ErrVersion},
	{"version 0", over(1, 8, []byte{0}), ErrVersion},
	{"two files swapped", func(f map[string][]byte, n []string) { f[n[0]], f[n[1]] = f[n[1]], f[n[0]] }, ErrForeign},
	{"one file twice", func(f map[string][]byte, n []string) { f[n[1]] = f[n[0]] }, ErrForeign},
	{"a copy behind the last", func(f map[string][]byte, n []string) { f["00000063.journal"] = f[n[1]] }, ErrForeign},
	{"a file of another journal", foreign(1), ErrForeign},
	{"the last file of another journal", foreign(-1), ErrForeign},
	{"a file missing", func(f map[string][]byte, n []string) { delete(f, n[1]) }, ErrCorrupt},
	{"two files missing", func(f map[string][]byte, n []string) { delete(f, n[1]); delete(f, n[2]) }, ErrCorrupt},
	{"header with a size of 3 GiB", reheader(1, func(h *header) { h.size = 3 << 30 }), ErrCorrupt},
	{"header with no size", reheader(1, func(h *header) { h.size = 0 }), ErrCorrupt},
	{"header with another salt", reheader(1, func(h *header) { h.salt++ }), ErrCorrupt},
	{"header with another size", reheader(1, func(h *header) { h.size = 8192 }), ErrCorrupt},
	{"records in another order", swapRecords, ErrCorrupt},
	{"a record twice", doubleRecord, ErrCorrupt},
	{"a record of another file", func(f map[string][]byte, n []string) { copy(f[n[1]][firstRecord:], f[n[0]][firstRecord:]) }, ErrCorrupt},
	{"a length of 4 GiB", over(1, firstRecord+8, []byte{255, 255, 255, 255}), ErrCorrupt},
	{"files of other programs", func(f map[string][]byte, _ []string) {
		f["README"], f["1.journal"], f["0000000G.journal"], f["00000001.journal~"] = noise(10), noise(10), noise(10), noise(10)
	}, nil},
	{"number 0", func(f map[string][]byte, _ []string) { f["00000000.journal"] = noise(4096) }, nil},
	{"a spare of another size", func(f map[string][]byte, _ []string) { f["00000001.spare"] = noise(100) }, nil},
	{"noise as a spare", func(f map[string][]byte, _ []string) { f["00000001.spare"] = noise(4096) }, nil},
	{"an unfinished file", func(f map[string][]byte, _ []string) { f["00000063.new"] = noise(77) }, nil},
	{"an unfinished file of an old number", func(f map[string][]byte, _ []string) { f["00000001.new"] = noise(4096) }, nil},
	{"a damaged file set aside", func(f map[string][]byte, _ []string) { f["00000001.bad"] = noise(9) }, nil},
}

type making = func(map[string][]byte, []string)

func at(names []string, i int) string { return names[(i+len(names))%len(names)] }

func set(i int, b []byte) making {
	return func(f map[string][]byte, n []string) { f[at(n, i)] = b }
}

func cut(i, size int) making {
	return func(f map[string][]byte, n []string) { f[at(n, i)] = f[at(n, i)][:size] }
}

func grow(i, by int) making {
	return func(f map[string][]byte, n []string) { f[at(n, i)] = append(f[at(n, i)], noise(by)...) }
}

func over(i, off int, b []byte) making {
	return func(f map[string][]byte, n []string) { copy(f[at(n, i)][off:], b) }
}

func reheader(i int, change func(*header)) making {
	return func(f map[string][]byte, n []string) {
		h, err := parseHeader(f[at(n, i)])
		if err != nil {
			panic(err)
		}
		change(&h)
		copy(f[at(n, i)], h.appendTo(nil))
	}
}

func foreign(i int) making { return reheader(i, func(h *header) { h.journal++ }) }

func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// twoRecords returns the first two records of a file, which are of one size.
func twoRecords(b []byte) (first, second []byte) {
	size := recordSize(int(binary.LittleEndian.Uint32(b[firstRecord+8:])))
	return b[firstRecord : firstRecord+size], b[firstRecord+size : firstRecord+2*size]
}

func swapRecords(f map[string][]byte, n []string) {
	first, second := twoRecords(f[n[1]])
	kept := slices.Clone(first)
	copy(first, second)
	copy(second, kept)
}

func doubleRecord(f map[string][]byte, n []string) {
	first, second := twoRecords(f[n[1]])
	copy(second, first)
}

// TestGarbage opens folders with something wrong: either all entries come back, or an error says what is wrong, and
// then no file has been touched. With Salvage every one of them opens, and appends go on.
func TestGarbage(t *testing.T) {
	leaktest.Check(t)
	const entries = 60
	whole, ready := disktest.New(), make(chan uint32, 100)
	o := small(whole)
	o.Hooks.File = func(number uint32, _ bool) { ready <- number }
	j := mustOpen(t, o)
	w := NewWaiter()
	for id := uint64(1); id <= entries; id++ {
		e := made(id, 104)
		if _, err := w.Append(j.Journal, &e, Disk); err != nil {
			t.Fatal(err)
		}
	}
	for <-ready <= j.End().File() { // the blank file
	}
	j.mustClose(t)
	names := journals(t, whole)
	if len(names) < 4 || len(garbage) < 40 {
		t.Fatalf("%d files, %d kinds of garbage", len(names), len(garbage))
	}
	for _, tc := range garbage {
		t.Run(tc.name, func(t *testing.T) {
			made := files(t, whole)
			tc.make(made, names)
			fs := disktest.New()
			if err := fs.MkdirAll(dir); err != nil {
				t.Fatal(err)
			}
			for name, b := range made {
				if err := fs.WriteFile(filepath.Join(dir, name), b); err != nil {
					t.Fatal(err)
				}
			}
			agrees(t, fs, tc.want != nil)
			got, err := open(small(fs))
			switch {
			case tc.want != nil:
				if !isCorrupt(err) || !errors.Is(err, tc.want) {
					t.Fatalf("%v, want %v", err, tc.want)
				}
				sameBytes(t, made, files(t, fs))
			case err != nil:
				t.Fatal(err)
			default:
				if len(got.at) != entries {
					t.Errorf("%d entries of %d, %+v", len(got.at), entries, got.report)
				}
				got.fill(t, 1000, 1010)
				got.mustClose(t)
				return
			}
			salvaged(t, fs, made)
		})
	}
}

// salvaged opens a damaged journal with Salvage and checks that what is damaged is reported and stays as it is.
func salvaged(t *testing.T, fs *disktest.FS, before map[string][]byte) {
	t.Helper()
	o := small(fs)
	o.Salvage = true
	j := mustOpen(t, o)
	if len(j.report.Quarantined) == 0 {
		t.Errorf("nothing is reported: %+v", j.report)
	}
	j.fill(t, 1000, 1040)
	j.Release(j.Synced())
	j.fill(t, 1040, 1080)
	j.mustClose(t)
	after := files(t, fs)
	for _, d := range j.report.Quarantined {
		number := fileName("", d.From.File(), "")
		b, there := before[number+extJournal]
		kept, in := after[number+extJournal]
		if !in {
			kept = after[number+extBad]
		}
		if there && !bytes.Equal(kept, b) {
			t.Errorf("%s is damaged and was changed or removed", number)
		}
	}
	again := mustOpen(t, o)
	defer again.mustClose(t)
	if again.at[1079] != j.at[1079] {
		t.Error("what was appended after the salvage is not there")
	}
}

func TestFolderInPlaceOfAFile(t *testing.T) {
	leaktest.Check(t)
	fs, _ := closedJournal(t, 30)
	if err := fs.MkdirAll(filepath.Join(dir, "00000063.journal")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(small(fs)); !isCorrupt(err) {
		t.Errorf("%v, want a CorruptError", err)
	}
}

func TestFileInPlaceOfTheFolder(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	if err := fs.MkdirAll(filepath.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	if err := fs.WriteFile(dir, noise(100)); err != nil {
		t.Fatal(err)
	}
	if _, err := open(small(fs)); err == nil {
		t.Error("a file was opened as a journal's folder")
	}
}

// TestStaleRecordsNeverVerify gives a file the header that it would get when it is recycled: none of its old records
// may count, wherever they stand.
func TestStaleRecordsNeverVerify(t *testing.T) {
	fs, _ := closedJournal(t, 30)
	b, err := fs.ReadFile(filepath.Join(dir, journals(t, fs)[0]))
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	count := func(h header) int {
		r, n := reader{data: b, seed: h.seed(), number: h.number}, 0
		for off := uint32(0); off < h.size; off += alignment {
			if _, ok := r.header(off); ok {
				n++
			}
		}
		return n
	}
	if count(h) == 0 {
		t.Fatal("the file has no records")
	}
	for change, h := range map[string]header{
		"number": {number: h.number + 1, salt: h.salt, size: h.size},
		"salt":   {number: h.number, salt: h.salt + 1, size: h.size},
	} {
		if n := count(h); n != 0 {
			t.Errorf("with another %s %d records verify", change, n)
		}
	}
	if crc32.Checksum(b[:60], castagnoli) != binary.LittleEndian.Uint32(b[60:]) {
		t.Error("the header's checksum is not where the format says")
	}
}
