package dlog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestAppendAll(t *testing.T) {
	leaktest.Check(t)
	s := mustStore(t, tiny(disktest.New()))
	w := newWriter(t, s, "a", LogOptions{})
	var b [4]Batch
	for i := range b {
		b[i].Add(record("a", 2*i)).Add(record("a", 2*i+1)).TxID(int64(i))
	}
	f, n, err := w.AppendAll([]*Batch{&b[0], &b[1], &b[2]}, Disk)
	if err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	if res, err := f.Wait(t.Context()); err != nil || res.First != 4 || res.Count != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, n, err = w.AppendAll([]*Batch{&b[3], b[0].TxID(0)}, Disk); n != 1 || !errors.Is(err, ErrTxID) {
		t.Fatalf("%d were appended before an older transaction, %v", n, err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := readAll(t, w.Log(), 0, "a"); n != 8 {
		t.Errorf("%d records", n)
	}
	if f, n, err := w.AppendAll(nil, Disk); f != nil || n != 0 || err != nil {
		t.Errorf("nothing: %v, %d, %v", f, n, err)
	}
	mustCloseStore(t, s)
}

// TestUncommittedRecordsVanish lets a reader see what a full disk then refuses, and go on where the log does.
func TestUncommittedRecordsVanish(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	s := mustStore(t, tiny(fs))
	w := newWriter(t, s, "a", LogOptions{})
	r, err := w.Log().NewReader(First, ReadOptions{Uncommitted: true})
	if err != nil {
		t.Fatal(err)
	}
	next, vanished := uint64(0), uint64(0)
	for range 20 {
		fs.Fail(disktest.Fault{Kind: disktest.OpPreallocate, K: 1, On: true, Err: syscall.ENOSPC})
		for err = nil; err == nil; {
			var b Batch
			_, err = w.Append(b.Add(record("a", int(next))), Memory)
			vanished += readUncommitted(t, r, &next)
		}
		if !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		fs.Heal()
		if err := w.Flush(t.Context()); err != nil && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		vanished += readUncommitted(t, r, &next)
	}
	if vanished == 0 {
		t.Error("nothing vanished")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := w.Log().Info(); err != nil || info.End != next {
		t.Errorf("%d records were seen of %+v, %v", next, info, err)
	}
	mustCloseStore(t, s)
}

// readUncommitted reads from the record next on to the end, and returns how many have vanished that had been read.
func readUncommitted(t *testing.T, r *Reader, next *uint64) (vanished uint64) {
	t.Helper()
	for {
		recs, err := r.TryNext(t.Context())
		var beyond *BeyondEndError
		switch {
		case errors.As(err, &beyond):
			if beyond.End >= *next || r.Position() != beyond.End {
				t.Fatalf("the reader goes on at %d after %d, and the log ends at %d", r.Position(), *next, beyond.End)
			}
			vanished += *next - beyond.End
			*next = beyond.End
		case errors.Is(err, ErrEnd):
			return vanished
		case err != nil || recs.First != *next:
			t.Fatalf("%+v, %v; want record %d", recs, err, *next)
		default:
			*next = recs.Next()
		}
	}
}

// TestBeyondEnd is what a reader gets whose records were taken back.
func TestBeyondEnd(t *testing.T) {
	leaktest.Check(t)
	s := mustStore(t, tiny(disktest.New()))
	w := newWriter(t, s, "a", LogOptions{})
	fill(t, w, 0, 30)
	l := w.Log()
	r, err := l.NewReader(Last, ReadOptions{Uncommitted: true})
	if err != nil {
		t.Fatal(err)
	}
	r.pos = 33 // it has seen three more
	_, err = r.Next(t.Context())
	var beyond *BeyondEndError
	if !errors.As(err, &beyond) || beyond.End != 30 || r.Position() != 30 {
		t.Fatalf("%v, at %d", err, r.Position())
	}
	if _, err := l.NewReader(Offset(31), ReadOptions{}); !errors.Is(err, ErrBeyondEnd) {
		t.Errorf("a reader behind the end: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	mustCloseStore(t, s)
}

// TestSkipDamage reads around damage in a segment file and around what a damaged journal has lost.
func TestSkipDamage(t *testing.T) {
	leaktest.Check(t)
	_, crashed := specimens(t)
	name := crashed.names(".segment")[0]
	wipe(crashed.files, name, 512, 100)
	at := slices.IndexFunc(crashed.names(".journal"), func(name string) bool { return name == crashed.needed })
	for _, name := range crashed.names(".journal")[at:] {
		b := crashed.files[name]
		for i := 0; ; {
			k := strings.Index(string(b[i:]), string(record("plain", 270)))
			if k < 0 {
				break
			}
			b[i+k] ^= 1
			i += k + 1
		}
	}
	fs := build(t, crashed.files)
	if _, _, err := Open(testDir, tiny(fs)); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("opened with a damaged journal: %v", err)
	}
	o := tiny(fs)
	o.Salvage = true
	s, report, err := Open(testDir, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Missing) != 1 || report.Missing[0] != (Gap{Log: "plain", From: 270, To: 273}) {
		t.Errorf("missing are %+v", report.Missing)
	}
	l, err := s.Log("plain")
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, w, 300, 600)
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		want := []string{name + " at 512: records 0 to 3", "records 270 to 273"}
		if got := damages(t, l, 600); len(got) != 2 || got[0] != want[0] || !strings.HasSuffix(got[1], want[1]) {
			t.Errorf("round %d: %q, want %q", round, got, want)
		}
		mustCloseStore(t, s)
		s = mustStore(t, o)
		if l, err = s.Log("plain"); err != nil {
			t.Fatal(err)
		}
	}
	mustCloseStore(t, s)
}

// damages reads a log from offset 0 to an end and returns what could not be read.
func damages(t *testing.T, l *Log, end uint64) (found []string) {
	t.Helper()
	r, err := l.NewReader(First, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		recs, err := r.TryNext(t.Context())
		var damage *CorruptError
		switch {
		case errors.As(err, &damage):
			found = append(found, fmt.Sprintf("%s at %d: records %d to %d", damage.File, damage.At, damage.From, damage.To))
			r.Skip()
			continue
		case errors.Is(err, ErrEnd) && r.Position() == end:
			return found
		case err != nil:
			t.Fatalf("at %d: %v", r.Position(), err)
		}
		for at, rec := range recs.All() {
			if string(rec) != string(record("plain", int(at))) {
				t.Fatalf("record %d is %q", at, rec)
			}
		}
	}
}

// TestFewOpenFiles uses more logs than files may be open.
func TestFewOpenFiles(t *testing.T) {
	leaktest.Check(t)
	o := tiny(disktest.New())
	o.MaxFiles = 1
	s := mustStore(t, o)
	var writers [12]*Writer
	for i := range writers {
		writers[i] = newWriter(t, s, strconv.Itoa(i), LogOptions{})
	}
	for round := range 10 {
		for _, w := range writers {
			fill(t, w, 30*round, 30*round+30)
		}
	}
	for range 2 {
		for i := range writers {
			l, err := s.Log(strconv.Itoa(i))
			if err != nil {
				t.Fatal(err)
			}
			if n := readAll(t, l, 0, strconv.Itoa(i)); n != 300 {
				t.Errorf("log %d has %d records", i, n)
			}
		}
		mustCloseStore(t, s)
		s = mustStore(t, o)
	}
	mustCloseStore(t, s)
}

// cramped is a disk with no room for segment files.
type cramped struct {
	disk.FS

	full atomic.Bool
}

type crampedFile struct {
	disk.File

	fs *cramped
}

func (c *cramped) Create(name string) (disk.File, error) { return c.wrap(name, c.FS.Create) }

func (c *cramped) Open(name string) (disk.File, error) { return c.wrap(name, c.FS.Open) }

func (c *cramped) wrap(name string, open func(string) (disk.File, error)) (disk.File, error) {
	f, err := open(name)
	if err == nil && strings.HasSuffix(name, ".segment") {
		f = &crampedFile{f, c}
	}
	return f, err
}

func (f *crampedFile) WriteAt(b []byte, at int64) (int, error) {
	if f.fs.full.Load() {
		n, _ := f.File.WriteAt(b[:len(b)/2], at)
		return n, syscall.ENOSPC
	}
	return f.File.WriteAt(b, at)
}

// TestFullDiskOfSegments lets segment files meet a full disk, again and again. Nothing is lost, and appends work again
// when there is room.
func TestFullDiskOfSegments(t *testing.T) {
	leaktest.Check(t)
	fs := &cramped{FS: disktest.New()}
	o := tiny(nil)
	o.FS = fs
	s := mustStore(t, o)
	w := newWriter(t, s, "a", LogOptions{})
	next, refused := 0, 0
	for round := range 8 {
		fs.full.Store(true)
		for range 3000 {
			var b Batch
			f, err := w.Append(b.Add(record("a", next)).TxID(int64(next)), Disk)
			if err == nil {
				_, err = f.Wait(t.Context())
			}
			if errors.Is(err, ErrFull) {
				refused++
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			next++
		}
		if n := readAll(t, w.Log(), 0, "a"); n != next {
			t.Fatalf("round %d: %d records of %d can be read", round, n, next)
		}
		fs.full.Store(false)
		if err := s.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		fill(t, w, next, next+50)
		next += 50
	}
	if refused != 8 {
		t.Errorf("the disk was full %d times", refused)
	}
	mustCloseStore(t, s)
	s = mustStore(t, o)
	l, err := s.Log("a")
	if err != nil {
		t.Fatal(err)
	}
	if n := readAll(t, l, 0, "a"); n != next {
		t.Errorf("%d records of %d are there after a restart", n, next)
	}
	mustCloseStore(t, s)
}
