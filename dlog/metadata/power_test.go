package metadata

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

var seeds = flag.Uint64("seeds", 0, "histories of power failures to try, 0 for a few")

// histories is how many a plain run tries.
func histories() uint64 {
	if *seeds > 0 {
		return *seeds
	}
	if testing.Short() || invariants.Enabled {
		return 60
	}
	return 120
}

// TestPowerLoss runs transactions, cuts the power after a random operation, opens what is left and goes on with that,
// three times over. All transactions that were committed must be there, the one that ran wholly or not at all, and no
// number may be given out twice. The controls leave out syncs, which must be found.
func TestPowerLoss(t *testing.T) {
	leaktest.Check(t)
	kept := 0
	for seed := range histories() {
		n, err := powerLosses(seed, func(fs disk.FS) disk.FS { return fs })
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		kept += n
	}
	t.Logf("%d histories of 3 power failures; %d transactions kept that had not returned", histories(), kept)
	if kept == 0 {
		t.Error("the failures come at harmless moments only")
	}
	for name, wrap := range map[string]func(disk.FS) disk.FS{
		"no folder sync": func(fs disk.FS) disk.FS { return forgetful{FS: fs, folders: true} },
		"no file sync":   func(fs disk.FS) disk.FS { return forgetful{FS: fs, files: true} },
	} {
		var err error
		for seed := uint64(0); seed < 200 && err == nil; seed++ {
			_, err = powerLosses(seed, wrap)
		}
		if err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

// powerLosses runs one history and returns how often a transaction was kept that had not returned.
func powerLosses(seed uint64, wrap func(disk.FS) disk.FS) (kept int, err error) {
	rng := rand.New(rand.NewPCG(seed, 17))
	fs, m := disktest.New(), newModel()
	for round := range 3 {
		left, then, next, err := untilPowerLoss(fs, m, wrap, rng)
		if err != nil {
			return kept, fmt.Errorf("round %d: %w", round, err)
		}
		d, err := Open(Options{FS: left, Dir: dir})
		if err != nil {
			return kept, fmt.Errorf("round %d: after the failure: %w", round, err)
		}
		got, err := readAll(d)
		switch {
		case err != nil:
		case got.same(then):
			got.ids, got.files = then.ids, then.files
		case next != nil && got.same(next):
			got.ids, got.files = next.ids, next.files
			kept++
		default:
			err = fmt.Errorf("a committed transaction is lost, or half of one is there: %+v, want %+v or %+v", got, then, next)
		}
		if err := errors.Join(err, d.Close()); err != nil {
			return kept, fmt.Errorf("round %d: %w", round, err)
		}
		// Fault-free files of before, so that the next round's model is what was found.
		fs, m = left.Crash(rng.Uint64()), got
	}
	return kept, nil
}

// untilPowerLoss runs transactions and returns what a power failure at a random moment has left, what was committed
// then, and what would be with the transaction that ran, if one did.
func untilPowerLoss(fs *disktest.FS, m *model, wrap func(disk.FS) disk.FS, rng *rand.Rand) (left *disktest.FS, then, next *model, err error) {
	var mu sync.Mutex
	at, fate := 1+rng.IntN(90), rng.Uint64()
	committed, running := m, (*model)(nil)
	fs.After(func(disktest.Op) {
		mu.Lock()
		defer mu.Unlock()
		if at--; at == 0 {
			left, then, next = fs.Crash(fate), committed, running
		}
	})
	d, err := Open(Options{FS: wrap(fs), Dir: dir})
	if err != nil {
		return nil, nil, nil, err
	}
	for range 2 + rng.IntN(12) {
		changed := committed.clone()
		err := d.Update(func(tx *Tx) error {
			if err := changed.transact(tx, rng); err != nil {
				return err
			}
			mu.Lock()
			running = changed
			mu.Unlock()
			return nil
		})
		if err != nil {
			return nil, nil, nil, errors.Join(err, d.Close())
		}
		mu.Lock()
		committed, running = changed, nil
		mu.Unlock()
	}
	if rng.IntN(2) == 0 {
		err = d.Close()
	}
	mu.Lock()
	if left == nil {
		left, then, next, at = fs.Crash(fate), committed, nil, -1
	}
	mu.Unlock()
	if closeErr := d.Close(); !errors.Is(closeErr, ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return left, then, next, err
}
