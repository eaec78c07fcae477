package segment

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

// TestEveryCallFails makes each call of each kind fail, once: the error is returned, and what was synced can be read,
// and written on.
func TestEveryCallFails(t *testing.T) {
	injected := errors.New("injected")
	fails := 0
	for _, kind := range disktest.Kinds() {
		for k := 1; ; k++ {
			fs := newFS(t)
			fs.Fail(disktest.Fault{Kind: kind, K: k, Err: injected, Short: k%2 == 0})
			s := script{fs: fs, mark: testID.Start()}
			err := s.run()
			if fs.Failed() == 0 {
				if err != nil {
					t.Errorf("without a failure: %v", err)
				}
				break
			}
			if fails++; !errors.Is(err, injected) {
				t.Errorf("%s %d: %v", kind, k, err)
			}
			fs.Heal()
			if err := s.check(fs); err != nil {
				t.Errorf("%s %d: %v", kind, k, err)
			}
			if err := s.check(fs.Crash(uint64(k))); err != nil {
				t.Errorf("%s %d, and then the power: %v", kind, k, err)
			}
		}
	}
	if fails < 30 {
		t.Errorf("only %d calls failed", fails)
	}
}

// script does everything once and stops at the first error.
type script struct {
	fs      *disktest.FS
	batches []Batch
	mark    Mark // that was synced
	synced  int  // batches before it
}

// check looks for what was synced.
func (s *script) check(fs *disktest.FS) error {
	if s.synced == 0 {
		return nil
	}
	w, err := Append(fs, testPath, testID, s.mark)
	if err != nil {
		return err
	}
	f, err := Open(fs, testPath, testID)
	if err != nil {
		return err
	}
	got, err := readFrom(f, dataStart, s.mark.At)
	return errors.Join(err, compare(got, s.batches[:s.synced]), w.Seal())
}

func (s *script) run() error {
	w, err := Create(s.fs, testPath, testID)
	if err != nil {
		return err
	}
	if err := s.fs.SyncDir(folder); err != nil {
		return err
	}
	for range 2 {
		if err := s.write(w); err != nil {
			return err
		}
		if w, err = Append(s.fs, testPath, testID, s.mark); err != nil {
			return err
		}
	}
	if err := errors.Join(s.fs.SyncAll(folder), w.Synced(), w.Seal(), w.Close()); err != nil {
		return err
	}
	f, err := Open(s.fs, testPath, testID)
	if err != nil {
		return err
	}
	for _, k := range []Key{ByOffset, ByTxID, ByTime} {
		if at, err := f.Seek(k, int64(s.batches[0].First), s.mark.At); err != nil || k == ByOffset && at != dataStart {
			return fmt.Errorf("at %d: %w", at, err)
		}
	}
	report, err := Check(s.fs, testPath, nil, nil)
	if err == nil && !report.Sealed {
		err = errors.New("not sealed")
	}
	return err
}

// write puts some batches, makes them safe, and closes the writer.
func (s *script) write(w *Writer) error {
	for range 30 {
		b := made(w.next, 1, 2000)
		if err := w.Put(&b, Checksum(b.Payload)); err != nil {
			return err
		}
		s.batches = append(s.batches, b)
	}
	if err := errors.Join(w.Write(), w.Sync()); err != nil {
		return err
	}
	s.mark, s.synced = w.End(), len(s.batches)
	return w.Close()
}
