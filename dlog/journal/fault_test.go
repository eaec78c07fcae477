package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// workload opens the journal twice and fills several files, releasing some. Entries that failed are not in what it
// returns as acknowledged, and it goes on after failures. It says how often each outcome was met.
func workload(fs *disktest.FS, l *ledger) (failures []error) {
	for range 2 {
		j, err := open(small(fs))
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if err := l.check(j, l.next); err != nil {
			return append(failures, fmt.Errorf("wrong: %w", err))
		}
		w := NewWaiter()
		for i := range 25 {
			id := l.number()
			e := made(id, 200+i)
			if at, err := w.Append(j.Journal, &e, Disk); err != nil {
				failures = append(failures, err)
			} else {
				l.ack(id, at)
			}
			if i == 15 {
				release15(j.Journal, l)
			}
		}
		if err := j.Close(); err != nil {
			failures = append(failures, err)
		}
	}
	return failures
}

func release15(j *Journal, l *ledger) {
	l.released = max(l.released, j.Synced()-1)
	j.Release(l.released)
}

// TestEveryCallFails makes the k-th call of each kind fail, for every k until there are no more calls, once or from
// then on, and with a disk that is broken or full. Afterwards the disk is whole again, or the power fails as well. What
// was acknowledged must be there, and what an Open has replayed must still be there after the next power failure.
func TestEveryCallFails(t *testing.T) {
	leaktest.Check(t)
	runs := 0
	for _, kind := range disktest.Kinds() {
		for _, on := range []bool{false, true} {
			for _, err := range []error{syscall.EIO, syscall.ENOSPC} {
				for k := 1; ; k++ {
					if testing.Short() && k > 6 {
						break
					}
					more, wrong := failAt(disktest.Fault{Kind: kind, K: k, On: on, Err: err, Short: k%2 == 0})
					if wrong != nil {
						t.Errorf("%s %d, from then on: %v, %v: %v", kind, k, on, err, wrong)
					}
					if !more {
						break
					}
					runs++
				}
			}
		}
	}
	t.Logf("%d runs", runs)
}

// failAt runs the workload with a fault. It says whether a call has failed, and what went wrong that must not.
func failAt(fault disktest.Fault) (bool, error) {
	fs, l := disktest.New(), newLedger()
	fs.Fail(fault)
	failures := workload(fs, l)
	if fs.Failed() == 0 {
		return false, errors.Join(failures...)
	}
	fs.Heal()
	for _, err := range failures {
		if !typed(err) {
			return true, fmt.Errorf("not an error that says what has happened: %w", err)
		}
	}
	for seed := range uint64(4) {
		left := fs
		if seed < 3 {
			left = fs.Crash(seed) // the last one opens the files as they are, as a process does that was restarted
		}
		got, err := open(small(left))
		if err != nil {
			return true, err
		}
		if err := l.check(got, l.next); err != nil {
			return true, err
		}
		kept := &ledger{acked: got.at}
		again, err := open(small(left.Crash(seed)))
		if err == nil {
			err = errors.Join(kept.check(again, l.next), again.Close())
		}
		if err := errors.Join(err, got.Close()); err != nil {
			return true, fmt.Errorf("after one more failure: %w", err)
		}
	}
	return true, nil
}

// typed says whether an error names its cause. An append's must say what has become of the entry, and why.
func typed(err error) bool {
	var failed *AppendError
	if errors.As(err, &failed) && failed.Outcome != ErrUnknown && failed.Outcome != ErrNotWritten { //nolint:errorlint // a value
		return false
	}
	if errors.Is(err, syscall.ENOSPC) && errors.As(err, &failed) && !errors.Is(err, ErrFull) {
		return false
	}
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, io.ErrShortWrite) || errors.Is(err, fs.ErrClosed)
}

// TestNothingIsAcknowledgedAfterAFailure fails each write and sync in turn with EIO: the entry's outcome is unknown, and
// everything after it is refused, whether or not the disk works again.
func TestNothingIsAcknowledgedAfterAFailure(t *testing.T) {
	leaktest.Check(t)
	for _, kind := range []disktest.Kind{disktest.OpWrite, disktest.OpSync} {
		for k := 1; k <= 20; k++ {
			fs := disktest.New()
			j := mustOpen(t, small(fs))
			j.fill(t, 1, 2) // the first file is made and taken
			fs.Fail(disktest.Fault{Kind: kind, K: k, Err: syscall.EIO})
			w, failed := NewWaiter(), false
			for id := uint64(2); id < 40; id++ {
				e := made(id, 300)
				_, err := w.Append(j.Journal, &e, Disk)
				switch {
				case err == nil && failed:
					t.Fatalf("%s %d: entry %d was acknowledged after a failure", kind, k, id)
				case err != nil && failed && !errors.Is(err, ErrStopped):
					t.Fatalf("%s %d: %v, want ErrStopped", kind, k, err)
				case err != nil && !errors.Is(err, syscall.EIO):
					t.Fatalf("%s %d: %v does not say why", kind, k, err)
				}
				failed = failed || err != nil
			}
			if failed == (j.Err() == nil) {
				t.Errorf("%s %d: failed %v, Err says %v", kind, k, failed, j.Err())
			}
			if e, err := j.Read(j.at[1]); err != nil || checkMade(e) != nil {
				t.Errorf("%s %d: what was synced cannot be read: %v", kind, k, err)
			}
			if err := j.Close(); failed == (err == nil) {
				t.Errorf("%s %d: failed %v, Close says %v", kind, k, failed, err)
			}
		}
	}
}

