package dlog

import (
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/check"
	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/dlog/identity"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// checkedStore checks a store: the ranges of each file must tile it, and nothing may change.
func checkedStore(fs *disktest.FS) (*check.Report, error) {
	before := allFiles(fs)
	r, err := check.Store(background, testDir, check.Options{FS: fs, Each: true})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, f := range r.Files {
		seen[filepath.Join(testDir, f.Name)] = true
		at := int64(0)
		for _, got := range f.Ranges {
			if got.From != at || got.To <= at || got.State == check.Damaged && got.Reason == "" {
				return nil, errors.New(f.Name + " is not explained")
			}
			at = got.To
		}
		if at != f.Bytes {
			return nil, errors.New(f.Name + " is not explained to its end")
		}
	}
	for name := range before {
		if !seen[name] {
			return nil, errors.New(name + " is not there")
		}
	}
	if changed := changes(before, allFiles(fs)); len(changed) > 0 {
		return nil, errors.New("the check has changed " + strings.Join(changed, ", "))
	}
	return r, nil
}

// checkIsStricter are kinds of garbage that a store can live with, and that the check calls damage all the same.
var checkIsStricter = []string{
	"segment: without its footer",   // it is slower to search
	"segment: longer",               // a sealed file ends with its footer
	"meta: one row of SEEN damaged", // there is another
}

// TestCheckFindsGarbage checks the stores of TestGarbage: damage is found where Open refuses or names it, and nowhere else.
func TestCheckFindsGarbage(t *testing.T) {
	leaktest.Check(t)
	closed, crashed := specimens(t)
	for _, g := range garbage {
		t.Run(g.name, func(t *testing.T) {
			sp := &closed
			if g.crashed {
				sp = &crashed
			}
			r, err := checkedStore(build(t, sp.spoilt(g.make)))
			if err != nil {
				t.Fatal(err)
			}
			if want := g.want != harmless || slices.Contains(checkIsStricter, g.name); r.Damaged != want {
				t.Errorf("damaged: %v, want %v", r.Damaged, want)
				for _, f := range r.Files {
					if f.State != check.Sound {
						t.Logf("%+v", f)
					}
				}
				t.Logf("%q", r.Problems)
			}
		})
	}
}

// TestCheckTellsEachFlip flips random bits in all kinds of files: each in a byte that a checksum covers is told, with its
// file and its range.
func TestCheckTellsEachFlip(t *testing.T) {
	leaktest.Check(t)
	n := *flips
	if testing.Short() || invariants.Enabled {
		n = min(n, 300)
	}
	closed, crashed := specimens(t)
	var whole [2]map[string]*check.File
	for i, sp := range []*specimen{&closed, &crashed} {
		r, err := checkedStore(build(t, sp.files))
		if err != nil || r.Damaged {
			t.Fatalf("%+v, %v", r, err)
		}
		whole[i] = map[string]*check.File{}
		for _, f := range r.Files {
			whole[i][filepath.Join(testDir, f.Name)] = f
		}
	}
	var mu sync.Mutex
	told := map[string]int{}
	spread(n, func(i int) {
		rng := rand.New(rand.NewPCG(uint64(i), 11))
		sp, kind := []*specimen{&closed, &crashed}[i%2], fileKinds[rng.IntN(len(fileKinds))]
		name := anyByte(rng, sp, kind)
		bad := slices.Clone(sp.files[name])
		at := rng.IntN(len(bad))
		if !isCovered(whole[i%2][name], kind, int64(at)) {
			return
		}
		bad[at] ^= 1 << rng.IntN(8)
		fs := build(t, sp.files)
		if err := fs.WriteFile(name, bad); err != nil {
			t.Error(err)
			return
		}
		r, err := checkedStore(fs)
		if err != nil {
			t.Errorf("%s, byte %d: %v", name, at, err)
			return
		}
		for _, f := range r.Files {
			if filepath.Join(testDir, f.Name) != name {
				continue
			}
			for _, got := range f.Ranges {
				if got.From <= int64(at) && int64(at) < got.To && got.Reason == "" {
					t.Errorf("%s: a flip at %d is not told: %+v", name, at, got)
				}
			}
		}
		mu.Lock()
		defer mu.Unlock()
		told[kind]++
	})
	t.Logf("flips told: %v", told)
	for _, kind := range fileKinds {
		if told[kind] == 0 {
			t.Errorf("no flip hit a byte of %s that counts", kind)
		}
	}
}

// isCovered says whether a checksum that counts covers a byte of a file: not the padding of up to 7 bytes.
func isCovered(f *check.File, kind string, at int64) bool {
	if f.Kind == check.Unfinished || f.Kind == check.SpareFile {
		return false
	}
	for _, r := range f.Ranges {
		if at < r.From || at >= r.To {
			continue
		}
		switch r.What {
		case "header":
			return at < 64
		case "batch", "entry", "index":
			return at < r.To-7
		case "closed":
			return at < r.To-4
		case "footer":
			return kind == ".segment"
		case "identity", "chunks", "block", "row":
			return r.State == check.Sound
		}
	}
	return false
}

// TestCheckOfAStoreInUse is refused, and a store cannot be opened while it is checked.
func TestCheckOfAStoreInUse(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	s := mustStore(t, tiny(fs))
	_, err := check.Store(background, testDir, check.Options{FS: fs})
	if held, is := errors.AsType[*identity.HeldError](err); !is || !errors.Is(err, identity.ErrHeld) || held.PID == 0 {
		t.Errorf("check of an open store: %v", err)
	}
	mustCloseStore(t, s)
	tried := false
	if _, err := check.Store(background, testDir, check.Options{FS: fs, Progress: func(int64, int64) {
		_, _, err := Open(testDir, tiny(fs))
		if tried = true; !errors.Is(err, ErrLocked) {
			t.Errorf("Open while it is checked: %v", err)
		}
	}}); err != nil || !tried {
		t.Errorf("%v, tried %v", err, tried)
	}
	for _, dir := range []string{"/none", filepath.Dir(testDir)} {
		if _, err := check.Store(background, dir, check.Options{FS: fs}); !errors.Is(err, identity.ErrNotStore) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestCheckOfWhatCrashesLeave finds no damage in a store that has crashed at random moments.
func TestCheckOfWhatCrashesLeave(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	var left []*disktest.FS
	for session := range 3 {
		s := mustStore(t, tiny(fs))
		name := string(rune('a' + session))
		w := newWriter(t, s, name, LogOptions{})
		for at := 0; at < 300; at += 20 {
			fill(t, w, at, at+20)
			left = append(left, fs.Crash(uint64(at)))
		}
		mustCloseStore(t, s)
	}
	for i, fs := range left {
		r, err := checkedStore(fs)
		if err != nil {
			t.Fatalf("crash %d: %v", i, err)
		}
		if r.Damaged {
			t.Errorf("crash %d: %q", i, r.Problems)
			for _, f := range r.Files {
				if f.State == check.Damaged {
					t.Logf("%+v", f)
				}
			}
		}
	}
}

// failing cannot read a file.
type failing struct {
	disk.FS

	name string
	err  error
}

func (f failing) Open(name string) (disk.File, error) {
	file, err := f.FS.Open(name)
	if err == nil && strings.Contains(name, f.name) {
		return unreadable{file, f.err}, nil
	}
	return file, err
}

func (f failing) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

type unreadable struct {
	disk.File

	err error
}

func (u unreadable) ReadAt([]byte, int64) (int, error) { return 0, u.err }

// TestCheckOfAFileThatCannotBeRead takes a disk that cannot give back what it has for damage, and any other error for a
// reason to say nothing.
func TestCheckOfAFileThatCannotBeRead(t *testing.T) {
	leaktest.Check(t)
	closed, _ := specimens(t)
	for _, name := range []string{".segment", ".journal", "000002.log"} {
		fs := failing{FS: build(t, closed.files), name: name, err: syscall.EIO}
		if r, err := check.Store(background, testDir, check.Options{FS: fs}); err != nil || !r.Damaged {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		fs.err = syscall.EACCES
		if _, err := check.Store(background, testDir, check.Options{FS: fs}); !errors.Is(err, syscall.EACCES) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
