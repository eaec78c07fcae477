package disktest

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
)

const folder = "/d"

func newFile(t *testing.T, f *FS, name string) disk.File {
	t.Helper()
	if err := f.MkdirAll(folder); err != nil {
		t.Fatal(err)
	}
	h, err := f.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, h disk.File, b []byte, off int64) {
	t.Helper()
	if n, err := h.WriteAt(b, off); err != nil || n != len(b) {
		t.Fatal(n, err)
	}
}

// fill returns n sectors of a letter.
func fill(letter string, n int) []byte { return []byte(strings.Repeat(letter, n*disk.Sector)) }

// TestCrashLosesWhatWasNotSynced crashes with many seeds: what was synced is there in each, and of the rest everything,
// nothing, and some sectors in some.
func TestCrashLosesWhatWasNotSynced(t *testing.T) {
	f := New()
	h := newFile(t, f, folder+"/a")
	put(t, h, fill("a", 4), 0)
	must(t, h.SyncData())
	must(t, f.SyncDir(folder))
	put(t, h, fill("b", 2), disk.Sector)
	met := map[string]bool{}
	for seed := range uint64(100) {
		b, err := f.Crash(seed).ReadFile(folder + "/a")
		must(t, err)
		var what []byte
		for i := range 4 {
			sector := b[i*disk.Sector:][:disk.Sector]
			if !bytes.Equal(sector, fill(string(sector[:1]), 1)) {
				t.Fatalf("seed %d: sector %d is torn", seed, i)
			}
			what = append(what, sector[0])
		}
		met[string(what)] = true
	}
	for _, want := range []string{"aaaa", "abba", "abaa", "aaba"} {
		if !met[want] {
			t.Errorf("no crash leaves %s", want)
		}
		delete(met, want)
	}
	if len(met) > 0 {
		t.Errorf("crashes leave %v", met)
	}
	must(t, h.SyncData())
	if b, err := f.Crash(1).ReadFile(folder + "/a"); err != nil || !bytes.Equal(b, append(append(fill("a", 1), fill("b", 2)...), fill("a", 1)...)) {
		t.Errorf("after the second sync: %.20q, %v", b, err)
	}
}

func TestCrashLosesNamesThatWereNotSynced(t *testing.T) {
	f := New()
	h := newFile(t, f, folder+"/a")
	put(t, h, []byte("x"), 0)
	must(t, h.SyncData())
	met := map[bool]bool{}
	for seed := range uint64(50) {
		_, err := f.Crash(seed).ReadFile(folder + "/a")
		met[err == nil] = true
	}
	if len(met) != 2 {
		t.Errorf("a new name is always or never there: %v", met)
	}
	must(t, f.SyncDir(folder))
	must(t, f.Rename(folder+"/a", folder+"/b"))
	clear(met)
	for seed := range uint64(50) {
		left := f.Crash(seed)
		_, a := left.ReadFile(folder + "/a")
		_, b := left.ReadFile(folder + "/b")
		if (a == nil) == (b == nil) {
			t.Fatalf("seed %d: a rename is half done: %v, %v", seed, a, b)
		}
		met[a == nil] = true
	}
	if len(met) != 2 {
		t.Errorf("a rename is always or never there: %v", met)
	}
	must(t, f.SyncDir(folder))
	must(t, f.Remove(folder+"/b"))
	must(t, f.SyncDir(folder))
	if _, err := f.Crash(1).ReadFile(folder + "/b"); err == nil {
		t.Error("a removed file is back")
	}
}

// TestFailedSyncForgets checks that the model is as treacherous as Linux: after a failed sync the next one succeeds,
// the bytes can be read, and a crash shows that they were lost.
func TestFailedSyncForgets(t *testing.T) {
	f := New()
	h := newFile(t, f, folder+"/a")
	must(t, f.SyncDir(folder))
	f.Fail(Fault{Kind: OpSync, K: 1, Err: syscall.EIO})
	for i := range int64(20) {
		put(t, h, []byte("x"), i*disk.Sector)
	}
	if err := h.SyncData(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	must(t, h.SyncData())
	b, err := f.Crash(1).ReadFile(folder + "/a")
	must(t, err)
	lost := bytes.Count(b, []byte("x")) < 20
	now, err := f.ReadFile(folder + "/a")
	must(t, err)
	if !lost || bytes.Count(now, []byte("x")) != 20 {
		t.Errorf("lost %v, %d can be read", lost, bytes.Count(now, []byte("x")))
	}
}

func TestFaults(t *testing.T) {
	f := New()
	h := newFile(t, f, folder+"/a")
	f.Fail(Fault{Kind: OpWrite, K: 2, Err: syscall.ENOSPC, Short: true})
	put(t, h, []byte("abcd"), 0)
	if n, err := h.WriteAt([]byte("efgh"), 4); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a short write: %d, %v", n, err)
	}
	put(t, h, []byte("ij"), 6)
	if b, err := f.ReadFile(folder + "/a"); string(b) != "abcdefij" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	f.Fail(Fault{Kind: OpRead, K: 1, On: true, Err: syscall.EIO})
	for range 3 {
		if _, err := h.ReadAt(make([]byte, 1), 0); !errors.Is(err, syscall.EIO) {
			t.Error(err)
		}
	}
	if n := f.Failed(); n != 4 {
		t.Errorf("%d calls have failed, want 4", n)
	}
	f.Heal()
	if _, err := h.ReadAt(make([]byte, 1), 0); err != nil {
		t.Error(err)
	}
}

