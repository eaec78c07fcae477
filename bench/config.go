package bench

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// Defaults of Config.
const (
	DefaultWords    = 175_000
	DefaultDuration = 10 * time.Second
	DefaultWarmUp   = 3 * time.Second
	DefaultRate     = 100_000
)

// DefaultLoads returns the points of a curve, as shares of the capacity.
func DefaultLoads() []float64 { return []float64{0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95} }

// DefaultBounds returns the bounds of the 99th percentile for which the highest rate is looked for.
func DefaultBounds() []time.Duration {
	return []time.Duration{time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond}
}

// Config says what is measured. The zero value is a sensible default.
type Config struct {
	// Modes are the forwarding modes to compare, see dataplane.ParseMode. Nil
	// means naive, heron2017 and optimized; for MeasureLatency optimized.
	Modes []string
	// Limits are the loops without an engine to measure, see LimitNames. Nil
	// means FusedLoop, for MeasureLimits all, and for a workload that no loop can do none.
	Limits []string
	// Repeat is how often everything is measured, in turn: A B C, A B C. Zero
	// means 1. Fewer than about 5 give intervals that tell little.
	Repeat int

	// Containers is the number of stream managers. Zero means 1.
	Containers int
	// Workload is what is run; the zero value means random words. Its Rate,
	// Tuples and WarmUp are set by what measures. Latency is measured with the
	// workload Latency, whatever this says.
	Workload Spec
	// Spouts, Bolts, Words, Seed and Pending stand in for those of Workload that are zero.
	Spouts, Bolts int
	Words         int
	Seed          uint64
	Pending       int
	// Guarantees are those that every mode is measured with, in turn. Nil means
	// that of Workload. An ablation has one.
	Guarantees []Guarantee

	// Rates are those at which latency is measured, in tuples a second. Rate is
	// a list of one. With none of Rates, Rate and Loads it is DefaultRate.
	Rates []float64
	Rate  float64
	// Loads are further rates, as shares of the capacity that is measured just
	// before, each above 0 and up to 1. For MeasureCurve nil means DefaultLoads.
	Loads []float64
	// Bounds are the 99th percentiles for which MeasureCurve looks for the
	// highest rate. Nil means DefaultBounds.
	Bounds []time.Duration
	// Factors are the optimizations of MeasureAblation's full factorial, names
	// of dataplane.Switches or "pgo", 5 at most. Nil means DefaultFactors.
	Factors []string
	// NoPGO is the path of this program built with -pgo=off. It makes "pgo" an
	// optimization that MeasureAblation turns off. Empty means that it does not.
	NoPGO string
	// ProfileDir is the directory for the files of ProfileModes, made if need
	// be. Empty means a temporary one, removed at the end.
	ProfileDir string

	// Duration is the measured window of a run. Zero means DefaultDuration.
	// Much under 3 s the warm-up's remains and the clock's ticks show.
	Duration time.Duration
	// WarmUp bounds the time that a run may take to become steady before it is
	// measured; two fifths of it are always taken. Zero means DefaultWarmUp.
	WarmUp time.Duration

	// TasksPerProcess, InProcess, MinBatch, MaxBatch and HighMark are those of
	// local.Options. In one process CPU time and allocations cannot be told
	// apart by role.
	TasksPerProcess              int
	InProcess                    bool
	MinBatch, MaxBatch, HighMark int

	// Pprof is that of local.Options: where the processes of each run serve their profiles.
	Pprof string

	// ChildArgs returns the arguments with which this program, re-executed,
	// builds the topology of a Spec and calls local.RunChild. Required unless
	// InProcess is set.
	ChildArgs func(Spec) []string

	// Progress is called before and after each step with a line for the user. Nil drops it.
	Progress func(line string)
	// Stderr gets what children write there. Nil means os.Stderr.
	Stderr io.Writer
	// Logger gets the launcher's reports. Nil discards them.
	Logger *slog.Logger

	// program is executed for the children; empty means this one.
	program string
	// alter changes a topology before it is run in this process. Tests plant faults with it.
	alter func(*topology.Topology)
	// lenient lets stalls pass: tests of other things run on machines that have some.
	lenient bool
}

