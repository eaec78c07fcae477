package dlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/pool"
)

// outage is a time in which nothing can be written, and what must come of it.
type outage struct {
	store      *Store
	w          *Writer
	sub        *Subscription
	want       error // class of what everything fails with
	next       int   // records
	begin, end func()
}

func newOutage(t *testing.T, s *Store, want error) *outage {
	t.Helper()
	o := &outage{store: s, w: newWriter(t, s, "a", LogOptions{}), want: want}
	o.fill(t, 100)
	var err error
	if o.sub, err = o.w.Log().Subscribe("s", First); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *outage) fill(t *testing.T, n int) {
	t.Helper()
	fill(t, o.w, o.next, o.next+n)
	o.next += n
}

// passes lets it begin and end, and tries everything between and afterwards.
func (o *outage) passes(t *testing.T, round int) {
	t.Helper()
	o.begin()
	refused := 0
	for range 20000 {
		if refused == 3 {
			break
		}
		var b Batch
		f, err := o.w.Append(b.Add(record("a", o.next)).TxID(int64(o.next)+1), Disk)
		if err == nil {
			_, err = f.Wait(t.Context())
		}
		switch {
		case err == nil:
			o.next++
		case errors.Is(err, o.want):
			refused++
		default:
			t.Fatalf("round %d: an append: %v", round, err)
		}
	}
	if refused != 3 {
		t.Fatalf("round %d: nothing was refused", round)
	}
	o.refused(t, "a position is stored", func(int) error { return o.sub.Commit(uint64(round)) })
	o.refused(t, "a log is made", func(i int) error {
		_, err := o.store.Create(fmt.Sprint("b", round, i), LogOptions{})
		return err
	})
	names := []string{"a", "c"}
	o.refused(t, "a log is renamed", func(i int) error { return o.store.Rename(names[i%2], names[1-i%2]) })
	if n := readAll(t, o.w.Log(), 0, "a"); n != o.next {
		t.Errorf("round %d: %d records of %d can be read", round, n, o.next)
	}
	if err := o.store.Err(); err != nil {
		t.Fatalf("round %d: the store has stopped: %v", round, err)
	}
	o.end()
	if err := o.store.Rename("c", "a"); err != nil && !errors.Is(err, ErrNotFound) {
		t.Errorf("round %d: afterwards: %v", round, err)
	}
	o.fill(t, 50)
	if _, err := o.store.Create(fmt.Sprint("after", round), LogOptions{}); err != nil {
		t.Errorf("round %d: afterwards: %v", round, err)
	}
	if err := o.sub.Commit(uint64(o.next)); err != nil {
		t.Errorf("round %d: afterwards: %v", round, err)
	}
	if err := o.store.Checkpoint(); err != nil {
		t.Errorf("round %d: afterwards: %v", round, err)
	}
}

// refused repeats a call until it is refused: the database has some room of its own.
func (o *outage) refused(t *testing.T, what string, call func(i int) error) {
	t.Helper()
	err := error(nil)
	for i := 0; err == nil && i < 200000; i++ {
		err = call(i)
	}
	if !errors.Is(err, o.want) || errors.Is(err, ErrStopped) {
		t.Errorf("%s: %v", what, err)
	}
}

// check looks for all that was acknowledged.
func (o *outage) check(t *testing.T, s *Store) {
	t.Helper()
	l, err := s.Log("a")
	if err != nil {
		t.Fatal(err)
	}
	if n := readAll(t, l, 0, "a"); n != o.next {
		t.Errorf("%d records of %d came back", n, o.next)
	}
	if at, err := l.Subscription("s").Position(); err != nil || at != uint64(o.next) {
		t.Errorf("the subscription is at %d, want %d: %v", at, o.next, err)
	}
	mustCloseStore(t, s)
}

// TestOutages makes the disk full, and then read-only, several times. Everything says so, readers go on, and when it is
// over all works again without being opened again.
func TestOutages(t *testing.T) {
	for _, kind := range []error{ErrFull, ErrReadOnly} {
		t.Run(kind.Error(), func(t *testing.T) {
			leaktest.Check(t)
			fs := disktest.New()
			s := mustStore(t, tiny(fs))
			o := newOutage(t, s, kind)
			o.begin, o.end = func() { fs.SetLimit(fs.Used()) }, func() { fs.SetLimit(0) }
			if kind == ErrReadOnly { //nolint:errorlint // it is a value
				o.begin, o.end = func() { fs.SetReadOnly(true) }, func() { fs.SetReadOnly(false) }
			}
			for round := range 5 {
				o.passes(t, round)
			}
			crashed := fs.Crash(1)
			mustCloseStore(t, s)
			o.check(t, mustStore(t, tiny(fs)))
			o.check(t, mustStore(t, tiny(crashed)))
		})
	}
}

