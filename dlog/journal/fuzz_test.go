package journal

import (
	"path/filepath"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

// FuzzFile reads a file of any bytes: it must not panic, and what it counts must lie within the file, in order, and be
// found again when it is read a second time.
func FuzzFile(f *testing.F) {
	golden := readGolden(f)
	f.Add(append(golden, make([]byte, 4096-len(golden))...), uint32(4096), false)
	f.Add(golden[:firstRecord], uint32(600), true)
	f.Add([]byte(nil), uint32(0), false)
	f.Fuzz(func(t *testing.T, b []byte, limit uint32, exact bool) {
		h, err := parseHeader(b)
		if err != nil {
			h = goldenHeader
		}
		limit = min(limit, uint32(len(b)))
		if limit < firstRecord {
			exact = false
		}
		rd := reader{data: b, seed: h.seed(), number: h.number}
		s := rd.survey(limit, exact, h.flags&flagZeroed != 0)
		last := uint32(firstRecord)
		for _, d := range s.damaged {
			if d.from < last || d.to <= d.from || d.to > s.end {
				t.Fatalf("damage %v, end %d", s.damaged, s.end)
			}
			last = d.to
		}
		if s.end > max(limit, firstRecord) || uint64(s.end)+uint64(s.torn) > uint64(max(len(b), firstRecord)) {
			t.Fatalf("end %d, torn %d, of %d bytes", s.end, s.torn, len(b))
		}
	})
}

// FuzzOpen opens a journal of one file of any bytes. Either way it must not panic, and what can be opened with Salvage
// must take entries and give back the same ones twice.
func FuzzOpen(f *testing.F) {
	golden := readGolden(f)
	f.Add(append(golden, make([]byte, 4096-len(golden))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := disktest.New()
		if err := fs.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := fs.WriteFile(filepath.Join(dir, "00000007.journal"), b); err != nil {
			t.Fatal(err)
		}
		o := small(fs)
		o.Salvage = true
		counts := [2]int{}
		for i := range counts {
			j, report, err := Open(o, nil)
			if err != nil {
				t.Fatal(err)
			}
			counts[i] = report.Entries
			e := made(1, 10)
			if _, err := NewWaiter().Append(j, &e, Disk); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if counts[1] != counts[0]+1 {
			t.Fatalf("%d entries, then %d", counts[0], counts[1])
		}
	})
}
