package journal

import (
	"path/filepath"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// eachFlip calls try with every bit of the journal's files flipped, one at a time.
func eachFlip(t *testing.T, fs *disktest.FS, try func(name string, bit int)) {
	t.Helper()
	step := 1
	switch {
	case testing.Short():
		step = 13
	case invariants.Enabled:
		step = 5
	}
	flips := 0
	for _, name := range journals(t, fs) {
		path := filepath.Join(dir, name)
		b, err := fs.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for bit := 0; bit < 8*len(b); bit += step {
			b[bit/8] ^= 1 << (bit % 8)
			if err := fs.WriteFile(path, b); err != nil {
				t.Fatal(err)
			}
			try(name, bit)
			b[bit/8] ^= 1 << (bit % 8)
			flips++
		}
		if err := fs.WriteFile(path, b); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d flips", flips)
}

// TestFlippedBitsOfAClosedJournal finds each flip harmless, or damage that Open refuses. No entry may be missing without
// an error.
func TestFlippedBitsOfAClosedJournal(t *testing.T) {
	leaktest.Check(t)
	fs, want := closedJournal(t, 30)
	refused := 0
	eachFlip(t, fs, func(name string, bit int) {
		got, _, err := recovered(fs, false)
		switch {
		case err != nil && !isCorrupt(err):
			t.Errorf("%s, bit %d: %v", name, bit, err)
		case err != nil:
			refused++
		case len(got) != len(want):
			t.Errorf("%s, bit %d: %d entries of %d without an error", name, bit, len(got), len(want))
		}
	})
	if refused == 0 {
		t.Error("no flip was noticed")
	}
}

// TestFlippedBitsAreSalvaged opens the same files with Salvage: all but what is hit comes back, and the loss is
// reported.
func TestFlippedBitsAreSalvaged(t *testing.T) {
	leaktest.Check(t)
	fs, want := closedJournal(t, 12)
	eachFlip(t, fs, func(name string, bit int) {
		got, report, err := recovered(fs, true)
		if err != nil {
			t.Fatalf("%s, bit %d: %v", name, bit, err)
		}
		if lost := len(want) - len(got); lost > 0 && len(report.Quarantined) == 0 || lost > 1 && bit >= 8*fileHeader {
			t.Errorf("%s, bit %d: %d entries are missing, quarantined: %v", name, bit, lost, report.Quarantined)
		}
		for id, at := range got {
			if want[id] != at {
				t.Errorf("%s, bit %d: entry %d is at %v, was at %v", name, bit, id, at, want[id])
			}
		}
	})
}

// TestFlippedBitsAfterACrash flips bits of a journal that was not closed. What was synced last cannot be told from a
// torn tail there, and it alone may be missing, and is reported as one.
func TestFlippedBitsAfterACrash(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	j := mustOpen(t, small(fs))
	j.fill(t, 1, 25)
	left := fs.Crash(1)
	j.mustClose(t)
	torn := 0
	eachFlip(t, left, func(name string, bit int) {
		got, report, err := recovered(left, false)
		switch {
		case err != nil && !isCorrupt(err):
			t.Errorf("%s, bit %d: %v", name, bit, err)
		case err == nil && len(got) < 24:
			torn++
			if len(got) != 23 || got[24] != 0 || report.TornBytes == 0 || report.Torn != j.at[24] {
				t.Errorf("%s, bit %d: %d entries, %+v", name, bit, len(got), report)
			}
		}
	})
	if torn == 0 {
		t.Error("no flip hit the last entry")
	}
}
