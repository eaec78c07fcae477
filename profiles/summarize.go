package profiles

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// topFunctions is how many functions of each category a summary lists.
	topFunctions = 8
	// MaxOther is the share of Other from which on a summary does not explain enough.
	MaxOther = 0.03
	// sumTolerance is by how much the sum of all shares may differ from 1.
	sumTolerance = 0.001
)

// Summarize sorts the samples of the profiles, one of each process, and adds
// them up. Variant and role are names for the summary. Rules may be nil, which
// means DefaultRules. Tuples is the number of tuples that the run counted while
// the profiles were taken, zero if that is not known. The flame graph leaves out
// frames of less than 0.3 % of the time; they are part of the frame below them.
// Without samples the error is ErrNoSamples.
func Summarize(variant, role string, rules *Rules, ps []*Profile, tuples uint64) (Summary, error) {
	if rules == nil {
		rules = DefaultRules()
	}
	a := newAccount(rules)
	s := Summary{Variant: variant, Role: role}
	for _, p := range ps {
		a.add(p)
		if p.path != "" {
			s.Files = append(s.Files, p.path)
		}
	}
	total := a.root.nanos
	if total == 0 {
		return Summary{}, fmt.Errorf("%s of %s: %w", role, variant, ErrNoSamples)
	}
	s.CPUSeconds = float64(total) / 1e9
	if tuples > 0 {
		s.NanosPerTuple = float64(total) / float64(tuples)
	}
	for i, c := range Categories() {
		nanos := a.root.total[i]
		s.Shares = append(s.Shares, Share{Category: c, Seconds: float64(nanos) / 1e9, Share: float64(nanos) / float64(total)})
	}
	s.Top = a.top(total)
	s.Flame = a.root.frame(int64(math.Ceil(minFlameShare * float64(total))))
	return s, nil
}

// Check reports whether the summary can be shown: its shares are those of all
// categories, add up to 1 within 0.001, and Other is under MaxOther. The error
// is a *CheckError.
func (s *Summary) Check() error {
	fault := func(format string, args ...any) error {
		return &CheckError{Variant: s.Variant, Role: s.Role, Reason: fmt.Sprintf(format, args...)}
	}
	sum := 0.0
	for i, c := range Categories() {
		if i >= len(s.Shares) || s.Shares[i].Category != c {
			return fault("the category %q is missing or not in its place", c)
		}
		sum += s.Shares[i].Share
	}
	if math.IsNaN(sum) || math.Abs(sum-1) > sumTolerance {
		return fault("the categories add up to %.2f %%, want 100", 100*sum)
	}
	if other := s.share(Other); other >= MaxOther {
		var names []string
		for _, f := range s.Top {
			if f.Category == Other {
				names = append(names, f.Name)
			}
		}
		return fault("%.1f %% of the time has no category, want less than %.0f %%; add rules for: %s",
			100*other, 100*MaxOther, strings.Join(names, ", "))
	}
	return nil
}

// account adds up samples.
type account struct {
	rules      *Rules
	classifier *classifier
	index      map[Category]int
	root       *node
	functions  map[functionKey]int64
}

func newAccount(rules *Rules) *account {
	a := &account{
		rules: rules, classifier: newClassifier(rules),
		index: map[Category]int{}, root: newNode(flameRoot), functions: map[functionKey]int64{},
	}
	for i, c := range Categories() {
		a.index[c] = i
	}
	return a
}

// add adds all samples of a profile.
func (a *account) add(p *Profile) {
	verdicts := make([]*verdict, len(p.names))
	for i, name := range p.names {
		verdicts[i] = a.classifier.verdict(name)
	}
	var stack []*verdict
	for _, s := range p.samples {
		stack = stack[:0]
		for _, i := range s.stack {
			stack = append(stack, verdicts[i])
		}
		category, responsible := a.rules.classify(stack)
		a.functions[functionKey{responsible, category}] += s.nanos
		a.root.add(stack, a.index[category], s.nanos)
	}
}

// top returns the costliest functions of each category.
func (a *account) top(total int64) []Function {
	all := make([]Function, 0, len(a.functions))
	for key, nanos := range a.functions {
		all = append(all, Function{Name: key.name, Category: key.category, Share: float64(nanos) / float64(total)})
	}
	slices.SortFunc(all, func(x, y Function) int {
		return cmp.Or(cmp.Compare(y.Share, x.Share), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Category, y.Category))
	})
	listed := map[Category]int{}
	return slices.DeleteFunc(all, func(f Function) bool {
		listed[f.Category]++
		return listed[f.Category] > topFunctions
	})
}
