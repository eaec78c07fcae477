package dlog

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// outcome is what must come of garbage.
type outcome int

const (
	harmless outcome = iota // all is there, without a word
	named                   // Open succeeds; what cannot be read is named by errors, the rest is there
	refused                 // Open fails, and changes nothing
)

// garbage is something wrong with a store: what files it is made of. A crashed one has data in the journal only.
var garbage = []struct {
	name    string
	crashed bool
	want    outcome
	make    func(files map[string][]byte, sp *specimen)
}{
	{"nothing wrong", false, harmless, func(map[string][]byte, *specimen) {}},
	{"nothing wrong after a crash", true, harmless, func(map[string][]byte, *specimen) {}},
	{"STORE: empty", false, refused, replace("STORE", 0, nil)},
	{"STORE: short", false, refused, shorten("STORE", 0, 20)},
	{"STORE: zeros", false, refused, replace("STORE", 0, make([]byte, 64))},
	{"STORE: noise", false, refused, replace("STORE", 0, noise(64))},
	{"STORE: text", false, refused, replace("STORE", 0, []byte("a store\n"))},
	{"STORE: of another store", false, named, func(f map[string][]byte, _ *specimen) { f[inStore("STORE")] = otherStore() }},
	{"STORE: another version", false, refused, patch("STORE", 0, 8, 9)},
	{"STORE: missing", false, refused, without("STORE")},
	{"STORE: unfinished one beside it", false, harmless, plant("STORE.new", noise(30))},

	{"segment: empty", false, named, replace(".segment", 0, nil)},
	{"segment: a byte", false, named, replace(".segment", 0, []byte{1})},
	{"segment: header only", false, named, shorten(".segment", 0, 512)},
	{"segment: half", false, named, shorten(".segment", 0, 2000)},
	{"segment: without its footer", false, harmless, func(f map[string][]byte, sp *specimen) {
		name := sp.names(".segment")[0]
		f[name] = f[name][:sp.safe[name]]
	}},
	{"segment: zeros", false, named, replace(".segment", 0, make([]byte, 4096))},
	{"segment: noise", false, named, replace(".segment", 0, noise(4096))},
	{"segment: text", false, named, replace(".segment", 1, []byte(strings.Repeat("the quick brown fox\n", 300)))},
	{"segment: another program's", false, named, replace(".segment", 1, append([]byte("\x7fELF"), noise(5000)...))},
	{"segment: another version", false, named, patch(".segment", 0, 8, 2)},
	{"segment: two swapped", false, named, func(f map[string][]byte, sp *specimen) {
		n := sp.names(".segment")
		f[n[0]], f[n[1]] = f[n[1]], f[n[0]]
	}},
	{"segment: one twice", false, named, func(f map[string][]byte, sp *specimen) {
		n := sp.names(".segment")
		f[n[1]] = f[n[0]]
	}},
	{"segment: a copy under a free number", false, harmless, func(f map[string][]byte, sp *specimen) {
		f[inStore("segments/00000000000fffff.segment")] = f[sp.names(".segment")[0]]
	}},
	{"segment: all in reverse order", false, named, func(f map[string][]byte, sp *specimen) {
		n := sp.names(".segment")
		for i, name := range n {
			f[name] = sp.files[n[len(n)-1-i]]
		}
	}},
	{"segment: missing", false, named, func(f map[string][]byte, sp *specimen) { delete(f, sp.names(".segment")[0]) }},
	{"segment: all missing", false, named, func(f map[string][]byte, _ *specimen) { deleteAll(f, ".segment") }},
	{"segment: longer", false, harmless, func(f map[string][]byte, sp *specimen) {
		for _, name := range sp.names(".segment") {
			f[name] = append(slices.Clone(f[name]), noise(999)...)
		}
	}},
	{"segment: a sector of zeros", false, named, func(f map[string][]byte, sp *specimen) { wipe(f, sp.names(".segment")[0], 1024, 512) }},
	{"segment: batches in another order", false, named, func(f map[string][]byte, sp *specimen) {
		b := f[sp.names(".segment")[0]]
		first, second := slices.Clone(b[512:712]), slices.Clone(b[1512:1712])
		copy(b[512:], second)
		copy(b[1512:], first)
	}},
	{"segment: the active one short after a crash", true, named, func(f map[string][]byte, sp *specimen) {
		for _, name := range sp.names(".segment") {
			f[name] = f[name][:min(len(f[name]), sp.safe[name]-50)]
		}
	}},
	{"segment: all headers are gone after a crash", true, named, func(f map[string][]byte, sp *specimen) {
		for _, name := range sp.names(".segment") {
			wipe(f, name, 0, 64)
		}
	}},
	{"segment: all missing after a crash", true, named, func(f map[string][]byte, _ *specimen) { deleteAll(f, ".segment") }},
	{"segment: set aside", false, harmless, plant("segments/0000000000000001.bad", noise(70))},
	{"segment: other names", false, harmless, plant("segments/README", noise(70))},

	{"journal: empty file", true, refused, replace(".journal", 0, nil)},
	{"journal: short file", true, refused, shorten(".journal", 0, 3000)},
	{"journal: zeros", true, refused, replace(".journal", 0, make([]byte, 16<<10))},
	{"journal: noise", true, refused, replace(".journal", 0, noise(16<<10))},
	{"journal: another version", true, refused, patch(".journal", 0, 8, 7)},
	{"journal: two swapped", true, refused, func(f map[string][]byte, sp *specimen) {
		n := sp.names(".journal")
		f[n[0]], f[n[1]] = f[n[1]], f[n[0]]
	}},
	{"journal: one twice", true, refused, func(f map[string][]byte, sp *specimen) {
		n := sp.names(".journal")
		f[n[1]] = f[n[0]]
	}},
	{"journal: the first file that is needed missing", true, refused, func(f map[string][]byte, sp *specimen) {
		for _, name := range sp.names(".journal") {
			if name <= sp.needed {
				delete(f, name)
			}
		}
	}},
	{"journal: all files missing", true, refused, func(f map[string][]byte, _ *specimen) { deleteAll(f, "/journal/") }},
	{"journal: all files missing after a clean end", false, refused, func(f map[string][]byte, _ *specimen) { deleteAll(f, "/journal/") }},
	{"journal: of another store", true, refused, func(f map[string][]byte, _ *specimen) { take(f, "/journal/", otherFiles()) }},
	{"journal: unfinished file", true, harmless, plant("journal/000000ff.new", noise(70))},
	{"journal: noise to be recycled", true, harmless, plant("journal/00000001.spare", noise(70))},

	{"meta: missing", false, refused, func(f map[string][]byte, _ *specimen) { deleteAll(f, "/meta/") }},
	{"meta: missing after a crash", true, refused, func(f map[string][]byte, _ *specimen) { deleteAll(f, "/meta/") }},
	{"meta: of another store", true, refused, func(f map[string][]byte, _ *specimen) { take(f, "/meta/", otherFiles()) }},
	{"meta: log empty", false, refused, replace("/meta/000002.log", 0, nil)},
	{"meta: log half", false, refused, func(f map[string][]byte, sp *specimen) {
		name := sp.names("/meta/000002.log")[0]
		f[name] = f[name][:len(f[name])/2]
	}},
	{"meta: log half after a crash", true, refused, func(f map[string][]byte, sp *specimen) {
		name := sp.names("/meta/000002.log")[0]
		f[name] = f[name][:len(f[name])/2]
	}},
	{"meta: log missing", false, refused, without("meta/000002.log")},
	{"meta: log of noise", false, refused, replace("/meta/000002.log", 0, noise(5000))},
	{"meta: manifest empty", false, refused, replace("/meta/MANIFEST", 0, nil)},
	{"meta: manifest of noise", false, refused, replace("/meta/MANIFEST", 0, noise(300))},
	{"meta: manifest missing", false, refused, func(f map[string][]byte, _ *specimen) { deleteAll(f, "/meta/MANIFEST") }},
	{"meta: markers missing", false, refused, func(f map[string][]byte, _ *specimen) { deleteAll(f, "/meta/marker") }},
	{"meta: options of noise", false, refused, replace("/meta/OPTIONS", 0, noise(300))},
	{"meta: SEEN of noise", false, refused, replace("/meta/SEEN", 0, noise(20))},
	{"meta: one row of SEEN damaged", false, harmless, patch("/meta/SEEN", 0, 3, 0xff)},
	{"meta: SEEN missing", false, harmless, without("meta/SEEN")},
	{"nothing but segments", false, refused, func(f map[string][]byte, _ *specimen) {
		deleteAll(f, "/journal/")
		deleteAll(f, "/meta/")
	}},
	{"files of other programs", false, harmless, func(f map[string][]byte, _ *specimen) {
		f[inStore("lost+found")], f[inStore("journal/README")], f[inStore("meta/README")] = noise(3), noise(3), noise(3)
	}},
}