// TestTooManyOpenFiles lets no file be opened or made for a while.
func TestTooManyOpenFiles(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	s := mustStore(t, tiny(fs))
	w := newWriter(t, s, "a", LogOptions{})
	next := 0
	for round := range 5 {
		fill(t, w, next, next+100)
		next += 100
		fs.Fail(disktest.Fault{Kind: disktest.OpCreate, K: 1, On: true, Err: syscall.EMFILE})
		fs.Fail(disktest.Fault{Kind: disktest.OpOpen, K: 1, On: true, Err: syscall.EMFILE})
		err := error(nil)
		for err == nil {
			var b Batch
			var f *Future
			if f, err = w.Append(b.Add(record("a", next)).TxID(int64(next)), Disk); err == nil {
				_, err = f.Wait(t.Context())
			}
			if err == nil {
				next++
			}
		}
		if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.EMFILE) || s.Err() != nil {
			t.Fatalf("round %d: %v, the store: %v", round, err, s.Err())
		}
		fs.Heal()
	}
	if n := readAll(t, w.Log(), 0, "a"); n != next {
		t.Errorf("%d records of %d", n, next)
	}
	mustCloseStore(t, s)
}

// filler takes all the room that there is on a file system.
type filler struct{ path string }

func (f filler) fill(t *testing.T) {
	t.Helper()
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFullFileSystem does the same on a real file system, with more records than the window has room for.
func TestFullFileSystem(t *testing.T) {
	leaktest.Check(t)
	at := smallFileSystem(t, 96<<20)
	dir := filepath.Join(at, "store")
	options := Options{JournalFile: 1 << 20, WindowBytes: 1 << 20, SegmentBytes: 1 << 20, CheckpointBytes: 4 << 20, RetentionEvery: -1}
	s, _, err := Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	o := newOutage(t, s, ErrFull)
	f := filler{filepath.Join(at, "filler")}
	o.begin = func() { f.fill(t) }
	o.end = func() {
		if err := os.Remove(f.path); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 4 {
		o.passes(t, round)
		o.fill(t, 20000)
	}
	o.begin()
	if err := o.w.Log().Truncate(uint64(o.next) - 10); err != nil {
		t.Errorf("what would give room: %v", err)
	}
	if err := s.Delete("after0"); err != nil {
		t.Errorf("what would give room: %v", err)
	}
	o.end()
	if err := o.sub.Commit(uint64(o.next)); err != nil {
		t.Fatal(err)
	}
	mustCloseStore(t, s)
	if s, _, err = Open(dir, options); err != nil {
		t.Fatal(err)
	}
	l, err := s.Log("a")
	if err != nil {
		t.Fatal(err)
	}
	if n := readAll(t, l, uint64(o.next)-10, "a"); n != 10 {
		t.Errorf("%d records of 10 came back", n)
	}
	mustCloseStore(t, s)
}

// TestImmutableFolders takes the permission to write to the store's folders away.
func TestImmutableFolders(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(t.TempDir(), "store")
	options := Options{JournalFile: 64 << 10, WindowBytes: 64 << 10, SegmentBytes: 64 << 10, CheckpointBytes: 256 << 10, RetentionEvery: -1}
	s, _, err := Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	folders := []string{dir, filepath.Join(dir, "journal"), filepath.Join(dir, "segments"), filepath.Join(dir, "meta")}
	for _, folder := range folders {
		freeze(t, folder, false) // skips where that cannot be done
	}
	o := newOutage(t, s, ErrReadOnly)
	set := func(on bool) {
		for _, folder := range folders {
			freeze(t, folder, on)
		}
	}
	t.Cleanup(func() { set(false) })
	o.begin, o.end = func() { set(true) }, func() { set(false) }
	for round := range 3 {
		o.passes(t, round)
	}
	mustCloseStore(t, s)
	if s, _, err = Open(dir, options); err != nil {
		t.Fatal(err)
	}
	o.check(t, s)
}

// TestAppendWhileOthersAreTold has a writer append after the disk has room again, while the one whose batch has failed is
// still being told: it waits, and is not told of what is over.
func TestAppendWhileOthersAreTold(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	s := mustStore(t, tiny(fs))
	other := newWriter(t, s, "other", LogOptions{})
	w := newWriter(t, s, "a", LogOptions{})
	fill(t, w, 0, 3)
	fs.SetReadOnly(true)
	telling, goOn := make(chan error), make(chan struct{})
	var b Batch
	b.Add(record("other", 0))
	buf := pool.Get(b.Len())
	buf.B = append(buf.B, b.body...)
	if err := other.AppendShared(buf, buf.B, 1, 1, Disk, func(_ Result, err error) {
		telling <- err
		<-goOn
	}); err != nil {
		t.Fatal(err)
	}
	buf.Release()
	if err := <-telling; !errors.Is(err, ErrReadOnly) {
		t.Fatalf("the batch that fails: %v", err)
	}
	fs.SetReadOnly(false)
	appended := make(chan error)
	go func() {
		var b Batch
		f, err := w.Append(b.Add(record("a", 3)).TxID(4), Disk)
		if err == nil {
			_, err = f.Wait(t.Context())
		}
		appended <- err
	}()
	select {
	case err := <-appended:
		t.Errorf("an append does not wait: %v", err)
		close(goOn)
	case <-time.After(50 * time.Millisecond): // it waits, or has not begun, which the test then does not try
		close(goOn)
		if err := <-appended; err != nil {
			t.Errorf("an append after the outage: %v", err)
		}
	}
	if n := readAll(t, w.Log(), 0, "a"); n != 4 {
		t.Errorf("%d records of 4", n)
	}
	mustCloseStore(t, s)
}
