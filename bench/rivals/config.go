package rivals

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// Defaults of Config.
const (
	DefaultRepeat   = 3
	DefaultDuration = 5 * time.Second
	DefaultWarmUp   = 15 * time.Second
	DefaultBudget   = time.Hour
	DefaultRate     = 100_000
	// DefaultShare is the load at which latency is measured, of a row's own maximum.
	DefaultShare = 0.7
)

// Adapter is a program that speaks the contract.
type Adapter struct {
	Name string   // for messages
	Args []string // program and arguments before "list" and "run"
}

// Config says what is measured. The zero value measures nothing: there must be adapters.
type Config struct {
	Adapters []Adapter
	// Peers are those to measure: a peer with all its variants, or "peer/variant". Nil means all.
	Peers []string
	// Workloads are those to measure, of which each row has some. Nil means all. The first has the repeats and latencies.
	Workloads []string
	// Repeat is the most interleaved repeats. The plan makes fewer to stay within Budget. Zero means DefaultRepeat.
	Repeat int
	// Duration is the measured time of a run, WarmUp bounds the time before it. Zero means the defaults.
	Duration, WarmUp time.Duration
	// Budget is how long all may take by the plan's estimate. Zero means DefaultBudget.
	Budget time.Duration
	// Parallelism is the number of sources, and of counting tasks. Zero means 1.
	Parallelism int
	// Smoke measures one row of each adapter for a short time, with a single repeat and no latencies.
	Smoke bool
	// NoLatency leaves latencies out.
	NoLatency bool
	// Plant has adapters report a wrong count, to test the check: one of contract.Plants. Each row is then run once,
	// without latencies, and Report.Planted says what became of it. Where words were lost, as they may, it tells nothing.
	Plant string
	// Root is the folder of the repository, in which rows name the files with their users' code. Empty: code is not counted.
	Root string
	// Dir is where adapters may write, each run below it. Empty means the system's folder for temporary files.
	Dir string
	// Progress is called with lines for the user. Nil drops them.
	Progress func(line string)
}

// seed is that of lists and draws.
const seed = 1

func (c Config) withDefaults() Config {
	set(&c.Repeat, DefaultRepeat)
	set(&c.Duration, DefaultDuration)
	set(&c.WarmUp, DefaultWarmUp)
	set(&c.Budget, DefaultBudget)
	set(&c.Parallelism, 1)
	if c.Workloads == nil {
		c.Workloads = words.Workloads()
	}
	if c.Plant != "" {
		c.Repeat, c.NoLatency = 1, true
	}
	if c.Smoke {
		c.Repeat, c.NoLatency = 1, true
		c.Workloads = c.Workloads[:1]
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

func set[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// Limits of Config.
const (
	maxRepeat     = 100
	leastDuration = time.Second
)

// Validate returns everything that is wrong with c, joined.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("rivals: "+format, args...))
	}
	if len(c.Adapters) == 0 {
		fault("no adapters: name the programs that set the peers up")
	}
	for _, w := range c.Workloads {
		if !slices.Contains(words.Workloads(), w) {
			fault("no workload %q: use one of %s", w, strings.Join(words.Workloads(), ", "))
		}
	}
	if c.Workloads != nil && len(c.Workloads) == 0 || c.Peers != nil && len(c.Peers) == 0 {
		fault("a list of workloads or peers is empty: name some, or leave it out to have all")
	}
	if c.Repeat < 0 || c.Repeat > maxRepeat {
		fault("Repeat is %d, allowed are 1 to %d", c.Repeat, maxRepeat)
	}
	d := c.withDefaults()
	if d.Duration < leastDuration || d.WarmUp < leastDuration || d.Budget < leastDuration {
		fault("Duration is %v, WarmUp %v and Budget %v, the least are %v", d.Duration, d.WarmUp, d.Budget, leastDuration)
	}
	if c.Plant != "" && !slices.Contains(contract.Plants(), c.Plant) {
		fault("no wrong count %q: plant one of %s", c.Plant, strings.Join(contract.Plants(), ", "))
	}
	if c.Parallelism < 0 || c.Parallelism > contract.MaxParallelism {
		fault("Parallelism is %d, allowed are 1 to %d", c.Parallelism, contract.MaxParallelism)
	}
	return errors.Join(faults...)
}

// FindAdapters returns the executable files of a folder, by name. A folder that is not there has none.
func FindAdapters(dir string) ([]Adapter, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("rivals: adapters: %w", err)
	}
	var all []Adapter
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			if path, err = filepath.Abs(path); err != nil {
				return nil, fmt.Errorf("rivals: adapters: %w", err)
			}
			all = append(all, Adapter{Name: f.Name(), Args: []string{path}})
		}
	}
	return all, nil
}