// TestGarbage opens stores that are not what they should be. Whatever comes of it, no record is wrong or missing without
// an error that names it, and nothing is removed.
func TestGarbage(t *testing.T) {
	leaktest.Check(t)
	closed, crashed := specimens(t)
	for _, g := range garbage {
		t.Run(g.name, func(t *testing.T) {
			sp := &closed
			if g.crashed {
				sp = &crashed
			}
			files := sp.spoilt(g.make)
			fs := build(t, files)
			v, err := sp.judge(t, fs, false)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.outcome(); got != g.want {
				t.Errorf("outcome %d, want %d: %+v", got, g.want, v)
			}
			if v.refused != nil {
				if err := sp.heal(t, fs, changes(sp.files, files)); err != nil {
					t.Errorf("after it was put right: %v", err)
				}
			}
		})
	}
}

// spoilt returns the files of a specimen after something was done to them.
func (sp *specimen) spoilt(by making) map[string][]byte {
	files := map[string][]byte{}
	for name, b := range sp.files {
		files[name] = slices.Clone(b)
	}
	by(files, sp)
	return files
}

func (v verdict) outcome() outcome {
	switch {
	case v.refused != nil:
		return refused
	case v.noticed():
		return named
	default:
		return harmless
	}
}

// TestGarbageIsWrittenAround appends to a store of which the files that are written to are damaged: what is new goes
// into other files, and stays.
func TestGarbageIsWrittenAround(t *testing.T) {
	leaktest.Check(t)
	for _, damage := range []func(f map[string][]byte, name string, safe int){
		func(f map[string][]byte, name string, _ int) { delete(f, name) },
		func(f map[string][]byte, name string, _ int) { wipe(f, name, 0, 64) },
		func(f map[string][]byte, name string, safe int) { f[name] = f[name][:safe-8] },
		func(f map[string][]byte, name string, _ int) { wipe(f, name, 512, 8) }, // noticed when it is sealed
	} {
		closed, _ := specimens(t)
		for _, name := range closed.names(".segment") {
			damage(closed.files, name, closed.safe[name])
		}
		fs := build(t, closed.files)
		for round := range 2 {
			s := mustStore(t, tiny(fs))
			l, err := s.Log("plain")
			if err != nil {
				t.Fatal(err)
			}
			w, err := l.OpenWriter(0)
			if err != nil {
				t.Fatal(err)
			}
			from := 300 + 300*round
			fill(t, w, from, from+300)
			if n := readAll(t, l, 300, "plain"); n != from {
				t.Errorf("round %d: %d records of %d", round, n, from)
			}
			if s.Stats().Failures == 0 && round == 0 {
				t.Error("the damage is not told of")
			}
			mustCloseStore(t, s)
		}
	}
}

