package dlog

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

var histories = flag.Int("histories", 150, "how many histories of power failures to try")

// TestPowerLoss runs a store with several writers that append, truncate, seal, fork, delete, rename, subscribe and
// make checkpoints, cuts the power after
// a random operation of the disk, opens what is left, and goes on with that, three times over. What was acknowledged must
// be there, nothing may be there that was not appended at its place, and nothing is corrupt.
func TestPowerLoss(t *testing.T) {
	leaktest.Check(t)
	n := *histories
	if testing.Short() {
		n = min(n, 30)
	}
	var acked, unknown atomic.Int64
	spread(n, func(i int) {
		a, u, err := powerLosses(uint64(i))
		if err != nil {
			t.Errorf("seed %d: %v", i, err)
		}
		acked.Add(int64(a))
		unknown.Add(int64(u))
	})
	t.Logf("%d histories, %d power failures: of %d acknowledged records 0 lost; %d kept that nobody had been told of", n, 3*n, acked.Load(), unknown.Load())
	if acked.Load() == 0 || unknown.Load() == 0 {
		t.Error("the failures come at harmless moments only")
	}
}

func powerLosses(seed uint64) (acked, unknown int, err error) {
	rng := rand.New(rand.NewPCG(seed, 5))
	fs, l := disktest.New(), &ledger{logs: map[string]*account{}}
	for round := range 3 {
		left, then, err := untilPowerLoss(fs, l, rng, round+1)
		if err != nil {
			return 0, 0, fmt.Errorf("round %d: %w", round, err)
		}
		for _, a := range then.logs {
			acked += len(a.rounds)
		}
		s, _, err := Open(testDir, tiny(left))
		if err != nil {
			return 0, 0, fmt.Errorf("round %d: after the failure: %w", round, err)
		}
		u, err := then.verify(s)
		if err != nil {
			return 0, 0, fmt.Errorf("round %d: %w", round, err)
		}
		unknown += u
		l, fs = then, left.Crash(rng.Uint64()) // the next failure may come at any time after this Open
		if err := s.Close(); err != nil {
			return 0, 0, err
		}
	}
	return acked, unknown, nil
}

// untilPowerLoss uses the store and returns what a power failure has left, and the ledger of that moment.
func untilPowerLoss(fs *disktest.FS, l *ledger, rng *rand.Rand, round int) (*disktest.FS, *ledger, error) {
	var (
		mu   sync.Mutex
		left *disktest.FS
		then *ledger
	)
	at, fate := 10+rng.IntN(250), rng.Uint64()
	fs.After(func(disktest.Op) {
		mu.Lock()
		defer mu.Unlock()
		if at--; at == 0 {
			then = l.copy() // first: what is acknowledged after this may be lost
			left = fs.Crash(fate)
		}
	})
	s, _, err := Open(testDir, tiny(fs))
	if err != nil {
		return nil, nil, err
	}
	if _, err := l.copy().verify(s); err != nil {
		return nil, nil, fmt.Errorf("on opening: %w", err)
	}
	errs, closed := make([]error, 3), false
	var all sync.WaitGroup
	for i := range errs {
		seed := rng.Uint64()
		all.Go(func() { errs[i] = user(s, l, fmt.Sprintf("log%d", i), round, seed) })
	}
	all.Wait()
	if rng.IntN(2) == 0 {
		err, closed = s.Close(), true
	}
	mu.Lock()
	if left == nil {
		then, left, at = l.copy(), fs.Crash(fate), -1
	}
	mu.Unlock()
	if !closed {
		_ = s.Close()
	}
	return left, then, errors.Join(err, errors.Join(errs...))
}
