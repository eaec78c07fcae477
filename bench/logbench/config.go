package logbench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Names of the figures, in the order in which they are measured.
const (
	Append   = "append"   // durable appends of many writers
	Single   = "single"   // one writer
	Tail     = "tail"     // from an append to a reader
	CatchUp  = "catchup"  // appends beside a reader of old records
	Recovery = "recovery" // opening a store after kill -9
	Many     = "many"     // many logs
	Peers    = "peers"    // other engines
	Allocs   = "allocs"   // allocations for each record
)

// Figures are the names of all figures.
var Figures = []string{Append, Single, Tail, CatchUp, Recovery, Many, Peers, Allocs}

// Config says what is measured. The zero value of each field means its default, where there is one.
type Config struct {
	Dir       string        // where a folder for all that is written is made. Default: the system's for temporary files
	Only      []string      // figures. Default: all, Peers only with PeerProgram
	Duration  time.Duration // of each run: 1 ms or more. Default: 5 s
	Repeat    int           // runs of each kind. Default: 5
	ColdBytes int64         // that a reader catches up with: 64 KiB or more. Default: 4 GiB
	Recover   int64         // bytes that are in the journal only when a process is killed: 64 KiB or more. Default: 1 GiB
	Logs      int           // how many are many. Default: 100,000

	PeerProgram string // path of logpeers; empty: none
	Keep        bool   // leave what was written where it is

	// VictimArgs are the arguments with which this program calls Victim.
	VictimArgs func(spec string) []string
	// Progress is told what has been measured, line by line. Default: nobody is.
	Progress func(line string)
}

// Defaults of Config.
const (
	DefaultDuration  = 5 * time.Second
	DefaultRepeat    = 5
	DefaultColdBytes = 4 << 30
	DefaultRecover   = 1 << 30
	DefaultLogs      = 100_000
)

const leastBytes = 64 << 10

func (c Config) withDefaults() Config {
	c.Duration = orDefault(c.Duration, DefaultDuration)
	c.Repeat = orDefault(c.Repeat, DefaultRepeat)
	c.ColdBytes = orDefault(c.ColdBytes, DefaultColdBytes)
	c.Recover = orDefault(c.Recover, DefaultRecover)
	c.Logs = orDefault(c.Logs, DefaultLogs)
	if len(c.Only) == 0 {
		c.Only = slices.DeleteFunc(slices.Clone(Figures), func(name string) bool { return name == Peers && c.PeerProgram == "" })
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

func orDefault[T comparable](v, value T) T {
	var zero T
	if v == zero {
		return value
	}
	return v
}

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, name := range c.Only {
		if !slices.Contains(Figures, name) {
			wrong("there is no figure %q: name some of %s", name, strings.Join(Figures, ", "))
		}
	}
	if slices.Contains(c.Only, Peers) && c.PeerProgram == "" {
		wrong("the figure %q needs the program of the peers", Peers)
	}
	if c.Duration < time.Millisecond {
		wrong("the duration is %v, want 1ms or more", c.Duration)
	}
	if c.Repeat < 1 {
		wrong("repeats are %d, want 1 or more", c.Repeat)
	}
	if c.Logs < 1 {
		wrong("logs are %d, want 1 or more", c.Logs)
	}
	if c.ColdBytes < leastBytes || c.Recover < leastBytes {
		wrong("cold bytes are %d and bytes to recover %d, want %d or more", c.ColdBytes, c.Recover, leastBytes)
	}
	return errors.Join(errs...)
}

// has says whether a figure is asked for.
func (c Config) has(name string) bool { return slices.Contains(c.Only, name) }