type making = func(map[string][]byte, *specimen)

func inStore(name string) string { return filepath.Join(testDir, name) }

func replace(of string, i int, b []byte) making {
	return func(f map[string][]byte, sp *specimen) { f[sp.names(of)[i]] = b }
}

func shorten(of string, i, size int) making {
	return func(f map[string][]byte, sp *specimen) {
		name := sp.names(of)[i]
		f[name] = f[name][:size]
	}
}

func patch(of string, i, at int, b byte) making {
	return func(f map[string][]byte, sp *specimen) { f[sp.names(of)[i]][at] = b }
}

func without(name string) making {
	return func(f map[string][]byte, _ *specimen) { delete(f, inStore(name)) }
}

func plant(name string, b []byte) making {
	return func(f map[string][]byte, _ *specimen) { f[inStore(name)] = b }
}

func wipe(f map[string][]byte, name string, at, n int) { clear(f[name][at : at+n]) }

func deleteAll(f map[string][]byte, of string) {
	for name := range f {
		if strings.Contains(name, of) {
			delete(f, name)
		}
	}
}

// take puts files of a kind in the place of those that are there.
func take(f map[string][]byte, of string, from map[string][]byte) {
	deleteAll(f, of)
	for name, b := range from {
		if strings.Contains(name, of) {
			f[name] = b
		}
	}
}

// changes returns the names of files that differ.
func changes(a, b map[string][]byte) []string {
	var names []string
	for name := range a {
		if had, ok := b[name]; !ok || !bytes.Equal(a[name], had) {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// otherFiles returns the files of another store, with logs of its own.
func otherFiles() map[string][]byte {
	fs := disktest.New()
	s, _, err := Open(testDir, tiny(fs))
	if err != nil {
		panic(err)
	}
	l, err := s.Create("other", LogOptions{})
	if err != nil {
		panic(err)
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		panic(err)
	}
	var b Batch
	f, err := w.Append(b.Add([]byte("x")), Disk)
	if err != nil {
		panic(err)
	}
	if _, err := f.Wait(background); err != nil {
		panic(err)
	}
	if err := s.Close(); err != nil {
		panic(err)
	}
	return allFiles(fs)
}

func otherStore() []byte { return otherFiles()[inStore("STORE")] }

// noise returns bytes that mean nothing.
func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	var b []byte
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, rng.Uint64())
	}
	return b[:n]
}
