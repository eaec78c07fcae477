package dlog

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

var flips = flag.Int("flips", 1000, "how many bits to flip")

// TestFlippedBits flips random bits in all kinds of files of a store that was closed and of one that has crashed. Every
// record is right or named by an error, nothing is removed, and a store that cannot be opened is whole again when the bit
// is flipped back.
func TestFlippedBits(t *testing.T) {
	leaktest.Check(t)
	n := *flips
	if testing.Short() || invariants.Enabled {
		n = min(n, 300)
	}
	closed, crashed := specimens(t)
	var mu sync.Mutex
	tried, noticed := map[string]int{}, map[string]int{}
	spread(n, func(i int) {
		kind, seen, err := flip(t, uint64(i), &closed, &crashed)
		if err != nil {
			t.Errorf("flip %d: %v", i, err)
		}
		mu.Lock()
		defer mu.Unlock()
		tried[kind]++
		if seen {
			noticed[kind]++
		}
	})
	t.Logf("flips: %v; noticed: %v", tried, noticed)
	for _, kind := range fileKinds[1:] {
		if noticed[kind] == 0 {
			t.Errorf("no damage to %s was noticed", kind)
		}
	}
}

var fileKinds = []string{"STORE", ".journal", ".segment", "/meta/"}

// flip flips a bit of a file and judges what comes of it. It returns what kind of file that was, and whether it was noticed.
func flip(t *testing.T, seed uint64, closed, crashed *specimen) (kind string, noticed bool, err error) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	sp, kind := closed, fileKinds[min(rng.IntN(20), 3)]
	if seed%2 == 0 {
		sp = crashed
	}
	if kind == "/meta/" && rng.IntN(2) == 0 {
		kind = []string{".journal", ".segment"}[rng.IntN(2)]
	}
	name := anyByte(rng, sp, kind)
	bad := slices.Clone(sp.files[name])
	bit := rng.IntN(8 * len(bad))
	bad[bit/8] ^= 1 << (bit % 8)
	fs := build(t, sp.files)
	if err := fs.WriteFile(name, bad); err != nil {
		return kind, false, err
	}
	v, err := sp.judge(t, fs, false)
	if err == nil && v.refused != nil && seed%4 == 0 {
		err = sp.heal(t, fs, []string{name})
	}
	if err != nil {
		err = fmt.Errorf("%s, bit %d: %+v: %w", name, bit, v, err)
	}
	return kind, v.noticed(), err
}

// anyByte returns a file of a kind, the larger ones more often.
func anyByte(rng *rand.Rand, sp *specimen, kind string) string {
	total := 0
	names := slices.DeleteFunc(sp.names(kind), func(name string) bool {
		return kind == "STORE" && filepath.Base(name) != kind || strings.HasSuffix(name, ".spare")
	})
	for _, name := range names {
		total += len(sp.files[name])
	}
	at := rng.IntN(total)
	for _, name := range names {
		if at -= len(sp.files[name]); at < 0 {
			return name
		}
	}
	panic("unreachable")
}
