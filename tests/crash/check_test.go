package crash

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// verdict is what comes out of a run, by its records alone.
type verdict struct {
	emitted    int // different tuples
	acked      int // of them
	failed     int // of them: given up
	lost       int // acked, but missing in a place, or neither acked nor failed
	duplicates int // arrivals beyond the first of a tuple in a place
	arrivals   int
	invented   int      // arrivals of what was never emitted, or by a way that does not exist
	examples   []string // of what is wrong
}

func (v *verdict) complain(format string, args ...any) {
	const most = 10
	if len(v.examples) < most {
		v.examples = append(v.examples, fmt.Sprintf(format, args...))
	}
}

func (v *verdict) add(w verdict) {
	v.emitted += w.emitted
	v.acked += w.acked
	v.failed += w.failed
	v.lost += w.lost
	v.duplicates += w.duplicates
	v.arrivals += w.arrivals
	v.invented += w.invented
}

// fate is what spouts were told of one task's tuples.
type fate struct {
	acked, failed []bool
}

// judge compares what spouts were told with what leaves have recorded.
func judge(s *spec, records []record) (v verdict, err error) {
	for spout, places := range s.places() {
		for index := range s.spouts(spout) {
			n, err := s.emitted(spout, index)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return v, err
			}
			if n == 0 {
				v.complain("%s %d has emitted nothing", spout, index)
			}
			f := v.fateOf(records, spout, index, n)
			for _, p := range places {
				v.arrive(records, f, p, spout, index)
			}
			v.sum(f, spout, index)
		}
	}
	v.strangers(s, records)
	return v, nil
}

// emitted returns how many tuples a spout task has emitted.
func (s *spec) emitted(spout string, index int) (uint64, error) {
	path := highMarkPath(s.Dir, spout, index)
	if _, err := os.Stat(path); err != nil {
		return 0, err
	}
	n, err := readHighMark(path)
	if s.Tuples > 0 {
		n = min(n, s.Tuples)
	}
	return n, err
}

// fateOf reads what a spout task's processes were told. A process that sought a
// position was told that everything below it is complete.
func (v *verdict) fateOf(records []record, spout string, index int, n uint64) fate {
	f := fate{acked: make([]bool, n), failed: make([]bool, n)}
	low := uint64(0)
	for i := range records {
		r := &records[i]
		if r.kind != "told" || r.component != spout || r.index != index {
			continue
		}
		for b := range r.blocks {
			r.blocks[b].each(func(word uint64) {
				id := word & (1<<saidBits - 1)
				switch said := word >> saidBits; {
				case said == saidSeek:
					low = max(low, id)
				case id >= n:
					v.invented++
					v.complain("%s %d was told of tuple %d, which it has not emitted", spout, index, id)
				case said == saidAck:
					f.acked[id] = true
				default:
					f.failed[id] = true
				}
			})
		}
	}
	for id := range min(low, n) {
		f.acked[id] = true
	}
	return f
}

// arrive counts the tuples of a spout task in one place and looks for those that are missing.
func (v *verdict) arrive(records []record, f fate, p place, spout string, index int) {
	n := uint64(len(f.acked))
	seen := make([]uint8, n)
	for i := range records {
		r := &records[i]
		if r.kind != "leaf" || r.component != p.component || p.index != anyTask && r.index != p.index {
			continue
		}
		for b := range r.blocks {
			r.blocks[b].each(func(word uint64) {
				id := word & idMask
				if int(word>>wayBits) != p.way || int(word<<(64-wayBits)>>(64-wayBits)>>idBits) != index {
					return
				}
				v.arrivals++
				switch {
				case id >= n:
					v.invented++
					v.complain("tuple %d of %s %d has arrived at %s and was never emitted", id, spout, index, p.component)
				case seen[id] > 0:
					v.duplicates++
				default:
					seen[id] = 1
				}
			})
		}
	}
	for id, acked := range f.acked {
		if acked && seen[id] == 0 {
			v.lost++
			v.complain("tuple %d of %s %d was acked and is not on record at %s %d, way %d", id, spout, index, p.component, p.index, p.way)
		}
	}
}

// sum counts the tuples of a spout task by what it was told.
func (v *verdict) sum(f fate, spout string, index int) {
	v.emitted += len(f.acked)
	for id, acked := range f.acked {
		switch {
		case acked:
			v.acked++
		case f.failed[id]:
			v.failed++
		default:
			v.lost++
			v.complain("tuple %d of %s %d was neither acked nor failed", id, spout, index)
		}
	}
}

// strangers looks for arrivals by ways, or from spouts, that do not exist.
func (v *verdict) strangers(s *spec, records []record) {
	type road struct {
		component string
		way       int
	}
	known := map[road]uint64{} // number of spout tasks
	for spout, places := range s.places() {
		for _, p := range places {
			known[road{p.component, p.way}] = uint64(s.spouts(spout))
		}
	}
	for i := range records {
		r := &records[i]
		if r.kind != "leaf" {
			continue
		}
		for b := range r.blocks {
			r.blocks[b].each(func(word uint64) {
				tasks := known[road{r.component, int(word >> wayBits)}]
				if spout := word << (64 - wayBits) >> (64 - wayBits) >> idBits; spout >= tasks {
					v.invented++
					v.complain("%s has got %#x, which nobody emits", r.component, word)
				}
			})
		}
	}
}

// faults says what must not be in a verdict; nothing if all is well.
func (v *verdict) faults() []string {
	var faults []string
	if v.lost > 0 || v.invented > 0 {
		faults = append(faults, fmt.Sprintf("%d tuples lost, %d invented, of %d", v.lost, v.invented, v.emitted))
	}
	return append(faults, v.examples...)
}

// TestJudgeMissesSpouts has two spouts emit nothing, and then one of them.
func TestJudgeMissesSpouts(t *testing.T) {
	s := &spec{Kind: "chain", Dir: t.TempDir(), Tuples: 1}
	for _, mute := range []string{"numbers 0 has emitted nothing", "numbers 1 has emitted nothing"} {
		v, err := judge(s, nil)
		if faults := strings.Join(v.faults(), "\n"); err != nil || !strings.Contains(faults, mute) {
			t.Errorf("the judge says %q, %v, want %q", faults, err, mute)
		}
		h, err := openHighMark(s.Dir, numbersName, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(h.raise(1), h.f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
