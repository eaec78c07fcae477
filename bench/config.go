package bench

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
)

// Defaults of Config.
const (
	DefaultWords    = 175_000
	DefaultDuration = 10 * time.Second
	DefaultWarmUp   = 3 * time.Second
	DefaultRate     = 100_000
)

// Config says what is measured. The zero value is a sensible default.
type Config struct {
	// Modes are the forwarding modes to compare, see dataplane.ParseMode. Nil
	// means naive, heron2017 and optimized; for MeasureLatency optimized.
	Modes []string
	// Limits are the loops without an engine to measure: FusedLoop,
	// BatchedChannel, SocketRelay. Nil means FusedLoop, for MeasureLimits all.
	Limits []string
	// Repeat is how often everything is measured, in turn: A B C, A B C. Zero
	// means 1. Fewer than about 5 give intervals that tell little.
	Repeat int

	// Containers is the number of stream managers. Zero means 1.
	Containers int
	// Spouts and Bolts are the tasks of the random-words workload. Zero means 1 of each.
	Spouts, Bolts int
	// Words is the size of its dictionary. Zero means DefaultWords.
	Words int
	// Seed is that of the dictionary and the draws.
	Seed uint64
	// Rate is that of MeasureLatency, in tuples a second. Zero means DefaultRate.
	Rate float64

	// Duration is the measured window of a run. Zero means DefaultDuration.
	// Much under 3 s the warm-up's remains and the clock's ticks show.
	Duration time.Duration
	// WarmUp bounds the time that a run may take to become steady before it is
	// measured; a third of it is always taken. Zero means DefaultWarmUp.
	WarmUp time.Duration

	// TasksPerProcess, InProcess, MinBatch, MaxBatch and HighMark are those of
	// local.Options. In one process CPU time and allocations cannot be told
	// apart by role.
	TasksPerProcess              int
	InProcess                    bool
	MinBatch, MaxBatch, HighMark int

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
}

func (c Config) withDefaults(modes, limits []string) Config {
	if c.Modes == nil {
		c.Modes = modes
	}
	if c.Limits == nil {
		c.Limits = limits
	}
	for _, n := range []struct {
		field *int
		value int
	}{{&c.Repeat, 1}, {&c.Containers, 1}, {&c.Spouts, 1}, {&c.Bolts, 1}, {&c.Words, DefaultWords}} {
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	if c.Rate == 0 {
		c.Rate = DefaultRate
	}
	if c.Duration == 0 {
		c.Duration = DefaultDuration
	}
	if c.WarmUp == 0 {
		c.WarmUp = DefaultWarmUp
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
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
		if _, known := limits[name]; !known {
			fault("no limit %q: use %q, %q or %q", name, FusedLoop, BatchedChannel, SocketRelay)
		}
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
	return errors.Join(append(faults, d.words().Validate(), d.latency().Validate())...)
}

const (
	maxRepeat     = 1000
	maxContainers = 1024
	leastDuration = 10 * time.Millisecond
)

// words is the topology of the random-words workload.
func (c Config) words() Spec {
	return Spec{Workload: RandomWords, Spouts: c.Spouts, Bolts: c.Bolts, Words: c.Words, Seed: c.Seed}
}

// latency is the topology of the latency workload.
func (c Config) latency() Spec {
	warmUp := uint64(c.Rate * c.WarmUp.Seconds())
	return Spec{
		Workload: Latency, Rate: c.Rate,
		WarmUp: warmUp, Tuples: warmUp + max(1, uint64(c.Rate*c.Duration.Seconds())),
	}
}
