package bench

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Tally is what a task, or all of a kind together, have sent or counted.
type Tally struct {
	Tuples   uint64 `json:"tuples"`
	Checksum uint64 `json:"checksum"`           // sum of a hash of every word
	Distinct int    `json:"distinct,omitempty"` // different words, of counting tasks
	Foreign  uint64 `json:"foreign,omitempty"`  // tuples whose word is not in the dictionary
}

// TallyOf returns what a counter has counted of a dictionary's words.
func TallyOf(c *Counter, d *Dictionary) Tally {
	places := make(map[string]uint64, d.Len())
	for i := range d.Len() {
		places[string(d.Word(i))] = uint64(i)
	}
	var t Tally
	seen := make(map[uint64]struct{}, d.Len())
	c.Each(func(word []byte, n uint64) {
		t.Tuples += n
		i, known := places[string(word)]
		if !known {
			t.Foreign += n
			return
		}
		seen[i] = struct{}{}
		t.Checksum += n * mix(i)
	})
	t.Distinct = len(seen)
	return t
}

func (t Tally) plus(u Tally) Tally {
	return Tally{
		Tuples: t.Tuples + u.Tuples, Checksum: t.Checksum + u.Checksum,
		Distinct: t.Distinct + u.Distinct, Foreign: t.Foreign + u.Foreign,
	}
}

// times returns the tally of n times the same tuples.
func (t Tally) times(n uint64) Tally {
	return Tally{Tuples: n * t.Tuples, Checksum: n * t.Checksum}
}

// MismatchError says that a run has not counted what it has sent. Its figures
// are worth nothing.
type MismatchError struct {
	Run              string // which one
	Emitted, Counted Tally
}

// Error names both sides.
func (e *MismatchError) Error() string {
	if e.Emitted.Tuples != e.Counted.Tuples {
		return fmt.Sprintf("bench: %s is wrong: %d tuples were emitted and %d counted", e.Run, e.Emitted.Tuples, e.Counted.Tuples)
	}
	if e.Counted.Foreign > 0 {
		return fmt.Sprintf("bench: %s is wrong: %d of %d tuples hold words that nobody sent", e.Run, e.Counted.Foreign, e.Counted.Tuples)
	}
	return fmt.Sprintf("bench: %s is wrong: the checksums of %d emitted and counted tuples differ (%#x, %#x)",
		e.Run, e.Emitted.Tuples, e.Emitted.Checksum, e.Counted.Checksum)
}

// compareTallies returns a *MismatchError if what was counted is not what was emitted.
func compareTallies(run string, emitted, counted Tally) error {
	if emitted.Tuples != counted.Tuples || emitted.Checksum != counted.Checksum || counted.Foreign != 0 {
		return &MismatchError{Run: run, Emitted: emitted, Counted: counted}
	}
	return nil
}

// published is the form of local.Result.Published.
type published = map[string]map[uint32][]byte

// sumTallies adds up the tallies that tasks published under a name. There must be want of them.
func sumTallies(p published, name string, want int) (Tally, error) {
	var sum Tally
	for task, data := range p[name] {
		var t Tally
		if err := json.Unmarshal(data, &t); err != nil {
			return Tally{}, fmt.Errorf("bench: tally %q of task %d: %w", name, task, err)
		}
		sum = sum.plus(t)
	}
	if have := len(p[name]); have != want {
		return Tally{}, fmt.Errorf("bench: %d of %d tasks published %q, so the run cannot be checked; published are %s",
			have, want, name, publishedNames(p))
	}
	return sum, nil
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
