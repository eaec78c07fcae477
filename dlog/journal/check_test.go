package journal

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// explained checks a journal: the ranges of each file must tile it, and nothing may change.
func explained(tb testing.TB, fs *disktest.FS) (map[string][]Range, CheckReport) {
	tb.Helper()
	before := files(tb, fs)
	ranges, ends := map[string][]Range{}, map[string]int64{}
	report, err := Check(fs, dir, 0, func(f File, r Range) error {
		if r.From != ends[f.Name] || r.To < r.From || r.To == r.From && f.Size > 0 {
			tb.Errorf("%s: after %d comes %+v", f.Name, ends[f.Name], r)
		}
		if r.Entry != nil && r.What == Data {
			if err := checkMade(*r.Entry); err != nil {
				tb.Error(err)
			}
		}
		ends[f.Name] = r.To
		ranges[f.Name] = append(ranges[f.Name], r)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	total := int64(0)
	for _, n := range report.Ranges {
		total += n
	}
	for name, b := range before {
		if total -= int64(len(b)); ends[name] != int64(len(b)) {
			tb.Errorf("%s: %d bytes of %d are explained", name, ends[name], len(b))
		}
	}
	if total != 0 {
		tb.Errorf("the kinds of ranges have %d bytes too many", total)
	}
	sameBytes(tb, before, files(tb, fs))
	return ranges, report
}

// agrees checks that Check finds what Open would.
func agrees(tb testing.TB, fs *disktest.FS, damaged bool) {
	tb.Helper()
	_, report := explained(tb, fs)
	if (len(report.Quarantined) > 0) != damaged {
		tb.Errorf("damage: %v, want %v", report.Quarantined, damaged)
	}
	_, want, err := recovered(fs, true)
	if err != nil {
		tb.Fatal(err)
	}
	if got, want := fmt.Sprintf("%+v", report.Recovery), fmt.Sprintf("%+v", want); got != want {
		tb.Errorf("Check finds %s, Open %s", got, want)
	}
}

// covered says which bytes of a file a checksum covers that counts.
func covered(ranges []Range, size int) []bool {
	is := make([]bool, size)
	for _, r := range ranges {
		n := int64(recordHeader)
		switch {
		case r.What == Header:
			n = fileHeader
		case r.Entry != nil:
			n += int64(len(r.Entry.Payload))
		case r.What != Closed:
			n = 0
		}
		for at := r.From; at < r.From+n; at++ {
			is[at] = true
		}
	}
	return is
}

// TestCheckTellsEachFlip flips the bits of a journal that was closed and of one that has crashed: each that a checksum
// covers is in a range that is not as it should be.
func TestCheckTellsEachFlip(t *testing.T) {
	leaktest.Check(t)
	closed, _ := closedJournal(t, 14)
	live := disktest.New()
	j := mustOpen(t, small(live))
	j.fill(t, 1, 14)
	crashed := live.Crash(1)
	j.mustClose(t)
	for name, fs := range map[string]*disktest.FS{"closed": closed, "crashed": crashed} {
		t.Run(name, func(t *testing.T) {
			whole, report := explained(t, fs)
			if report.Entries == 0 || report.Ranges[Zero] == 0 || report.Clean != (name == "closed") {
				t.Fatalf("%+v", report)
			}
			told := 0
			for file, b := range files(t, fs) {
				if !strings.HasSuffix(file, extJournal) {
					continue
				}
				for at, is := range covered(whole[file], len(b)) {
					if !is || testing.Short() && at%7 > 0 {
						continue
					}
					b[at] ^= 1 << (at % 8)
					if err := fs.WriteFile(filepath.Join(dir, file), b); err != nil {
						t.Fatal(err)
					}
					ranges, report := explained(t, fs)
					if !isTold(ranges[file], int64(at)) {
						t.Fatalf("%s: a flip at %d is not told: %+v", file, at, ranges[file])
					}
					if len(report.Quarantined) == 0 && report.TornBytes == 0 && report.Clean {
						t.Fatalf("%s: after a flip at %d: %+v", file, at, report)
					}
					told++
					b[at] ^= 1 << (at % 8)
				}
				if err := fs.WriteFile(filepath.Join(dir, file), b); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d flips told", told)
		})
	}
}

// isTold says whether the range of an offset is not as it should be.
func isTold(ranges []Range, at int64) bool {
	for _, r := range ranges {
		if at >= r.From && at < r.To {
			return r.Err != nil
		}
	}
	return false
}

// TestCheckExplainsAllKinds finds each kind of range, and each kind of file.
func TestCheckExplainsAllKinds(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	o := small(fs)
	j := mustOpen(t, o)
	for from := uint64(1); from < 200; from += 20 { // old files are recycled
		j.fill(t, from, from+20)
		j.Release(j.Synced())
	}
	j.mustClose(t)
	ranges, report := explained(t, fs)
	for _, what := range []What{Header, Data, Closed, Old} {
		if report.Ranges[what] == 0 {
			t.Errorf("nothing is %v: %v", what, report.Ranges)
		}
	}
	synced := Position(0)
	for _, name := range journals(t, fs) {
		for _, r := range ranges[name] {
			if r.What == Data && (r.Synced < synced || r.Err != nil || r.Entry == nil) {
				t.Errorf("%s: %+v", name, r)
			}
			synced = max(synced, r.Synced)
		}
	}
	for name, b := range map[string][]byte{
		"README": noise(9), "00000063.new": make([]byte, 4096), "00000001.bad": noise(600), "0000003f.spare": noise(10), "LOCK": nil,
	} {
		if err := fs.WriteFile(filepath.Join(dir, name), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := fs.MkdirAll(filepath.Join(dir, "folder")); err != nil {
		t.Fatal(err)
	}
	kinds := map[Kind]int{}
	if _, err := Check(fs, dir, 0, func(f File, _ Range) error {
		kinds[f.Kind]++
		return nil
	}); err != nil || len(kinds) != 6 {
		t.Errorf("kinds of files: %v, %v", kinds, err)
	}
	if err := fs.MkdirAll(filepath.Join(dir, "00000062.journal")); err != nil {
		t.Fatal(err)
	}
	if report, err := Check(fs, dir, 0, nil); err != nil || len(report.Quarantined) != 1 {
		t.Errorf("a folder in place of a file: %+v, %v", report, err)
	}
}
