package page

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// ErrNoProfile means that a suite has no profile of what was asked for. It is
// wrapped with what there is.
var ErrNoProfile = errors.New("page: no profile")

// roleAll is the role of a profile of all processes together.
const roleAll = "all"

// Scope selects what to explain. An empty field selects all, but for Mode, as
// bench.Variant names it, where it selects the optimized mode, with each of its
// guarantees, if the section has it.
type Scope struct{ Section, Mode, Role string }

// Explanation says what the CPU time of one mode of one section is spent on.
type Explanation struct {
	Section string `json:"section"`
	Mode    string `json:"mode"`
	// NanosPerTuple is the CPU time of a tuple in all processes, zero if it is not known.
	NanosPerTuple float64 `json:"nanoseconds_per_tuple,omitempty"`
	// Costs are what there is to save, the most first.
	Costs []Spent `json:"costs"`
}

// Spent is what one category costs in the processes of one role.
type Spent struct {
	Role string `json:"role"`
	profiles.Hint
	// OfAll is the part of the CPU time of all processes, 0 to 1.
	OfAll float64 `json:"of_all"`
	// Gain is by how much tuples per CPU-second would be multiplied if the
	// category cost nothing, by Amdahl's law; the throughput of a machine whose
	// processors are all busy grows as much. It is a bound, not a promise.
	Gain float64 `json:"gain"`
}

// Explain ranks what the next nanoseconds would buy in every section and mode
// within scope. The error wraps ErrNoProfile.
func Explain(s *bench.Suite, scope Scope) ([]Explanation, error) {
	s = cleanSuite(s)
	var out []Explanation
	var have []string
	for i := range s.Sections {
		sec := &s.Sections[i]
		list := useful(sec.Profiles)
		for k := range list {
			have = append(have, fmt.Sprintf("section %s, mode %s, role %s", sec.Name, list[k].Variant, list[k].Role))
		}
		if scope.Section != "" && scope.Section != sec.Name {
			continue
		}
		for _, mode := range modesIn(list, scope.Mode) {
			if e := explain(sec, list, mode, scope.Role); len(e.Costs) > 0 {
				out = append(out, e)
			}
		}
	}
	switch {
	case len(have) == 0:
		return nil, fmt.Errorf("%w: the result has none: measure with profiles", ErrNoProfile)
	case len(out) == 0:
		slices.Sort(have)
		return nil, fmt.Errorf("%w of that: there are %s", ErrNoProfile, strings.Join(slices.Compact(have), "; "))
	default:
		return out, nil
	}
}

// modesIn returns the modes to explain.
func modesIn(list []profiles.Summary, wanted string) []string {
	var all []string
	for i := range list {
		if !slices.Contains(all, list[i].Variant) {
			all = append(all, list[i].Variant)
		}
	}
	best := []string{bestMode, bench.Variant(bestMode, bench.AtLeastOnce)}
	if wanted != "" {
		best = []string{wanted}
	} else if !slices.ContainsFunc(all, func(mode string) bool { return slices.Contains(best, mode) }) {
		return all
	}
	return slices.DeleteFunc(all, func(mode string) bool { return !slices.Contains(best, mode) })
}

func explain(sec *bench.Section, list []profiles.Summary, mode, role string) Explanation {
	var of []profiles.Summary
	parts := false // there are profiles of single roles
	for i := range list {
		if list[i].Variant == mode {
			of = append(of, list[i])
			parts = parts || list[i].Role != roleAll
		}
	}
	e := Explanation{Section: sec.Name, Mode: mode, NanosPerTuple: wholeCost(sec, of, mode)}
	for i := range of {
		p := &of[i]
		if role != "" && p.Role != role || role == "" && parts && p.Role == roleAll {
			continue
		}
		for _, h := range profiles.Explain(*p) {
			cost := Spent{Role: p.Role, Hint: h, OfAll: h.Share}
			if e.NanosPerTuple > 0 && h.NanosPerTuple > 0 {
				cost.OfAll = min(1, h.NanosPerTuple/e.NanosPerTuple)
			}
			cost.Gain = 1 / max(1-cost.OfAll, 1e-3)
			e.Costs = append(e.Costs, cost)
		}
	}
	slices.SortStableFunc(e.Costs, func(a, b Spent) int { return cmp.Compare(b.OfAll, a.OfAll) })
	return e
}

// wholeCost is the CPU time of a tuple in all processes: as measured without
// profiling or, where that is not known or less than what was sampled, as sampled.
func wholeCost(sec *bench.Section, of []profiles.Summary, mode string) float64 {
	sampled, all := 0.0, 0.0
	for i := range of {
		if of[i].Role == roleAll {
			all = of[i].NanosPerTuple
		} else {
			sampled += of[i].NanosPerTuple
		}
	}
	whole := max(sampled, all)
	if m := summaryOf(sec, mode); m != nil {
		whole = max(whole, m.Nanos.Total)
	}
	return whole
}

// WriteExplanations writes at most top costs of each explanation for people; all
// of them if top is zero. The error is that of w.
func WriteExplanations(w io.Writer, list []Explanation, top int) error {
	var b strings.Builder
	for i := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		list[i].text(&b, top)
	}
	b.WriteString("\nAt most is what tuples per CPU-second would gain if the category cost nothing (Amdahl): a bound, not a promise.\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("page: write: %w", err)
	}
	return nil
}

func (e *Explanation) text(b *strings.Builder, top int) {
	fmt.Fprintf(b, "%s, %s", e.Section, e.Mode)
	if e.NanosPerTuple > 0 {
		b.WriteString(": " + nanos(e.NanosPerTuple) + " of CPU time for a tuple")
	}
	b.WriteString("\n\n")
	costs := e.Costs
	if top > 0 {
		costs = costs[:min(top, len(costs))]
	}
	t := &table{Head: []string{"", "category", "role", "ns/tuple", "of role", "of all", "at most"}, Left: 3}
	for i := range costs {
		c := &costs[i]
		t.Rows = append(t.Rows, []string{
			strconv.Itoa(i + 1), string(c.Category), c.Role, known(c.NanosPerTuple, significant), percent(c.Share), percent(c.OfAll), change(c.Gain),
		})
	}
	t.text(b)
	b.WriteByte('\n')
	for i := range costs {
		c := &costs[i]
		fmt.Fprintf(b, "%d. %s in %s: %s\n", i+1, c.Category, c.Role, c.Advice)
		for _, f := range c.Functions {
			own := percent(f.Share)
			if c.Share > 0 && c.NanosPerTuple > 0 {
				own += ", " + nanos(f.Share/c.Share*c.NanosPerTuple)
			}
			fmt.Fprintf(b, "   %s (%s)\n", f.Name, own)
		}
	}
}
