package rivals

import (
	"fmt"
	"strings"
)

// Planted says what became of the wrong counts that Config.Plant had planted.
type Planted struct {
	Caught []string // rows whose check has failed
	Missed []string // rows whose counts were taken for right
	Other  []string // rows that have not come so far, each with the reason
}

// Planted returns what became of planted wrong counts. A count that nobody waited for to the end proves nothing, and nor does
// one of a row that has lost words as it may.
func (r *Report) Planted() Planted {
	var p Planted
	for i := range r.Cells {
		if c := &r.Cells[i]; c.ExtraShare != 0 {
			p.Other = append(p.Other, c.Name()+": it does not promise right counts:"+c.Losses())
		} else {
			p.Missed = append(p.Missed, c.Name())
		}
	}
	for _, s := range r.Skipped {
		if s.Kind == wrongCount {
			p.Caught = append(p.Caught, s.Row)
		} else {
			p.Other = append(p.Other, s.Row+": "+s.Why)
		}
	}
	return p
}

// String names all rows.
func (p Planted) String() string {
	return fmt.Sprintf("caught: %d\n%s\nnot caught: %d\n%s\nnot tried: %d\n%s", len(p.Caught), indented(p.Caught), len(p.Missed), indented(p.Missed),
		len(p.Other), indented(p.Other))
}

func indented(lines []string) string { return "    " + strings.Join(lines, "\n    ") }

// Err returns an error if a wrong count was not caught, or none was tried.
func (p Planted) Err() error {
	switch {
	case len(p.Missed) > 0:
		return fmt.Errorf("rivals: planted wrong counts were not caught in %s", strings.Join(p.Missed, ", "))
	case len(p.Caught) == 0:
		return fmt.Errorf("rivals: no wrong count was planted: %s", strings.Join(p.Other, "; "))
	default:
		return nil
	}
}