func (c Config) withDefaults(modes, limits []string) Config {
	if c.Modes == nil {
		c.Modes = modes
	}
	c.Workload = c.spec()
	if c.Guarantees == nil {
		c.Guarantees = []Guarantee{c.Workload.promise()}
	}
	c.Workload.Guarantee = ""
	if len(c.Guarantees) == 1 && c.Guarantees[0] != AtMostOnce {
		c.Workload.Guarantee = c.Guarantees[0]
	}
	if w, known := workloadOf(c.Workload.Workload); c.Limits == nil && known && w.loops {
		c.Limits = limits
	}
	setDefault(&c.Repeat, 1)
	setDefault(&c.Containers, 1)
	setDefault(&c.Duration, DefaultDuration)
	setDefault(&c.WarmUp, DefaultWarmUp)
	if c.Bounds == nil {
		c.Bounds = DefaultBounds()
	}
	if c.Rate != 0 {
		c.Rates = append(slices.Clone(c.Rates), c.Rate)
		c.Rate = 0
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// spec is the workload with all that is known of it.
func (c Config) spec() Spec {
	s := c.Workload
	setDefault(&s.Spouts, c.Spouts)
	setDefault(&s.Bolts, c.Bolts)
	setDefault(&s.Words, c.Words)
	setDefault(&s.Seed, c.Seed)
	setDefault(&s.Pending, c.Pending)
	return s.withDefaults()
}

// Validate returns everything that is wrong with c, joined.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("bench: "+format, args...))
	}
	d := c.withDefaults(nil, nil)
	for _, mode := range d.Modes {
		if _, err := dataplane.ParseMode(mode); err != nil {
			faults = append(faults, fmt.Errorf("bench: %w", err))
		}
	}
	for _, name := range d.Limits {
		if !slices.Contains(LimitNames(), name) {
			fault("no limit %q: use one of %s", name, strings.Join(LimitNames(), ", "))
		}
	}
	if w, known := workloadOf(d.Workload.Workload); known && !w.loops && len(d.Limits) > 0 {
		fault("workload %s has no limits without an engine: leave them out", w.Name)
	}
	for _, names := range [][]string{d.Modes, d.Limits} {
		for i, name := range names {
			if slices.Contains(names[:i], name) {
				fault("%q is named twice: once is enough, Repeat makes more runs", name)
			}
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"TasksPerProcess", d.TasksPerProcess}, {"MinBatch", d.MinBatch}, {"MaxBatch", d.MaxBatch}, {"HighMark", d.HighMark},
	} {
		if n.value < 0 {
			fault("%s is %d and must not be negative; 0 means the default", n.name, n.value)
		}
	}
	if d.MaxBatch != 0 && d.MinBatch > d.MaxBatch {
		fault("MinBatch is %d, above MaxBatch, %d: swap them", d.MinBatch, d.MaxBatch)
	}
	if d.Repeat < 1 || d.Repeat > maxRepeat {
		fault("Repeat is %d, allowed are 1 to %d", d.Repeat, maxRepeat)
	}
	if d.Containers < 1 || d.Containers > maxContainers {
		fault("Containers is %d, allowed are 1 to %d", d.Containers, maxContainers)
	}
	if d.Duration < leastDuration || d.WarmUp < leastDuration {
		fault("Duration is %v and WarmUp %v, the least are %v", d.Duration, d.WarmUp, leastDuration)
	}
	if !d.InProcess && d.ChildArgs == nil {
		fault("ChildArgs is missing, and InProcess is not set")
	}
	pprof := (local.Options{Pprof: d.Pprof}).Validate()
	return errors.Join(append(faults,
		d.Workload.strictest(d.Guarantees).Validate(), d.validateGuarantees(), d.validateRates(), d.validateFactors(), pprof)...)
}

// validateRates returns what is wrong with what latency is measured at.
func (c Config) validateRates() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("bench: "+format, args...))
	}
	for _, rate := range c.Rates {
		if !(rate >= 1 && rate <= MaxRate) {
			fault("a rate of %s tuples a second, allowed are 1 to %d", number(rate), MaxRate)
		} else if rate*c.Duration.Seconds() < 1 {
			fault("a rate of %s tuples a second sends none in %v: measure for longer", number(rate), c.Duration)
		}
	}
	for _, load := range c.Loads {
		if !(load > 0 && load <= 1) {
			fault("a load of %v, allowed are shares of the capacity above 0 and up to 1", load)
		}
	}
	for _, bound := range c.Bounds {
		if bound <= 0 {
			fault("a bound of %v for the 99th percentile, it must be above 0", bound)
		}
	}
	return errors.Join(faults...)
}

const (
	maxRepeat     = 1000
	maxContainers = 1024
	leastDuration = 10 * time.Millisecond
)

// latency is the topology of a latency run.
func (c Config) latency(rate float64, g Guarantee) Spec {
	s := c.saturated(g)
	s.Rate, s.WarmUp = rate, uint64(rate*c.WarmUp.Seconds())
	s.Tuples = s.WarmUp + max(1, uint64(rate*c.Duration.Seconds()))
	return s
}

// saturated is the latency workload at no rate: as fast as possible.
func (c Config) saturated(g Guarantee) Spec {
	return Spec{Workload: Latency, Pending: c.Workload.Pending}.withDefaults().promising(g)
}

// section is the frame of a section with nothing measured yet.
func (c Config) section(kind SectionKind, spec Spec) *Section {
	spec.Pending = c.Workload.Pending
	return &Section{Name: spec.Workload + "-" + string(kind), Kind: kind, Spec: spec, Containers: c.Containers}
}

// steps tells of progress, step by step.
type steps struct {
	progress func(string)
	step, of int
}

// say tells of the present step.
func (s *steps) say(format string, args ...any) {
	s.progress(fmt.Sprintf("[%d/%d] ", s.step, s.of) + fmt.Sprintf(format, args...))
}

// next begins the next step.
func (s *steps) next(format string, args ...any) {
	s.step++
	s.of = max(s.of, s.step)
	s.say(format+" ...", args...)
}
