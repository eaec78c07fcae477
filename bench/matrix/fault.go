package matrix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a matrix.
type Fault struct {
	Line int    // of the file, from 1; 0 if it is about the whole file
	Text string // what is wrong, and what to do
}

// String begins with the line.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.Text
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Text)
}

// LoadError is everything that is wrong with a matrix.
type LoadError struct {
	Faults []Fault // by line
}

// Error has a line of text for every fault.
func (e *LoadError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = "matrix: " + f.String()
	}
	return strings.Join(lines, "\n")
}

// faults collects what is wrong.
type faults struct{ all []Fault }

func (f *faults) add(line int, format string, args ...any) {
	f.all = append(f.all, Fault{Line: line, Text: fmt.Sprintf(format, args...)})
}

// err returns a *LoadError, nil if nothing is wrong.
func (f *faults) err() error {
	if len(f.all) == 0 {
		return nil
	}
	slices.SortStableFunc(f.all, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return &LoadError{Faults: f.all}
}
