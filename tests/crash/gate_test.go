package crash

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/atomicfile"
)

// gate is a file that says how many tuples a component may handle, in all, and
// that a test raises: what a run does then follows from events, not from who is quicker.
type gate struct {
	path string
	upTo uint64
}

// newGate returns the gate of a component. It is shut until the test raises it.
func newGate(s *spec, component string) gate {
	return gate{path: filepath.Join(s.Dir, "gate-"+component)}
}

// everything opens a gate for good.
const everything = math.MaxUint64

// open reports whether one more may be handled where n have been.
func (g *gate) open(n uint64) (bool, error) {
	if n < g.upTo {
		return true, nil
	}
	text, err := os.ReadFile(g.path)
	if os.IsNotExist(err) {
		return false, nil
	}
	if err == nil {
		g.upTo, err = strconv.ParseUint(string(text), 10, 64)
	}
	return n < g.upTo, err
}

// await waits until one more may be handled where n have been.
func (g *gate) await(n uint64) error {
	for {
		if open, err := g.open(n); open || err != nil {
			return err
		}
		time.Sleep(pollEvery)
	}
}

// allow lets a component handle so many tuples in all.
func (s *spec) allow(t *testing.T, component string, upTo uint64) {
	t.Helper()
	err := atomicfile.Write(newGate(s, component).path, ".gate-*", 0o600, func(w io.Writer) error {
		_, err := fmt.Fprint(w, upTo)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
