package identity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

const dir = "/disk/store"

var made = Identity{Store: 0x1817161514131211, Created: 0x2827262524232221}

func must(tb testing.TB, errs ...error) {
	tb.Helper()
	if err := errors.Join(errs...); err != nil {
		tb.Fatal(err)
	}
}

// created returns a file system with a store that was made and closed.
func created(tb testing.TB) *disktest.FS {
	tb.Helper()
	fs := disktest.New()
	h, err := Create(fs, dir, made)
	must(tb, err)
	must(tb, h.Close())
	return fs
}

func TestOpenFindsWhatCreateHasMade(t *testing.T) {
	for name, where := range map[string]struct {
		fs  disk.FS
		dir string
	}{"disk": {disk.OS{}, filepath.Join(t.TempDir(), "new", "store")}, "memory": {disktest.New(), dir}} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(where.fs, where.dir); !errors.Is(err, ErrNotStore) {
				t.Errorf("Open of a folder that is missing: %v", err)
			}
			h, err := Create(where.fs, where.dir, made)
			must(t, err)
			held := fmt.Sprintf("pid %d holds it", os.Getpid())
			for _, open := range []func() (*Held, error){
				func() (*Held, error) { return Open(where.fs, where.dir) },
				func() (*Held, error) { return hold(where.fs, where.dir, nil) },
			} {
				if _, err := open(); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), held) {
					t.Errorf("while it is held: %v", err)
				}
			}
			must(t, h.Close())
			if _, err := Create(where.fs, where.dir, made); !errors.Is(err, ErrExists) {
				t.Errorf("a second Create: %v", err)
			}
			for range 2 {
				h, err = Open(where.fs, where.dir)
				must(t, err)
				if h.Identity != made {
					t.Errorf("%+v, want %+v", h.Identity, made)
				}
				must(t, h.Close())
			}
		})
	}
}

func TestNewIdentitiesDiffer(t *testing.T) {
	now := time.Unix(1, 2)
	if a, b := New(now), New(now); a.Store == 0 || a.Store == b.Store || a.Created != 1_000_000_002 {
		t.Errorf("%+v, %+v", a, b)
	}
	if _, err := Create(disktest.New(), dir, Identity{}); err == nil {
		t.Error("a store with the number 0")
	}
}

// TestOtherFoldersAreLeftAlone has a folder with something else in it: neither call may change it.
func TestOtherFoldersAreLeftAlone(t *testing.T) {
	fs := disktest.New()
	must(t, fs.MkdirAll(dir), fs.WriteFile(dir+"/notes.txt", []byte("mine")))
	before, err := fs.List(dir)
	must(t, err)
	if _, err := Open(fs, dir); !errors.Is(err, ErrNotStore) {
		t.Errorf("Open: %v", err)
	}
	var occupied *OccupiedError
	if _, err := Create(fs, dir, made); !errors.As(err, &occupied) || !errors.Is(err, ErrOccupied) || !slices.Equal(occupied.Names, []string{"notes.txt"}) {
		t.Errorf("Create: %v", err)
	}
	if after, err := fs.List(dir); err != nil || !slices.Equal(after, before) {
		t.Errorf("left %+v, %v", after, err)
	}
}

// TestReadOnly uses faults, as root may write anywhere.
func TestReadOnly(t *testing.T) {
	for _, fault := range []struct {
		kind disktest.Kind
		err  error
	}{{disktest.OpLock, syscall.EROFS}, {disktest.OpLock, syscall.EACCES}, {disktest.OpOpen, syscall.EPERM}} {
		fs := created(t)
		fs.Fail(disktest.Fault{Kind: fault.kind, K: 1, On: true, Err: fault.err})
		if _, err := Open(fs, dir); !errors.Is(err, ErrReadOnly) || !errors.Is(err, fault.err) {
			t.Errorf("%s fails with %v: %v", fault.kind, fault.err, err)
		}
	}
	fs := disktest.New()
	fs.Fail(disktest.Fault{Kind: disktest.OpMkdir, K: 1, Err: syscall.EROFS})
	if _, err := Create(fs, dir, made); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Create: %v", err)
	}
}

