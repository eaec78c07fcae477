package segment

import (
	"errors"
	"io/fs"
	"math"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

// TestWriteSealAndRead writes a file in parts and reads it and looks for all batches in each state: while it is written,
// after it was opened to write on, sealed, and with the real file system too.
func TestWriteSealAndRead(t *testing.T) {
	t.Run("model", func(t *testing.T) { writeSealAndRead(t, newFS(t), testPath) })
	dir := t.TempDir()
	t.Run("real", func(t *testing.T) { writeSealAndRead(t, disk.OS{}, FileName(dir, testID.File)) })
}

func writeSealAndRead(t *testing.T, fsys disk.FS, path string) {
	t.Helper()
	w, err := Create(fsys, path, testID)
	must(t, err)
	f, err := Open(fsys, path, testID)
	must(t, err)
	var batches []Batch
	for range 3 {
		batches = append(batches, fill(t, w, 40, 3000)...)
		if w.Buffered() == 0 {
			t.Error("nothing is buffered")
		}
		must(t, w.Write())
		if w.Buffered() != 0 || w.End() != w.next {
			t.Errorf("%d bytes are buffered, end %+v", w.Buffered(), w.End())
		}
		must(t, seekAll(f, batches, w.End().At))
	}
	must(t, w.Sync())
	end := w.End()
	fill(t, w, 3, 100)
	must(t, w.Write())
	must(t, w.Close())
	w, err = Append(fsys, path, testID, end)
	must(t, err)
	batches = append(batches, fill(t, w, 40, 3000)...)
	must(t, w.Seal())
	end = w.End()
	if err := w.Put(&Batch{}, 0); !errors.Is(err, ErrSealed) {
		t.Error(err)
	}
	must(t, w.Close())
	if f.Sealed() {
		t.Error("a file that was opened before its seal calls itself sealed")
	}
	sealed, err := Open(fsys, path, testID)
	must(t, err)
	foot, ok := sealed.Footer()
	if !ok || foot.End != end || foot.First != (Mark{testID.First, dataStart, batches[0].TxID, batches[0].Time}) || foot.Batches != uint64(len(batches)) {
		t.Errorf("sealed %v, %+v, want end %+v", ok, foot, end)
	}
	sealed.Advise(0, 0, disk.Sequential)
	for _, f := range []*File{f, sealed} {
		got, err := readFrom(f, dataStart, end.At)
		must(t, errors.Join(err, compare(got, batches), seekAll(f, batches, end.At), f.Damaged()))
	}
	if _, err := readFrom(sealed, dataStart, math.MaxInt64); !errors.Is(err, ErrEnd) {
		t.Errorf("behind the batches: %v", err)
	}
	if at, err := sealed.Seek(ByTxID, math.MaxInt64, math.MaxInt64); at != end.At || err != nil {
		t.Errorf("behind all: %d, %v", at, err)
	}
	if n := len(sealed.mu.index.entries); n < 5 || n > int(end.At/indexEvery)+1 {
		t.Errorf("%d entries for %d bytes", n, end.At)
	}
	must(t, errors.Join(f.Close(), sealed.Close()))
}

func TestEmptyFiles(t *testing.T) {
	fsys := newFS(t)
	w := mustCreate(t, fsys)
	if w.End() != testID.Start() {
		t.Errorf("%+v", w.End())
	}
	must(t, errors.Join(w.Write(), w.Sync(), w.Seal(), w.Close(), w.Close()))
	f := mustOpen(t, fsys)
	if at, err := f.Seek(ByTime, 0, math.MaxInt64); !f.Sealed() || at != dataStart || err != nil || f.Damaged() != nil {
		t.Errorf("sealed %v, %d, %v, %v", f.Sealed(), at, err, f.Damaged())
	}
	if report, _ := checked(t, fsys, nil); !report.Sealed || report.End != testID.Start() {
		t.Errorf("%+v", report)
	}
}

func TestPutRefuses(t *testing.T) {
	w := mustCreate(t, newFS(t))
	ok := Batch{First: testID.First, Count: 2, TxID: 5, Time: 6}
	must(t, w.Put(&ok, Checksum(ok.Payload)))
	for want, b := range map[*Batch]error{
		{First: testID.First + 3, Count: 1, TxID: 5, Time: 6}:                                      ErrOrder,
		{First: testID.First + 1, Count: 1, TxID: 5, Time: 6}:                                      ErrOrder,
		{First: testID.First + 2, Count: 0, TxID: 5, Time: 6}:                                      ErrOrder,
		{First: testID.First + 2, Count: 1, TxID: 4, Time: 6}:                                      ErrOrder,
		{First: testID.First + 2, Count: 1, TxID: 5, Time: 5}:                                      ErrOrder,
		{First: testID.First + 2, Count: 1, TxID: 5, Time: 6, Payload: make([]byte, MaxPayload+1)}: ErrTooLarge,
	} {
		if err := w.Put(want, Checksum(want.Payload)); !errors.Is(err, b) {
			t.Errorf("%v, want %v", err, b)
		}
	}
	must(t, w.Put(&Batch{First: testID.First + 2, Count: 1, TxID: 5, Time: 6}, 0))
	must(t, w.Close())
	for _, err := range []error{w.Put(&ok, Checksum(ok.Payload)), w.Write(), w.Sync(), w.Synced(), w.Seal()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	last := ID{First: math.MaxInt64 - 1}
	w, err := Create(newFS(t), FileName(folder, 0), last)
	must(t, err)
	if err := w.Put(&Batch{First: last.First, Count: 2}, 0); !errors.Is(err, ErrOrder) {
		t.Errorf("beyond the last offset: %v", err)
	}
	must(t, w.Put(&Batch{First: last.First, Count: 1}, 0))
}

// TestAppendRefuses opens files to write on that are not there, not the file, or shorter than what was synced of it.
func TestAppendRefuses(t *testing.T) {
	fsys := newFS(t)
	if _, err := Append(fsys, testPath, testID, testID.Start()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	w := mustCreate(t, fsys)
	fill(t, w, 10, 100)
	must(t, errors.Join(w.Write(), w.Close()))
	before, err := fsys.ReadFile(testPath)
	must(t, err)
	end, other := w.End(), testID
	end.At += alignment
	other.Log++
	for want, got := range map[error]func() (*Writer, error){
		errFileEnds: func() (*Writer, error) { return Append(fsys, testPath, testID, end) },
		ErrForeign:  func() (*Writer, error) { return Append(fsys, testPath, other, other.Start()) },
	} {
		_, err := got()
		if _, ok := errors.AsType[*CorruptError](err); !ok || !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if _, err := Append(fsys, testPath, testID, Mark{}); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
	if after, err := fsys.ReadFile(testPath); err != nil || string(after) != string(before) {
		t.Error("the file was changed")
	}
}

// TestAppendRepairsATornHeader opens files that were made just before the power failed.
func TestAppendRepairsATornHeader(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": {}, "short": testID.appendHeader(nil)[:100], "zero": make([]byte, dataStart),
		"damaged": append([]byte("ardeaseg\x01\x00\x00\x00"), make([]byte, 4000)...),
	} {
		t.Run(name, func(t *testing.T) {
			fsys := newFS(t)
			must(t, fsys.WriteFile(testPath, b))
			w, err := Append(fsys, testPath, testID, testID.Start())
			must(t, err)
			batches := fill(t, w, 5, 100)
			must(t, w.Write())
			got, err := readFrom(mustOpen(t, fsys), dataStart, w.End().At)
			must(t, errors.Join(err, compare(got, batches)))
			if report, _ := checked(t, fsys, &testID); report.Size != w.End().At {
				t.Errorf("%d bytes instead of %d", report.Size, w.End().At)
			}
		})
	}
}

// TestFullDisk writes until the disk is full: what was written can be read, what was put stays and is written when there
// is room, and the seal waits too.
func TestFullDisk(t *testing.T) {
	for _, room := range []int64{0, 1, 700, 5000} {
		fsys := newFS(t)
		w := mustCreate(t, fsys)
		batches := fill(t, w, 20, 500)
		must(t, errors.Join(w.Write(), w.Sync()))
		end := w.End()
		fsys.SetLimit(fsys.Used() + room)
		batches = append(batches, fill(t, w, 30, 500)...)
		for range 2 {
			if err := w.Write(); !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) || w.End() != end || w.Buffered() == 0 {
				t.Fatalf("%v, end %+v", err, w.End())
			}
		}
		got, err := readFrom(mustOpen(t, fsys), dataStart, end.At)
		must(t, errors.Join(err, compare(got, batches[:20]), w.Sync()))
		batches = append(batches, fill(t, w, 5, 500)...)
		fsys.SetLimit(0)
		must(t, w.Write())
		fsys.SetLimit(fsys.Used() + room/50)
		if err := w.Seal(); !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		if f := mustOpen(t, fsys); f.Sealed() || f.Damaged() != nil {
			t.Error("half a seal counts")
		}
		fsys.SetLimit(0)
		batches = append(batches, fill(t, w, 1, 0)...)
		must(t, w.Seal())
		report, ranges := checked(t, fsys, nil)
		must(t, compare(whole(ranges), batches))
		if !report.Sealed || report.Size != fsys.Used() {
			t.Errorf("%+v", report)
		}
	}
	fsys := newFS(t)
	fsys.SetLimit(100)
	if _, err := Create(fsys, testPath, testID); !errors.Is(err, ErrFull) || fsys.Used() != 0 {
		t.Errorf("%v, %d bytes are used", err, fsys.Used())
	}
}

// TestFailedSyncIsFinal checks that nothing is acknowledged after a sync that failed, also one of the whole folder whose
// error went to another program.
func TestFailedSyncIsFinal(t *testing.T) {
	for name, sync := range map[string]func(*disktest.FS, *Writer) error{
		"sync":  func(_ *disktest.FS, w *Writer) error { return w.Sync() },
		"seal":  func(_ *disktest.FS, w *Writer) error { return w.Seal() },
		"taken": func(fsys *disktest.FS, w *Writer) error { return errors.Join(fsys.SyncAll(folder), w.Synced()) },
	} {
		t.Run(name, func(t *testing.T) {
			fsys := newFS(t)
			w := mustCreate(t, fsys)
			must(t, errors.Join(fsys.SyncAll(folder), w.Synced()))
			fill(t, w, 20, 500)
			must(t, w.Write())
			fsys.Fail(disktest.Fault{Kind: disktest.OpSync, K: 1, Err: syscall.EIO})
			fsys.Fail(disktest.Fault{Kind: disktest.OpSyncAll, K: 1, Err: syscall.EIO, Taken: true})
			if err := sync(fsys, w); !errors.Is(err, ErrFailed) || !errors.Is(err, syscall.EIO) {
				t.Fatal(err)
			}
			for _, err := range []error{w.Put(&Batch{}, 0), w.Write(), w.Sync(), w.Synced(), w.Seal()} {
				if !errors.Is(err, ErrFailed) {
					t.Error(err)
				}
			}
			must(t, w.Close())
		})
	}
}

// TestReadersBesideTheWriter has goroutines share a File and look for batches while the file is written, up to what they
// were told of.
func TestReadersBesideTheWriter(t *testing.T) {
	fsys := newFS(t)
	w := mustCreate(t, fsys)
	f := mustOpen(t, fsys)
	var (
		told atomic.Pointer[Mark]
		stop atomic.Bool
		all  sync.WaitGroup
	)
	start := testID.Start()
	told.Store(&start)
	for range 3 {
		all.Go(func() {
			for !stop.Load() {
				end := *told.Load()
				at, err := f.Seek(ByOffset, int64(end.Offset)-1, end.At)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := readFrom(f, at, end.At); err != nil || end != start && (len(got) != 1 || got[0].Next() != end.Offset) {
					t.Errorf("%d batches, %v", len(got), err)
					return
				}
			}
		})
	}
	for range 200 {
		fill(t, w, 3, 800)
		must(t, w.Write())
		end := w.End()
		told.Store(&end)
	}
	stop.Store(true)
	all.Wait()
	must(t, errors.Join(f.Close(), w.Close()))
}
