package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/profiles"
)

// Factors that are no switch of package dataplane.
const (
	factorBytes   = "bytes"
	factorPool    = "pool"
	factorInPlace = "inplace"
	factorLazy    = "lazy"
	factorPGO     = "pgo"

	optimized = "optimized"
	// passThrough is a switch that naive, which decodes everything, does not have.
	passThrough = "passthrough"
)

// ablationTasks is how many containers, spouts and bolts an ablation has where
// nothing else is asked for: with two of each, records are dealt out by key and
// frames pass between stream managers, so that every optimization has something to do.
const ablationTasks = 2

// DefaultFactors returns the factors of the full factorial: those that work on
// every byte of every tuple at saturation. The others are flush on drain, which
// matters when there is little to do, gathered writes, of which large batches
// leave few, and threads.
func DefaultFactors() []string { return []string{"hash", "batch", passThrough, "reuse"} }

// errGuarantees says that an ablation was asked for with several guarantees.
var errGuarantees = errors.New("bench: an ablation is measured with one guarantee: name one")

// mostFactors bounds a full factorial, which has 2^n cells.
const mostFactors = 5

// variant is a combination of optimizations that is measured.
type variant struct {
	kind    CellKind
	name    string // of the mode, with "-pgo" behind it if program is set
	mode    string
	program string // for the children; empty: this one
	on      []string
}

// MeasureAblation runs the workload with every optimization turned off from the
// best mode, with every one turned on from naive, and in the full factorial of
// c.Factors, all in turn, as often as c.Repeat says. c.Modes and c.Limits are
// not used. Where c does not say how many, there are two containers, spouts and
// bolts. There is one guarantee. A last run, not with InProcess, takes profiles of naive, for what was
// published of Heron.
//
// What was measured so far is returned with an error too; it is nil only if c
// is not valid. Effects are those of the repeats in which every cell of the
// factorial was measured. The error is as with MeasureThroughput.
func MeasureAblation(ctx context.Context, c Config) (*Section, error) {
	c = c.ablationDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if len(c.Guarantees) > 1 {
		return nil, errGuarantees
	}
	c = c.withDefaults([]string{}, []string{})
	s := c.section(KindAblation, c.Workload)
	all := c.variants()
	distinct := distinctVariants(all)
	p := steps{progress: c.Progress, of: AblationRuns(c)}
	var err error
	for repeat := 1; repeat <= c.Repeat && err == nil; repeat++ {
		err = c.runVariants(ctx, s, &p, distinct, repeat)
	}
	var published []PublishedShare
	if err == nil && !c.InProcess {
		published, err = c.profileNaive(ctx, s, &p)
	}
	s.Ablation = &Ablation{
		Published: published,
		Factors:   c.allFactors(), Cells: cellsOf(all, s.Runs), Effects: effectsOf(c.Factors, all, s.Runs),
	}
	if err != nil {
		s.Error = err.Error()
	}
	return s, err
}

// AblationRuns returns how many runs MeasureAblation makes of c.
func AblationRuns(c Config) int {
	c = c.ablationDefaults().withDefaults(nil, nil)
	n := c.Repeat * len(distinctVariants(c.variants()))
	if !c.InProcess {
		n++ // for the profiles
	}
	return n
}