// TestFlippedBits flips every bit of STORE, and cuts it at every length: no such file may be taken for a store.
func TestFlippedBits(t *testing.T) {
	fs := created(t)
	good, err := fs.ReadFile(dir + "/STORE")
	must(t, err)
	try := func(what string, b []byte) {
		must(t, fs.WriteFile(dir+"/STORE", b))
		if h, err := Open(fs, dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %+v, %v", what, h, err)
		}
	}
	for bit := range len(good) * 8 {
		b := slices.Clone(good)
		b[bit/8] ^= 1 << (bit % 8)
		try(fmt.Sprintf("bit %d", bit), b)
	}
	for size := range good {
		try(fmt.Sprintf("%d bytes", size), good[:size])
	}
	try("longer", append(slices.Clone(good), 0))
}

// TestGolden pins the form of the file.
func TestGolden(t *testing.T) {
	want := "ardstore" + "\x01\x00\x00\x00" + "\x00\x00\x00\x00" +
		"\x11\x12\x13\x14\x15\x16\x17\x18" + "\x21\x22\x23\x24\x25\x26\x27\x28" + strings.Repeat("\x00", 28)
	got := made.file()
	if string(got[:60]) != want {
		t.Errorf("got  %q\nwant %q", got[:60], want)
	}
	if sum := le.Uint32(got[60:]); sum != 0x0be90704 {
		t.Errorf("checksum %#x", sum)
	}
}

// TestLaterVersion has a file that a later program may have written: whole, and longer.
func TestLaterVersion(t *testing.T) {
	fs := created(t)
	b := made.file()
	le.PutUint32(b[atVersion:], Version+1)
	le.PutUint32(b[atChecksum:], checksum(b))
	must(t, fs.WriteFile(dir+"/STORE", append(b, "more"...)))
	var version *VersionError
	if _, err := Open(fs, dir); !errors.As(err, &version) || !errors.Is(err, ErrVersion) || version.Version != Version+1 {
		t.Error(err)
	}
}

// TestHolderIsAHint has a LOCK file that does not name a process.
func TestHolderIsAHint(t *testing.T) {
	for _, text := range []string{"", "-5", "none of your business", strings.Repeat("9", 100)} {
		fs := created(t)
		h, err := Open(fs, dir)
		must(t, err)
		must(t, fs.WriteFile(dir+"/LOCK", []byte(text)))
		if _, err := Open(fs, dir); !errors.Is(err, ErrHeld) || !strings.HasSuffix(err.Error(), "another process holds it") {
			t.Errorf("%q: %v", text, err)
		}
		must(t, h.Close())
	}
}

// TestPeekWritesNothing takes the lock and leaves the files as they are, also a number that a process has left in the lock
// that was killed.
func TestPeekWritesNothing(t *testing.T) {
	fs := created(t)
	lock := filepath.Join(dir, lockFile)
	must(t, fs.WriteFile(lock, []byte("4711\n")))
	id, held, notStore, err := Peek(fs, dir)
	must(t, err, notStore)
	if id != made {
		t.Errorf("%+v", id)
	}
	if _, err := Open(fs, dir); !errors.Is(err, ErrHeld) {
		t.Errorf("Open meanwhile: %v", err)
	}
	must(t, held.Close())
	if b, err := fs.ReadFile(lock); err != nil || string(b) != "4711\n" {
		t.Errorf("the lock holds %q, %v", b, err)
	}
	h, err := Open(fs, dir)
	must(t, err)
	if _, _, _, err := Peek(fs, dir); !errors.Is(err, ErrHeld) {
		t.Errorf("Peek of an open store: %v", err)
	}
	must(t, h.Close(), fs.WriteFile(filepath.Join(dir, storeFile), []byte("x")))
	_, held, notStore, err = Peek(fs, dir)
	if err != nil || !errors.Is(notStore, ErrDamaged) {
		t.Fatalf("%v, %v", notStore, err)
	}
	must(t, held.Close())
}
