package journal

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestBlocksDoNotMatter damages journals and reads each in blocks of several sizes, most of which end within records. What
// is found in a file must be what a survey of all its bytes finds.
func TestBlocksDoNotMatter(t *testing.T) {
	leaktest.Check(t)
	rng := rand.New(rand.NewPCG(3, 9))
	whole, damaged := 0, 0
	for range 400 {
		fs := disktest.New()
		j := mustOpen(t, small(fs))
		j.fill(t, 1, 10+rng.Uint64N(40))
		left := fs.Crash(rng.Uint64())
		j.mustClose(t)
		names := journals(t, left)
		for range rng.IntN(3) {
			path := filepath.Join(dir, names[rng.IntN(len(names))])
			b, err := left.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			if err := left.WriteFile(path, b); err != nil {
				t.Fatal(err)
			}
		}
		_, want, report, err := recoveredAhead(left, true, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, ahead := range []int{1, 100, 500, 3000} {
			r, got, again, err := recoveredAhead(left, true, ahead)
			if err != nil || !maps.Equal(got, want) || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", report) {
				t.Fatalf("blocks of %d: %d entries of %d, %v\n%+v, want\n%+v", ahead, len(got), len(want), err, again, report)
			}
			for i := range r.pieces {
				w, d := checkSurvey(t, left, &r.pieces[i])
				whole, damaged = whole+w, damaged+d
			}
		}
	}
	if whole == 0 || damaged == 0 {
		t.Errorf("%d files were whole, %d damaged", whole, damaged)
	}
}

// checkSurvey compares a file's survey with that of all its bytes.
func checkSurvey(t *testing.T, fs *disktest.FS, p *piece) (whole, damaged int) {
	t.Helper()
	if p.lost || p.void {
		return 0, 0
	}
	b, err := fs.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	rd := reader{data: b[:min(len(b), int(p.header.size))], seed: p.header.seed(), number: p.number}
	if want := rd.survey(p.limit, p.exact, p.header.flags&flagZeroed != 0); !reflect.DeepEqual(p.survey, want) {
		t.Fatalf("file %d: %+v, want %+v", p.number, p.survey, want)
	}
	if len(p.damaged) > 0 {
		return 0, 1
	}
	return 1, 0
}

// TestReplayEndsWithItsReceiver has what takes the entries fail: nobody reads on.
func TestReplayEndsWithItsReceiver(t *testing.T) {
	leaktest.Check(t)
	fs, _ := closedJournal(t, 60)
	enough := errors.New("enough")
	for stop := range 60 {
		n := 0
		r := recoverer{o: small(fs), ahead: 100}
		if err := errors.Join(r.list(), r.identify(), r.bounds()); err != nil {
			t.Fatal(err)
		}
		err := r.replay(func(Position, Entry) error {
			if n++; n > stop {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || n != stop+1 {
			t.Errorf("after %d entries: %v", n, err)
		}
	}
}