// TestMarkThatWasNotSynced fails the sync of the mark that Close writes. The next Open reads the mark from memory, and
// what is appended then notes that the journal ended behind it: so it must be there after a power failure.
func TestMarkThatWasNotSynced(t *testing.T) {
	leaktest.Check(t)
	for seed := range uint64(20) {
		fs, ready := disktest.New(), make(chan uint32, 10)
		o := small(fs)
		o.Hooks.File = func(number uint32, _ bool) { ready <- number }
		j := mustOpen(t, o)
		j.fill(t, 1, 4)
		for <-ready < 2 { // the keeper has nothing left to sync
		}
		fs.Fail(disktest.Fault{Kind: disktest.OpSync, K: 1, Err: syscall.ENOSPC})
		j.mustClose(t)
		again := mustOpen(t, small(fs))
		again.fill(t, 4, 8)
		left := fs.Crash(seed)
		again.mustClose(t)
		last := mustOpen(t, small(left))
		if len(last.at) != 7 {
			t.Errorf("seed %d: %d entries of 7", seed, len(last.at))
		}
		last.mustClose(t)
	}
}

// TestFullDisk fills the disk and makes room again, many times: appends are refused as long as there is none, what is
// there can be read meanwhile, and appends go on without a restart.
func TestFullDisk(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	j := mustOpen(t, small(fs))
	w, next, refused := NewWaiter(), uint64(1), 0
	for round := range 20 {
		fs.SetLimit(max(fs.Used(), 1) + int64(round)*700)
		for {
			e := made(next, 250)
			at, err := w.Append(j.Journal, &e, Disk)
			next++
			if err == nil {
				j.at[next-1] = at
				continue
			}
			if !errors.Is(err, ErrFull) || !disk.IsFull(err) || !errors.Is(err, ErrNotWritten) {
				t.Fatalf("round %d: %v", round, err)
			}
			if refused++; next%5 == 0 {
				break
			}
		}
		for id, at := range j.at {
			if e, err := j.Read(at); err != nil || e.First != id {
				t.Fatalf("round %d: entry %d cannot be read: %v", round, id, err)
			}
		}
		fs.SetLimit(0)
		j.fill(t, next, next+5)
		next += 5
	}
	j.mustClose(t)
	again := mustOpen(t, small(fs))
	defer again.mustClose(t)
	if len(again.at) != len(j.at) || refused < 20 {
		t.Errorf("%d entries came back of %d; %d were refused", len(again.at), len(j.at), refused)
	}
}

// TestFullDiskInTheMiddleOfAWrite lets writes and syncs themselves find the disk full: the entry's outcome is unknown,
// and the journal goes on in the next file.
func TestFullDiskInTheMiddleOfAWrite(t *testing.T) {
	leaktest.Check(t)
	for _, kind := range []disktest.Kind{disktest.OpWrite, disktest.OpSync} {
		fs := disktest.New()
		j := mustOpen(t, small(fs))
		j.fill(t, 1, 2)
		w, unknown := NewWaiter(), 0
		for id := uint64(2); id < 60; id++ {
			if id%7 == 0 {
				fs.Fail(disktest.Fault{Kind: kind, K: 1, Err: syscall.ENOSPC, Short: true})
			}
			e := made(id, 200)
			at, err := w.Append(j.Journal, &e, Disk)
			switch {
			case err == nil:
				j.at[id] = at
			case errors.Is(err, ErrUnknown) && errors.Is(err, ErrFull):
				unknown++
			case !errors.Is(err, ErrFull): // the keeper may meet the fault instead
				t.Fatalf("%s, entry %d: %v", kind, id, err)
			}
		}
		if unknown == 0 || j.Err() != nil {
			t.Errorf("%s: %d entries of unknown outcome, %v", kind, unknown, j.Err())
		}
		left := fs.Crash(7)
		j.mustClose(t)
		for _, fs := range []*disktest.FS{left, fs} {
			again := mustOpen(t, small(fs))
			if err := (&ledger{acked: j.at}).check(again, 60); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			again.mustClose(t)
		}
	}
}
