package dataplane

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/plan"
)

// Defaults of Config.
const (
	DefaultHighMark = 8 << 20
	DefaultWindow   = 1 << 20
	DefaultCredit   = 1 << 20

	// minWindow is well above what a task handles before it returns credit.
	minWindow = 64 << 10
	// leastBatch is what a log must take at once: frames hold a tuple of any size
	// or a batch, as large as tasks make them.
	leastBatch = 2 << 20
)

// Config says what a stream manager serves. Sizes are in bytes.
type Config struct {
	// Plan is the physical plan. Frames of another epoch are refused.
	Plan *plan.Plan
	// Container is the id of the container that this manager serves.
	Container uint32
	// Mode is how frames are forwarded. Default: optimized.
	Mode Mode
	// Incarnation rises with every start of this container's manager.
	Incarnation uint64
	// Restarted says that this container had a manager before, which has died.
	// What it had in its hands is lost, and tracked tuples are taken for lost.
	Restarted bool
	// Ended are tasks, of any container, whose streams had all ended before this
	// manager was started. It sees no end frame of theirs, so that it repeats
	// those ends to the tasks that consume the streams as they connect.
	Ended []uint32
	// Secret is what the stream managers of a run share. With it they answer
	// nobody over TCP who does not prove to know it. Default: anybody is a
	// peer who knows the plan.
	Secret []byte
	// Store takes what is emitted on durable streams by the tasks of the container.
	// It must be there if the plan has such streams, and stay open until Run has
	// returned. Only the optimized modes append.
	Store *dlog.Store

	// HighMark is the queue of a destination at which the spouts that can
	// reach it are clamped. Default 8 MiB. Larger values even out bursts and
	// cost memory and latency: what is queued is old.
	HighMark int
	// LowMark is the queue at which clamped spouts are released. Default half of HighMark.
	LowMark int
	// HardMark is the queue at which the tasks that feed the destination get
	// no further credit. Default twice HighMark.
	HardMark int
	// Window bounds what is on its way to a task and not yet handled there.
	// Default 1 MiB. Smaller keeps data in the processor's caches and more of
	// it in the queue, where it is seen.
	Window int
	// Credit bounds what a task may send before it is granted more. Default 1 MiB.
	Credit int

	// Logger gets links, refusals and marks. Default: nothing is logged.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Mode == (Mode{}) {
		c.Mode = Mode{name: "optimized", Optimized: true}
	}
	if c.HighMark == 0 {
		c.HighMark = DefaultHighMark
	}
	if c.LowMark == 0 {
		c.LowMark = c.HighMark / 2
	}
	if c.HardMark == 0 {
		c.HardMark = 2 * c.HighMark
	}
	if c.Window == 0 {
		c.Window = DefaultWindow
	}
	if c.Credit == 0 {
		c.Credit = DefaultCredit
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// NotInSockets are the characters that the path of a socket cannot have: gnet
// takes it for a URL and would listen elsewhere.
const NotInSockets = "#?%"

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("dataplane: config: "+format, args...))
	}
	if c.Plan == nil {
		fault("Plan is missing")
	} else if c.Plan.Container(c.Container) == nil {
		fault("Container %d is not in the plan, which has 1 to %d", c.Container, len(c.Plan.Containers))
	} else if path := c.Plan.Container(c.Container).Socket; strings.ContainsAny(path, NotInSockets) {
		fault("the path of the socket is %q, it cannot have one of %s", path, NotInSockets)
	}
	if len(c.Ended) > 0 && !c.Restarted {
		fault("Ended is set for a manager that is not Restarted")
	}
	if c.Plan != nil && c.Plan.Durable() {
		switch {
		case c.Store == nil:
			fault("Store is missing: the plan has durable streams")
		case c.Store.MaxBatch() < leastBatch:
			fault("batches of Store may have %d bytes, durable streams need %d", c.Store.MaxBatch(), leastBatch)
		}
		if !c.Mode.Optimized {
			errs = append(errs, &DurableModeError{Mode: c.Mode})
		}
	}
	if c.Plan != nil {
		for _, t := range c.Ended {
			if c.Plan.ComponentOf(t) == nil {
				fault("Ended names task %d, which is not in the plan", t)
			}
		}
	}
	if c.LowMark < 0 || c.LowMark > c.HighMark || c.HighMark > c.HardMark {
		fault("marks must not fall: LowMark %d, HighMark %d, HardMark %d", c.LowMark, c.HighMark, c.HardMark)
	}
	if c.Window < minWindow || c.Window > 1<<30 {
		fault("Window is %d, allowed are 64 KiB to 1 GiB", c.Window)
	}
	if c.Credit < 1<<10 || c.Credit > 1<<30 {
		fault("Credit is %d, allowed are 1 KiB to 1 GiB", c.Credit)
	}
	return errors.Join(errs...)
}
