package matrix

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/bench"
)

// Matrix is a suite of measurements to be made.
type Matrix struct {
	Name     string // of lower-case letters, digits and dashes
	Title    string // for people, may be empty
	Sections []Section
}

// Section is one experiment of a Matrix.
type Section struct {
	Name  string // unique in the matrix, of lower-case letters, digits and dashes
	Title string // for people, may be empty
	Kind  bench.SectionKind
	// Config is what bench measures. Run fills in callbacks, ChildArgs, NoPGO and
	// ProfileDir. Containers are zero where an ablation has a default of its own.
	Config bench.Config
	// Profiles asks for CPU profiles of a further run of each mode. Of KindThroughput only.
	Profiles bool
	Line     int // of the file, from 1
}

// Select returns the matrix with the named sections only, in the order of the
// file. No names means all. The error is an *UnknownSectionError.
func (m *Matrix) Select(names []string) (*Matrix, error) {
	if len(names) == 0 {
		return m, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(m.Sections, func(s Section) bool { return s.Name == name }) {
			return nil, &UnknownSectionError{Matrix: m.Name, Name: name, Sections: m.names()}
		}
	}
	few := &Matrix{Name: m.Name, Title: m.Title}
	for _, s := range m.Sections {
		if slices.Contains(names, s.Name) {
			few.Sections = append(few.Sections, s)
		}
	}
	return few, nil
}

func (m *Matrix) names() []string {
	names := make([]string, len(m.Sections))
	for i := range m.Sections {
		names[i] = m.Sections[i].Name
	}
	return names
}

// UnknownSectionError says that a matrix has no section of a name.
type UnknownSectionError struct {
	Matrix, Name string
	Sections     []string // that it has
}

// Error names the sections that there are.
func (e *UnknownSectionError) Error() string {
	return fmt.Sprintf("matrix: %s has no section %q: use %s", e.Matrix, e.Name, strings.Join(e.Sections, ", "))
}

// Estimate returns about how long a run of the matrix takes. It is off by a
// third or so: warm-ups end when throughput is steady, curves when it is lost.
func (m *Matrix) Estimate() time.Duration {
	var d time.Duration
	for i := range m.Sections {
		d += m.Sections[i].Estimate()
	}
	return d
}
