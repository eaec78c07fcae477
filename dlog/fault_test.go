package dlog

import (
	"errors"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestEveryCallFails lets operations fail one after the other and checks that the store refuses what it cannot keep: all
// that is acknowledged can be read until it is closed and after it was opened again.
func TestEveryCallFails(t *testing.T) {
	leaktest.Check(t)
	step := 7
	if testing.Short() {
		step = 29
	}
	failed := 0
	for _, kind := range []disktest.Kind{disktest.OpWrite, disktest.OpSync, disktest.OpSyncDir, disktest.OpCreate, disktest.OpRename, disktest.OpTruncate} {
		for k := 1; k < 120; k += step {
			fs, l := disktest.New(), &ledger{logs: map[string]*account{}}
			s, _, err := Open(testDir, tiny(fs))
			if err != nil {
				t.Fatal(err)
			}
			if err := user(s, l, "log0", 1, 1); err != nil {
				t.Fatal(err)
			}
			fs.Fail(disktest.Fault{Kind: kind, K: k, Err: errInjected, Short: true})
			for seed := range uint64(8) {
				_ = user(s, l, "log0", 2, seed)
			}
			if fs.Failed() > 0 {
				failed++
			}
			if err := l.readable(s); err != nil {
				t.Fatalf("%s %d: while the store is open: %v", kind, k, err)
			}
			crashed := fs.Crash(uint64(k))
			_ = s.Close()
			fs.Heal()
			for _, fs := range []*disktest.FS{fs, crashed} {
				s, _, err := Open(testDir, tiny(fs))
				if err != nil {
					t.Fatalf("%s %d: %v", kind, k, err)
				}
				if err := l.readable(s); err != nil {
					t.Fatalf("%s %d: after it was opened again: %v", kind, k, err)
				}
				if err := user(s, l.copy(), "log0", 3, 1); err != nil {
					t.Fatalf("%s %d: %v", kind, k, err)
				}
				if err := s.Close(); err != nil {
					t.Fatalf("%s %d: %v", kind, k, err)
				}
			}
		}
	}
	t.Logf("%d faults were met", failed)
	if failed < 10 {
		t.Error("too few calls have failed")
	}
}

var errInjected = errors.New("a fault of the disk")
