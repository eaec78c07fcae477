package crash

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/local"
)

// envSpec is the topology that a child builds, as JSON of spec.
const envSpec = "ARDEA_CRASH_SPEC"

// What a full run sets, see the Makefile.
var (
	instanceKills = flag.Int("instances", 0, "kill `N` instances in all; 0 means few")
	managerKills  = flag.Int("managers", 0, "kill `N` stream managers in all; 0 means few")
	frozen        = flag.Int("frozen", 0, "freeze and replace `N` instances; 0 means few")
	poisoned      = flag.Int("poison", 0, "send `N` tuples, of which one in a hundred panics; 0 means few")
	thorough      = flag.Bool("thorough", false, "break the network in all places, not only in some")
	stall         = flag.Duration("stall", stallDefault, "take a run for hung that stands still for `TIME`")
	messages      = flag.Duration("messages", 0, "take tuples for lost after `TIME` where the network breaks; 0 means the default")
	patience      = flag.Duration("patience", 30*time.Second, "wait for `TIME` at most for what must happen")
	strict        = flag.Bool("strict", false, "fail if a time exceeds its bound, which says nothing on a busy machine")
	mode          = flag.String("mode", local.DefaultMode, "kill processes of stream managers that forward in `MODE`")
	seedFlag      = flag.Uint64("seed", 0, "what is killed and when follows from it; 0 means a random one")
)

func TestMain(m *testing.M) {
	if local.InChild() {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if summary.kills() > 0 {
		fmt.Print(summary.String())
	}
	os.Exit(code)
}

func child() error {
	var s spec
	if err := json.Unmarshal([]byte(os.Getenv(envSpec)), &s); err != nil {
		return err
	}
	t, err := s.build()
	if err != nil {
		return err
	}
	return local.RunChild(context.Background(), t)
}

// random returns a generator for a test, of the seed that it was given, or logs.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.Name()))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// orElse returns what a flag says, or the default if it says nothing.
func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