// profileNaive takes the profiles of a run in the mode naive and compares what
// was published with that of its stream managers.
func (c Config) profileNaive(ctx context.Context, s *Section, p *steps) ([]PublishedShare, error) {
	p.next("profiles of %s", naive)
	summaries, err := c.profiled(ctx, setting{naive, c.Workload.promise()})
	if errors.Is(err, profiles.ErrNoSamples) {
		p.say("%v", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.Profiles = summaries
	for _, sum := range summaries {
		if sum.Role == RoleManagers {
			p.say("profiles of %s: %.1f CPU seconds sampled in %s", naive, sum.CPUSeconds, sum.Role)
			return publishedShares(sum), nil
		}
	}
	return nil, nil
}

// ablationDefaults fills in what an ablation has other defaults for.
func (c Config) ablationDefaults() Config {
	c.Modes, c.Limits = nil, []string{}
	setDefault(&c.Containers, ablationTasks)
	w, known := workloadOf(c.spec().Workload)
	if known && w.has("spouts") && c.Workload.Spouts == 0 {
		setDefault(&c.Spouts, ablationTasks)
	}
	if known && w.has("bolts") && c.Workload.Bolts == 0 && w.defaults.Bolts == 0 {
		setDefault(&c.Bolts, ablationTasks)
	}
	if c.Factors == nil {
		c.Factors = DefaultFactors()
	}
	return c
}

// runVariants measures each variant once.
func (c Config) runVariants(ctx context.Context, s *Section, p *steps, variants []variant, repeat int) error {
	for _, v := range variants {
		p.next("%s", v.name)
		c.program = v.program
		run, err := runWorkload(ctx, c, c.Workload, v.mode, repeat)
		if err != nil {
			return err
		}
		run.Mode = v.name
		s.Runs = append(s.Runs, run)
		p.say("%s: %s", v.name, run.line())
	}
	return nil
}

// switchable returns the names of what can be turned off from the best.
func (c Config) switchable() []string {
	var names []string
	for _, s := range dataplane.Switches {
		names = append(names, s.Name)
	}
	if c.NoPGO != "" {
		names = append(names, factorPGO)
	}
	return names
}

// allFactors lists everything that a cell can have on.
func (c Config) allFactors() []Factor {
	list := []Factor{
		{factorBytes, "The stream manager forwards records as the bytes that they are; without, it decodes them to objects."},
		{factorPool, "Without bytes: objects are reused."},
		{factorInPlace, "Without bytes: a parsed tuple goes to its last destination itself, not as a copy."},
		{factorLazy, "Without bytes: batches of other stream managers pass without being decoded."},
	}
	for _, s := range dataplane.Switches {
		list = append(list, Factor{s.Name, "Without: " + s.Text + "."})
	}
	if c.NoPGO != "" {
		list = append(list, Factor{factorPGO, "The program is built with a profile of itself."})
	}
	return list
}

// variants returns all cells, those of the factorial last.
func (c Config) variants() []variant {
	names := c.switchable()
	base := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == passThrough })
	naiveWith := func(kind CellKind, mode string, more ...string) variant {
		return variant{kind: kind, name: mode, mode: mode, on: append(slices.Clone(base), more...)}
	}
	list := []variant{
		c.without(CellBest, nil),
		naiveWith(CellNaive, naive),
	}
	for _, name := range names {
		list = append(list, c.without(CellOff, []string{name}))
	}
	list = append(list,
		naiveWith(CellOn, naive+"+pool", factorPool),
		naiveWith(CellOn, naive+"+inplace", factorInPlace),
		naiveWith(CellOn, naive+"+lazy", factorLazy),
		naiveWith(CellOn, "heron2017", factorPool, factorInPlace, factorLazy),
		c.without(CellOn, []string{passThrough}),
	)
	for off := range 1 << len(c.Factors) {
		var without []string
		for i, name := range c.Factors {
			if off>>i&1 == 1 {
				without = append(without, name)
			}
		}
		list = append(list, c.without(CellFactorial, without))
	}
	return list
}

// without returns the best with some of switchable off.
func (c Config) without(kind CellKind, off []string) variant {
	v := variant{kind: kind, name: optimized, mode: optimized, on: []string{factorBytes}}
	for _, name := range c.switchable() {
		switch {
		case !slices.Contains(off, name):
			v.on = append(v.on, name)
			continue
		case name == factorPGO:
			v.program = c.NoPGO
		default:
			v.mode += "-" + name
		}
		v.name += "-" + name
	}
	return v
}

// distinctVariants drops those that are the same under another kind: they are measured once.
func distinctVariants(all []variant) []variant {
	var list []variant
	for _, v := range all {
		if !slices.ContainsFunc(list, func(w variant) bool { return w.name == v.name }) {
			list = append(list, v)
		}
	}
	return list
}

// cellsOf sums up the runs of each variant; those without a run are left out.
func cellsOf(all []variant, runs []Run) []Cell {
	cells := []Cell{}
	var guarantee Guarantee // all have the same
	if len(runs) > 0 {
		guarantee = runs[0].setting().guarantee
	}
	for _, v := range all {
		s := summarizeSetting(setting{v.name, guarantee}, runs)
		if s.Runs == 0 {
			continue
		}
		cells = append(cells, Cell{
			Name: v.name, Kind: v.kind, On: v.on, TuplesPerSecond: s.TuplesPerSecond, TuplesPerCPUSecond: s.TuplesPerCPUSecond,
			Nanos: s.Nanos, AllocsPerTuple: s.AllocsPerTuple, Syscalls: s.Syscalls,
		})
	}
	return cells
}

// validateFactors returns what is wrong with Factors and NoPGO.
func (c Config) validateFactors() error {
	seen := map[string]bool{}
	for _, name := range c.Factors {
		switch {
		case name == factorPGO && c.NoPGO == "":
			return fmt.Errorf("bench: factor %s needs NoPGO, the same program built with -pgo=off", name)
		case !slices.Contains(c.switchable(), name):
			return fmt.Errorf("bench: no factor %q: use some of %s", name, strings.Join(c.switchable(), ", "))
		case seen[name]:
			return fmt.Errorf("bench: factor %s is named twice", name)
		}
		seen[name] = true
	}
	if len(c.Factors) > mostFactors {
		return fmt.Errorf("bench: %d factors, allowed are %d: each doubles the number of runs", len(c.Factors), mostFactors)
	}
	if c.NoPGO != "" && c.InProcess {
		return fmt.Errorf("bench: NoPGO is %s, which runs nothing with InProcess", c.NoPGO)
	}
	return nil
}
