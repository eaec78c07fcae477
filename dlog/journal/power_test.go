package journal

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

var seeds = flag.Int("seeds", 10_000, "how many histories of power failures to try")

// TestPowerLoss appends with several goroutines, cuts the power after a random operation, opens what is left, and goes
// on with that, three times over. Nothing that was acknowledged may be lost, nor what an Open has replayed; nothing may
// be found that was not appended, or twice, or changed, or elsewhere; and nothing is corrupt.
func TestPowerLoss(t *testing.T) {
	leaktest.Check(t)
	n := *seeds
	if testing.Short() {
		n = min(n, 500)
	} else if invariants.Enabled {
		n = min(n, 3000)
	}
	sum := outcome{}
	for seed := range uint64(n) {
		o, err := powerLosses(seed)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sum.acked, sum.torn, sum.unknown = sum.acked+o.acked, sum.torn+o.torn, sum.unknown+o.unknown
	}
	t.Logf("%d histories, %d power failures: of %d acknowledged entries 0 lost, 0 invented; %d torn tails, %d entries kept that nobody had been told of",
		n, 3*n, sum.acked, sum.torn, sum.unknown)
	if sum.acked == 0 || sum.torn == 0 || sum.unknown == 0 {
		t.Error("the failures come at harmless moments only")
	}
}

// outcome is what the failures have met.
type outcome struct{ acked, torn, unknown int }

// powerLosses runs one history.
func powerLosses(seed uint64) (outcome, error) {
	rng := rand.New(rand.NewPCG(seed, 11))
	fs, l := disktest.New(), newLedger()
	var o outcome
	for round := range 3 {
		left, then, err := untilPowerLoss(fs, l, rng)
		if err != nil {
			return o, fmt.Errorf("round %d: %w", round, err)
		}
		got, err := open(small(left))
		if err != nil {
			return o, fmt.Errorf("round %d: after the failure: %w", round, err)
		}
		if err := then.check(got, l.copy().next); err != nil {
			return o, fmt.Errorf("round %d: %w", round, err)
		}
		o.acked += len(then.acked)
		if got.report.TornBytes > 0 {
			o.torn++
		}
		for id := range got.at {
			if _, told := then.acked[id]; !told {
				o.unknown++
			}
		}
		// The next failure may come at any time after this Open: what it has replayed must be found again.
		l = &ledger{next: l.next, acked: got.at, released: then.released}
		fs = left.Crash(rng.Uint64())
		if err := got.Close(); err != nil {
			return o, err
		}
	}
	return o, nil
}

// untilPowerLoss appends to the journal and returns what a power failure has left, and the ledger of that moment.
func untilPowerLoss(fs *disktest.FS, l *ledger, rng *rand.Rand) (*disktest.FS, *ledger, error) {
	var (
		mu   sync.Mutex
		left *disktest.FS
		then *ledger
	)
	at, fate := rng.IntN(60), rng.Uint64()
	fs.After(func(disktest.Op) {
		mu.Lock()
		defer mu.Unlock()
		if at--; at == 0 {
			then = l.copy() // first: what is acknowledged after this may be lost
			left = fs.Crash(fate)
		}
	})
	j, err := open(small(fs))
	if err != nil {
		return nil, nil, err
	}
	if err := l.copy().check(j, l.next); err != nil {
		return nil, nil, fmt.Errorf("on opening: %w", err)
	}
	var all sync.WaitGroup
	for range 1 + rng.IntN(3) {
		all.Go(appender(j.Journal, l, rng.Uint64()))
	}
	all.Wait()
	if rng.IntN(2) == 0 {
		err = j.Close()
	}
	mu.Lock()
	if left == nil {
		then, left, at = l.copy(), fs.Crash(fate), -1
	}
	mu.Unlock()
	if err == nil {
		_ = j.Close() // the journal of before the failure; closed already or not
	}
	return left, then, err
}

// appender returns a function that appends some entries, waiting for some of them, and releases now and then.
func appender(j *Journal, l *ledger, seed uint64) func() {
	return func() {
		rng := rand.New(rand.NewPCG(seed, 13))
		var told sync.WaitGroup
		for range 2 + rng.IntN(12) {
			id := l.number()
			e := made(id, rng.IntN(700))
			told.Add(1)
			level := Level(rng.IntN(2))
			err := j.Append(&e, level, func(at Position, err error) {
				defer told.Done()
				if err == nil && (level == Disk || at < j.Synced()) {
					l.ack(id, at)
				}
			})
			if err != nil {
				told.Done()
				return
			}
			switch rng.IntN(6) {
			case 0:
				told.Wait()
			case 1:
				release(j, l, rng)
			}
		}
		told.Wait()
	}
}

// release releases what is before some entry that was acknowledged.
func release(j *Journal, l *ledger, rng *rand.Rand) {
	l.mu.Lock()
	for _, at := range l.acked {
		if rng.IntN(8) == 0 {
			l.released = max(l.released, at)
			break
		}
	}
	upTo := l.released
	l.mu.Unlock()
	j.Release(upTo)
}