func TestLimit(t *testing.T) {
	f := New()
	h := newFile(t, f, folder+"/a")
	f.SetLimit(10)
	if n, err := h.WriteAt(make([]byte, 16), 0); n != 10 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d, %v", n, err)
	}
	if err := h.Preallocate(11); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	if _, err := f.Create(folder + "/b"); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	put(t, h, []byte("over"), 2)
	must(t, h.Truncate(2))
	put(t, h, make([]byte, 8), 2)
	must(t, f.Remove(folder+"/a"))
	if f.Used() != 0 {
		t.Errorf("%d bytes are used", f.Used())
	}
}

func TestErrorsAreThoseOfTheSystem(t *testing.T) {
	f := New()
	h := newFile(t, f, folder+"/a")
	must(t, h.Close())
	for want, err := range map[error]error{
		fs.ErrClosed:    h.SyncData(),
		fs.ErrNotExist:  f.Remove(folder + "/b"),
		syscall.EISDIR:  func() error { _, err := f.Open(folder); return err }(),
		syscall.ENOTDIR: f.MkdirAll(folder + "/a"),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	lock, err := f.Lock(folder + "/LOCK")
	must(t, err)
	if _, err := f.Lock(folder + "/LOCK"); !errors.Is(err, disk.ErrLocked) {
		t.Error(err)
	}
	must(t, lock.Close())
}

// TestSyncAll checks that all files and names of one folder are safe afterwards, and no others.
func TestSyncAll(t *testing.T) {
	f := New()
	put(t, newFile(t, f, folder+"/a"), []byte("a"), 0)
	put(t, newFile(t, f, folder+"/b"), []byte("b"), 0)
	must(t, f.MkdirAll("/e"))
	put(t, newFile(t, f, "/e/c"), []byte("c"), 0)
	must(t, f.SyncAll(folder))
	lost := false
	for seed := range uint64(20) {
		left := f.Crash(seed)
		for _, name := range []string{"a", "b"} {
			if b, err := left.ReadFile(folder + "/" + name); err != nil || string(b) != name {
				t.Errorf("seed %d: %s is %q, %v", seed, name, b, err)
			}
		}
		b, err := left.ReadFile("/e/c")
		lost = lost || err != nil || len(b) == 0
	}
	if !lost {
		t.Error("another folder was saved too")
	}
	if err := f.SyncAll("/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestFailedSyncAll checks that Failed tells once, of the files that have lost something and no others, also when the
// error of SyncAll goes to another program.
func TestFailedSyncAll(t *testing.T) {
	for _, taken := range []bool{false, true} {
		f := New()
		hit, clean := newFile(t, f, folder+"/hit"), newFile(t, f, folder+"/clean")
		for i := range int64(20) {
			put(t, hit, []byte("x"), i*disk.Sector)
		}
		must(t, f.SyncDir(folder))
		f.Fail(Fault{Kind: OpSyncAll, K: 1, Err: syscall.EIO, Taken: taken})
		if err := f.SyncAll(folder); errors.Is(err, syscall.EIO) == taken {
			t.Errorf("taken %v: %v", taken, err)
		}
		must(t, clean.Failed())
		if err := hit.Failed(); !errors.Is(err, syscall.EIO) {
			t.Errorf("Failed: %v", err)
		}
		must(t, hit.Failed())
		must(t, f.SyncAll(folder))
		b, err := f.Crash(1).ReadFile(folder + "/hit")
		must(t, err)
		if bytes.Count(b, []byte("x")) == 20 {
			t.Error("nothing is lost")
		}
	}
}

func TestFoldersInFolders(t *testing.T) {
	f := New()
	must(t, f.MkdirAll("/a/b/c"))
	newFile(t, f, "/a/b/file")
	if err := f.MkdirAll("/a/b/file/c"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a folder in a file: %v", err)
	}
	must(t, f.SyncDir("/a/b"))
	infos, err := f.Crash(0).List("/a/b")
	if want := []disk.Info{{Name: "c"}, {Name: "file", Regular: true}}; err != nil || !slices.Equal(infos, want) {
		t.Errorf("%+v, %v, want %+v", infos, err, want)
	}
}
