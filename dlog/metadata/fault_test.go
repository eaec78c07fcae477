package metadata

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestEveryCallFails has each call of each kind fail, once or from then on. What was committed is there when the disk is
// well again, also after a power failure; a transaction that failed is there wholly or not at all; and every error is the
// disk's.
func TestEveryCallFails(t *testing.T) {
	leaktest.Check(t)
	stopped := 0
	for _, kind := range disktest.Kinds() {
		for _, on := range []bool{false, true} {
			for k := 1; k < 200; k++ {
				fault := disktest.Fault{Kind: kind, K: k, On: on, Err: syscall.EIO, Short: k%2 == 0}
				failed, stop, err := withFault(fault, uint64(k))
				if err != nil {
					t.Fatalf("%s %d, from then on %v: %v", kind, k, on, err)
				}
				if stop {
					stopped++
				}
				if !failed {
					break
				}
			}
		}
	}
	if stopped == 0 {
		t.Error("no failure has stopped the DB")
	}
}

// withFault runs transactions on a disk with a fault, and says whether it has struck and whether it has stopped the DB.
func withFault(fault disktest.Fault, seed uint64) (failed, stopped bool, err error) {
	rng := rand.New(rand.NewPCG(seed, 19))
	fs := disktest.New()
	o := Options{FS: fs, Dir: dir}
	fs.Fail(fault)
	then, next := newModel(), (*model)(nil)
	d, err := Open(o)
	if err == nil {
		for range 4 {
			next = then.clone()
			if err = d.Update(func(tx *Tx) error { return next.transact(tx, rng) }); err != nil {
				break
			}
			then, next = next, nil
		}
		stopped = errors.Is(err, ErrStopped)
		if again := d.Update(func(tx *Tx) error { tx.NextID(); return nil }); stopped && !errors.Is(again, ErrStopped) {
			return true, true, fmt.Errorf("after it has stopped: %w", again)
		}
		err = errors.Join(err, d.Close())
	}
	failed = fs.Failed() > 0
	if err != nil && !errors.Is(err, syscall.EIO) {
		return failed, stopped, fmt.Errorf("not the error of the disk: %w", err)
	}
	fs.Heal()
	for _, left := range []*disktest.FS{fs, fs.Crash(seed)} {
		d, err := Open(Options{FS: left, Dir: dir})
		if err != nil {
			return failed, stopped, fmt.Errorf("when the disk is well again: %w", err)
		}
		got, err := readAll(d)
		if err == nil && !got.same(then) && (next == nil || !got.same(next)) {
			err = fmt.Errorf("got %+v, want %+v or %+v", got, then, next)
		}
		if err := errors.Join(err, d.Close()); err != nil {
			return failed, stopped, err
		}
	}
	return failed, stopped, nil
}
