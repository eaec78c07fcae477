package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/examples/wordcount"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

var (
	opticks       = filepath.Join("..", "..", "examples", "wordcount", "testdata", "opticks.txt")
	opticksCounts = filepath.Join("..", "..", "examples", "wordcount", "testdata", "opticks.counts")
)

// shape is one way to run the word count.
type shape struct {
	mode                                 string
	containers, spouts, splitters, bolts int
}

func (s shape) String() string {
	return fmt.Sprintf("%s/containers=%d/spouts=%d/splitters=%d/bolts=%d", s.mode, s.containers, s.spouts, s.splitters, s.bolts)
}

// countWords runs the word count of a real text and compares it with the counts of an independent program.
func (s shape) countWords(t *testing.T, run func(*testing.T, spec, local.Options) *local.Result) {
	t.Helper()
	output := filepath.Join(t.TempDir(), "counts")
	words := wordcount.Options{Input: opticks, Output: output, Spouts: s.spouts, Splitters: s.splitters, Bolts: s.bolts}
	r := run(t, spec{Kind: "wordcount", Words: words}, local.Options{Containers: s.containers, Mode: s.mode})
	checkUndisturbed(t, r)
	got, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(opticksCounts)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the counts differ from those of the independent program")
	}
	for _, text := range r.Published[wordcount.TotalsName] {
		var totals wordcount.Totals
		if err := json.Unmarshal(text, &totals); err != nil || totals.Distinct != bytes.Count(want, []byte("\n")) {
			t.Errorf("published %s, %v", text, err)
		}
	}
}

// TestWordCountInProcess runs every mode with every number of containers and
// every number of bolts. A checked build, which is slow, takes one of each.
func TestWordCountInProcess(t *testing.T) {
	leaktest.Check(t)
	for i, mode := range dataplane.Modes {
		for containers := 1; containers <= 4; containers++ {
			for bolts := 1; bolts <= 7; bolts++ {
				if invariants.Enabled && (containers != 1+i || bolts != 7-2*i) {
					continue
				}
				s := shape{mode, containers, 1 + bolts%3, 1 + bolts%2, bolts}
				t.Run(s.String(), func(t *testing.T) { s.countWords(t, inside) })
			}
		}
	}
}

// TestWordCountWithSwitchesOff turns off each optimization alone, and all of them.
func TestWordCountWithSwitchesOff(t *testing.T) {
	leaktest.Check(t)
	names := []string{"optimized"}
	for _, s := range dataplane.Switches {
		names = append(names, s.Name)
		for _, containers := range []int{1, 3} {
			s := shape{"optimized-" + s.Name, containers, 2, 2, 3}
			t.Run(s.String(), func(t *testing.T) { s.countWords(t, inside) })
		}
	}
	s := shape{strings.Join(names, "-"), 2, 2, 2, 3}
	t.Run(s.String(), func(t *testing.T) { s.countWords(t, inside) })
	t.Run("processes/"+s.String(), func(t *testing.T) { s.countWords(t, outside) })
}

// TestWordCount runs real processes in a set of shapes that has every mode,
// every number of containers, and every number of bolts. A checked build takes
// every other one.
func TestWordCount(t *testing.T) {
	leaktest.Check(t)
	for i, s := range []shape{
		{"optimized", 1, 1, 1, 1},
		{"optimized", 2, 2, 2, 7},
		{"optimized", 3, 1, 2, 4},
		{"optimized", 4, 3, 1, 6},
		{"naive", 2, 1, 1, 3},
		{"naive", 4, 2, 2, 5},
		{"naive-unbatched", 1, 2, 1, 2},
		{"naive-unbatched", 3, 1, 1, 3},
		{"heron2017", 2, 1, 3, 2},
		{"heron2017", 3, 2, 1, 5},
	} {
		if invariants.Enabled && i%2 == 1 {
			continue
		}
		t.Run(s.String(), func(t *testing.T) { s.countWords(t, outside) })
	}
}
