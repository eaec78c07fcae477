package rivals

import (
	"fmt"

	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// CountError says that a peer has not counted what it has drawn, or not in time. The run's figures are worth nothing.
type CountError struct {
	Row, Workload string
	Text          string // what differs
	Undrained     bool   // words were still under way
	Want          words.Summary
	Got           words.Summary
}

func (e *CountError) Error() string {
	if e.Undrained {
		return fmt.Sprintf("rivals: %s, %s: %s", e.Row, e.Workload, e.Text)
	}
	return fmt.Sprintf("rivals: %s has counted %s wrong: %s", e.Row, e.Workload, e.Text)
}

// check draws the words of a result once more and holds its counts against them. It returns how many words too many were
// counted, of a row that need not be exact; fewer are negative. The error is a *CountError.
func check(row *contract.Row, workload string, list *words.List, parallelism int, r *contract.Result) (extra int64, err error) {
	got := words.Summary{
		Counted: r.Counted, Foreign: r.Foreign, Distinct: r.Distinct, Checksum: uint64(r.Checksum), Table: uint64(r.Table),
	}
	fault := func(want words.Summary, format string, args ...any) *CountError {
		return &CountError{Row: row.Name(), Workload: workload, Text: fmt.Sprintf(format, args...), Want: want, Got: got}
	}
	if len(r.Sources) != parallelism {
		return 0, fault(words.Summary{}, "%d of %d sources have said what they have drawn", len(r.Sources), parallelism)
	}
	draws := make([]uint64, parallelism)
	for i, s := range r.Sources {
		if s.Seed != seed+uint64(i) {
			return 0, fault(words.Summary{}, "source %d has drawn with the seed %d instead of %d", i, s.Seed, seed+uint64(i))
		}
		draws[i] = s.Draws
	}
	want := list.Expect(seed, draws)
	extra = int64(got.Counted - want.Counted)
	switch {
	case !r.Drained:
		err := fault(want, "it was not drained in time: %d words were drawn and %d counted", want.Counted, got.Counted)
		err.Undrained = true
		return extra, err
	case got.Foreign > 0:
		return extra, fault(want, "%d words are none that anybody has drawn", got.Foreign)
	case got == want:
		return 0, nil
	case got.Counted == want.Counted && got.Checksum == want.Checksum:
		return 0, fault(want, "the sums are right, but not each word's count: words were counted in two places, or for one another")
	case got.Counted == want.Counted:
		return 0, fault(want, "%d words were drawn and as many counted, but others", want.Counted)
	case row.Exact || row.Guarantee == contract.ExactlyOnce:
		return extra, fault(want, "%d words were drawn and %d counted", want.Counted, got.Counted)
	case row.Guarantee == contract.AtLeastOnce && extra < 0:
		return extra, fault(want, "%d words were drawn and only %d counted, with the guarantee %s", want.Counted, got.Counted, row.Guarantee)
	case row.Guarantee == contract.None && extra > 0:
		return extra, fault(want, "%d words were drawn and %d counted, some twice", want.Counted, got.Counted)
	default:
		return extra, nil
	}
}
