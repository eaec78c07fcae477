package bench

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"strings"
)

// Tally is what a task, or all of a kind together, have sent or counted.
type Tally struct {
	Tuples   uint64 `json:"tuples"`
	Checksum uint64 `json:"checksum"`           // sum of a hash of every word
	Distinct int    `json:"distinct,omitempty"` // different words, of counting tasks
	Foreign  uint64 `json:"foreign,omitempty"`  // tuples that nobody can have sent
	// Disordered are the tuples of numbered ones that came before or at the turn of another of their key.
	Disordered uint64 `json:"disordered,omitempty"`
}

// TallyOf returns what a counter has counted of a dictionary's words.
func TallyOf(c *Counter, d *Dictionary) Tally {
	places := make(map[string]uint64, d.Len())
	for i := range d.Len() {
		places[string(d.Word(i))] = uint64(i)
	}
	return tallyBy(c, d.Len(), func(word []byte) (uint64, bool) {
		i, known := places[string(word)]
		return i, known
	})
}

// tallyBy returns what a counter has counted of n words whose places a function knows.
func tallyBy(c *Counter, n int, place func(word []byte) (i uint64, known bool)) Tally {
	var t Tally
	seen := make([]uint64, (n+63)/64)
	c.Each(func(word []byte, count uint64) {
		t.Tuples += count
		i, known := place(word)
		if !known || i >= uint64(n) {
			t.Foreign += count
			return
		}
		seen[i/64] |= 1 << (i % 64)
		t.Checksum += count * mix(i)
	})
	for _, word := range seen {
		t.Distinct += bits.OnesCount64(word)
	}
	return t
}

func (t Tally) plus(u Tally) Tally {
	return Tally{
		Tuples: t.Tuples + u.Tuples, Checksum: t.Checksum + u.Checksum,
		Distinct: t.Distinct + u.Distinct, Foreign: t.Foreign + u.Foreign, Disordered: t.Disordered + u.Disordered,
	}
}

// MismatchError says that a run has not counted what it has sent. Its figures
// are worth nothing.
type MismatchError struct {
	Run              string // which one
	Emitted, Counted Tally
}

// Error names both sides.
func (e *MismatchError) Error() string {
	sent, got := e.Emitted, e.Counted
	switch {
	case sent.Tuples != got.Tuples:
		return fmt.Sprintf("bench: %s is wrong: %d tuples were emitted and %d counted", e.Run, sent.Tuples, got.Tuples)
	case got.Foreign > 0:
		return fmt.Sprintf("bench: %s is wrong: %d of %d tuples hold what nobody sent", e.Run, got.Foreign, got.Tuples)
	case got.Disordered > 0:
		return fmt.Sprintf("bench: %s is wrong: %d of %d tuples came out of order", e.Run, got.Disordered, got.Tuples)
	default:
		return fmt.Sprintf("bench: %s is wrong: the checksums of %d emitted and counted tuples differ (%#x, %#x)",
			e.Run, sent.Tuples, sent.Checksum, got.Checksum)
	}
}

// compareTallies returns a *MismatchError if what was counted is not what was emitted.
func compareTallies(run string, emitted, counted Tally) error {
	if emitted.Tuples != counted.Tuples || emitted.Checksum != counted.Checksum || counted.Foreign != 0 || counted.Disordered != 0 {
		return &MismatchError{Run: run, Emitted: emitted, Counted: counted}
	}
	return nil
}

// published is the form of local.Result.Published.
type published = map[string]map[uint32][]byte

// sumTallies adds up the tallies that tasks published under a name. There must be want of them.
func sumTallies(p published, name string, want int) (Tally, error) {
	var sum Tally
	all, err := tallies(p, name)
	if err != nil {
		return Tally{}, err
	}
	for _, t := range all {
		sum = sum.plus(t)
	}
	if have := len(p[name]); have != want {
		return Tally{}, fmt.Errorf("bench: %d of %d tasks published %q, so the run cannot be checked; published are %s",
			have, want, name, publishedNames(p))
	}
	return sum, nil
}

// tallies returns those that tasks published under a name.
func tallies(p published, name string) (map[uint32]Tally, error) {
	all := map[uint32]Tally{}
	for task, data := range p[name] {
		var t Tally
		if err := json.Unmarshal(data, &t); err != nil {
			return nil, fmt.Errorf("bench: tally %q of task %d: %w", name, task, err)
		}
		all[task] = t
	}
	return all, nil
}

func publishedNames(p published) string {
	if len(p) == 0 {
		return "none"
	}
	var names []string
	for name, tasks := range p {
		names = append(names, fmt.Sprintf("%q (%d)", name, len(tasks)))
	}
	return strings.Join(names, ", ")
}
