package metadata

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// filesOf explains the files of a DB, and checks that the ranges tile them.
func filesOf(tb testing.TB, fs *disktest.FS) (map[string][]FileRange, map[string]File, error) {
	tb.Helper()
	d, err := Open(Options{FS: fs, Dir: dir, ReadOnly: true})
	if err != nil {
		d = nil
		if !errors.Is(err, ErrCorrupt) {
			tb.Fatal(err)
		}
	}
	ranges, all, ends := map[string][]FileRange{}, map[string]File{}, map[string]int64{}
	bad := CheckFiles(fs, dir, d, func(f File, r FileRange) error {
		if r.From != ends[f.Name] || r.To < r.From {
			tb.Errorf("%s: after %d comes %+v", f.Name, ends[f.Name], r)
		}
		ends[f.Name] = r.To
		all[f.Name] = f
		ranges[f.Name] = append(ranges[f.Name], r)
		return nil
	})
	if bad != nil {
		tb.Fatal(bad)
	}
	for name, f := range all {
		if ends[name] != f.Size {
			tb.Errorf("%s: %d bytes of %d are explained", name, ends[name], f.Size)
		}
	}
	if d != nil {
		err = d.Check(func(p Problem) error { return p.Err })
		mustClose(tb, d)
	}
	return ranges, all, err
}

// TestCheckFilesTellsEachFlip flips bits in all files of a DB: each in a byte that a checksum covers is in a range that is
// not as it should be.
func TestCheckFilesTellsEachFlip(t *testing.T) {
	leaktest.Check(t)
	rng := rand.New(rand.NewPCG(5, 7))
	fs, m := disktest.New(), newModel()
	for range 3 {
		d := open(t, Options{FS: fs, Dir: dir})
		session(t, d, m, rng)
		mustClose(t, d)
	}
	whole, all, err := filesOf(t, fs)
	if err != nil {
		t.Fatal(err)
	}
	kinds, told := map[string]int{}, 0
	for name, ranges := range whole {
		kinds[all[name].Kind]++
		path := filepath.Join(dir, name)
		for _, r := range ranges {
			if r.Err != nil {
				t.Errorf("%s: %+v", name, r)
			}
			if !all[name].Used || r.What != "chunks" && r.What != "block" && r.What != "row" {
				continue
			}
			for range 20 {
				at := r.From + rng.Int64N(r.To-r.From)
				left := fs.Crash(0)
				b, err := left.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				b[at] ^= 1 << rng.IntN(8)
				if err := left.WriteFile(path, b); err != nil {
					t.Fatal(err)
				}
				now, _, _ := filesOf(t, left)
				if !isTold(now[name], at) {
					t.Fatalf("%s: a flip at %d is not told: %+v", name, at, now[name])
				}
				told++
			}
		}
	}
	t.Logf("%d flips told, in %v", told, kinds)
	for _, kind := range []string{kindOfLog, kindOfManifest, kindOfTable, "options", "marker", kindOfSeen} {
		if kinds[kind] == 0 {
			t.Errorf("there is no %s", kind)
		}
	}
}

func isTold(ranges []FileRange, at int64) bool {
	for _, r := range ranges {
		if at >= r.From && at < r.To {
			return r.Err != nil
		}
	}
	return false
}

// TestCheckFilesAfterACrash finds nothing corrupt in what crashes leave.
func TestCheckFilesAfterACrash(t *testing.T) {
	leaktest.Check(t)
	rng := rand.New(rand.NewPCG(9, 7))
	fs, m := disktest.New(), newModel()
	for range 2 {
		d := open(t, Options{FS: fs, Dir: dir})
		session(t, d, m, rng)
		for seed := range uint64(10) {
			left := fs.Crash(seed)
			ranges, all, err := filesOf(t, left)
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			for name := range ranges {
				for _, r := range ranges[name] {
					if r.What == rangeCorrupt && all[name].Used {
						t.Errorf("seed %d: %s: %+v", seed, name, r)
					}
				}
			}
		}
		mustClose(t, d)
	}
}

// TestCheckFilesFindsLostTransactions notices a SEEN that knows of more transactions than there are.
func TestCheckFilesFindsLostTransactions(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	d := open(t, Options{FS: fs, Dir: dir})
	session(t, d, newModel(), rand.New(rand.NewPCG(1, 2)))
	mustClose(t, d)
	s, err := makeSeen(fs, dir, 1000)
	if err := errors.Join(err, s.file.Close()); err != nil {
		t.Fatal(err)
	}
	if err := fs.WriteFile(filepath.Join(dir, "README"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := fs.MkdirAll(filepath.Join(dir, "folder")); err != nil {
		t.Fatal(err)
	}
	ranges, all, err := filesOf(t, fs)
	if !errors.Is(err, ErrCorrupt) || ranges[seenFile][0].Err == nil {
		t.Errorf("%+v, %v", ranges[seenFile], err)
	}
	for _, name := range []string{"README", "folder"} {
		if all[name].Kind != kindForeign || all[name].Used {
			t.Errorf("%+v", all[name])
		}
	}
}
