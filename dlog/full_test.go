package dlog

import (
	"errors"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestOpenOnAFullDisk opens a store that has crashed, with more in its journal than the window holds, on disks with little
// room. Open says so and does not wait; when there is room everything is there.
func TestOpenOnAFullDisk(t *testing.T) {
	leaktest.Check(t)
	whole := disktest.New()
	o := tiny(whole)
	o.JournalFile, o.WindowBytes, o.CheckpointBytes, o.SegmentBytes = 64<<10, 256<<10, 1<<20, 1<<20
	s := mustStore(t, o)
	w := newWriter(t, s, "a", LogOptions{})
	const batches = 100
	for n := range batches {
		var b Batch
		f, err := w.Append(b.Add(append(record("a", n), make([]byte, 1000)...)), Disk)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	left := whole.Crash(0)
	mustCloseStore(t, s)
	o.WindowBytes = 16 << 10
	refused := 0
	for room := int64(0); ; room += max(room, 24<<10) {
		o.FS = left.Crash(0)
		fs := o.FS.(*disktest.FS)
		fs.SetLimit(fs.Used() + room)
		s, _, err := Open(testDir, o)
		if err == nil {
			fs.SetLimit(0)
			mustCloseStore(t, s)
			break
		}
		if refused++; !errors.Is(err, ErrFull) {
			t.Errorf("with %d bytes: %v", room, err)
		}
	}
	if refused < 3 {
		t.Errorf("only %d were refused", refused)
	}
	o.FS = left
	s = mustStore(t, o)
	l, err := s.Log("a")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := l.Info(); err != nil || info.End != batches {
		t.Errorf("%+v, %v", info, err)
	}
	mustCloseStore(t, s)
}
