package torture

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ardea-stream/ardea/bench"
)

// Report is what was done to stores and what they made of it.
type Report struct {
	Machine bench.Machine `json:"machine"`
	Seed    uint64        `json:"seed"`
	Seconds float64       `json:"seconds"`

	Kills      int      `json:"kills"`
	Verified   int      `json:"verified"` // times that all records were read and compared; between two more than one may have been killed
	Stores     int      `json:"stores"`   // that were begun
	Batches    uint64   `json:"batches"`  // that were acknowledged
	Disk       uint64   `json:"disk"`     // records acknowledged at level Disk
	OS         uint64   `json:"os"`       // and at level OS
	Records    uint64   `json:"records"`  // that were found, each counted once
	Lost       uint64   `json:"lost"`
	Twice      uint64   `json:"twice"`
	Invented   uint64   `json:"invented"`
	OutOfOrder uint64   `json:"out_of_order"`
	Unopened   int      `json:"unopened"` // stores that did not open, or not without an error
	Flips      int      `json:"flips"`    // bits
	Detected   int      `json:"detected"`
	Torn       int      `json:"torn"` // told as a torn tail: the last batch of a store that was not closed
	Harmless   int      `json:"harmless"`
	Silent     int      `json:"silent"`
	Panics     int      `json:"panics"`
	Violations []string `json:"violations,omitempty"`
	KeptIn     string   `json:"kept_in,omitempty"`
}

// maxViolations are told; more are counted only.
const maxViolations = 20

func (r *Report) violate(format string, args ...any) {
	if len(r.Violations) < maxViolations {
		r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
	}
}

// OK says whether the store kept its promises.
func (r *Report) OK() bool { return len(r.Violations) == 0 }

// WriteText writes the counts and the verdict for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name  string
		count any
	}{
		{"processes killed", r.Kills},
		{"stores", r.Stores},
		{"times that all was read back", r.Verified},
		{"batches acknowledged", r.Batches},
		{"records acknowledged at level Disk", r.Disk},
		{"records acknowledged at level OS", r.OS},
		{"records found", r.Records},
		{"records lost", r.Lost},
		{"records found twice", r.Twice},
		{"records out of order", r.OutOfOrder},
		{"records that nobody appended", r.Invented},
		{"stores that did not open", r.Unopened},
		{"bits flipped", r.Flips},
		{"  told as damage", r.Detected},
		{"  told as a torn tail", r.Torn},
		{"  harmless", r.Harmless},
		{"  silent", r.Silent},
		{"  panics", r.Panics},
	} {
		_, _ = fmt.Fprintf(t, "%s\t%d\n", row.name, row.count)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, v := range r.Violations {
		b.WriteString("VIOLATION: " + v + "\n")
	}
	b.WriteString(r.Verdict() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Verdict says in a sentence what came of it.
func (r *Report) Verdict() string {
	switch {
	case !r.OK():
		return fmt.Sprintf("Verdict: the store broke its promises. Repeat with --seed %d.", r.Seed)
	case r.Verified == 0 || r.Disk == 0:
		return "Verdict: none. Nothing was acknowledged or verified: give it more time."
	default:
		return fmt.Sprintf("Verdict: the store kept its promises through %d kills and %d flipped bits (seed %d).", r.Kills, r.Flips, r.Seed)
	}
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
