package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/local/endpoint"
	"github.com/ardea-stream/ardea/topology"
)

// Defaults of Options.
const (
	DefaultMode         = "optimized"
	DefaultStartTimeout = 60 * time.Second
	DefaultDrainTimeout = 30 * time.Second // where tuples are not tracked
	DefaultStopTimeout  = 5 * time.Second
	DefaultSampleEvery  = 500 * time.Millisecond

	DefaultMaxRestarts   = 10
	DefaultRestartWindow = time.Minute
	DefaultHangTimeout   = 10 * time.Second
)

// Options says how a topology is run. The zero value is a sensible default.
type Options struct {
	// Containers is the number of stream managers. Zero means 1; more than
	// there are tasks means as many as there are tasks.
	Containers int
	// TasksPerProcess is the most tasks that share an instance process. Zero
	// means 1: every task is isolated. More saves processes, and a crash
	// takes all tasks of the process along.
	TasksPerProcess int
	// InProcess runs everything as goroutines of this process, with the same
	// sockets between them: for tests and debuggers.
	InProcess bool
	// Mode is the forwarding mode of the stream managers, and what is turned
	// off in tasks and processes, see dataplane.ParseMode and
	// dataplane.Switches. Empty means DefaultMode.
	Mode string
	// Duration ends the run by a drain after that time. Zero means never.
	Duration time.Duration

	// Dir is the run directory. Empty means a fresh temporary one, removed at
	// the end. A given one is created if need be, with mode 0700, and what was
	// created is removed. Paths of sockets in it must stay within 100 bytes.
	Dir string
	// LogDir is where the logs of durable streams are, see topology.Durable: a
	// store of package dlog for each container, in the folder of its number, made
	// if it is missing. It must be there for a topology with such streams, and is
	// not used for others. It stays, and the next run appends to the same logs.
	LogDir string
	// Args are the arguments of re-executed children, nil meaning those of
	// this process. With them the program must arrive at the same topology.
	Args []string
	// Program is the path of the program that is executed for the children.
	// Empty means that of this process. Another one must build the same
	// topology and speak the same version of the protocol between parent and
	// child; it is there to compare builds of one program.
	Program string
	// Seed of the key hashes. Zero means a random one.
	Seed uint64

	// HighMark, LowMark, HardMark and Window bound what a stream manager
	// queues, in bytes; zero means its default. See dataplane.Config.
	HighMark, LowMark, HardMark, Window int
	// MinBatch and MaxBatch bound a task's batches, in bytes; zero means
	// topology.DefaultMinBatch and topology.DefaultMaxBatch.
	MinBatch, MaxBatch int
	// MaxAge is about how long a begun batch may wait. Zero means the default of instance.Config.
	MaxAge time.Duration

	// InstanceProcs and ManagerProcs are the processors (GOMAXPROCS) of each
	// child. Zero means GOMAXPROCS of the environment if it is set, else the
	// number of its tasks for an instance and 2 for a stream manager. GOGC is
	// 400 in children unless the environment has it.
	InstanceProcs, ManagerProcs int

	// StartTimeout is how long the children may take to report that they are
	// up. Zero means DefaultStartTimeout.
	StartTimeout time.Duration
	// DrainTimeout is how long a drain may take before everything is stopped
	// and Wait returns a *DrainTimeoutError. Zero means DefaultDrainTimeout; where
	// tuples are tracked it means long enough to find tuples that were lost and to
	// emit them again: MessageTimeout more, and MaxRetries times MessageTimeout
	// more, of the latter up to 10 minutes.
	DrainTimeout time.Duration
	// StopTimeout is how long a process that was told to stop may take before
	// it is killed. Zero means DefaultStopTimeout.
	StopTimeout time.Duration

	// MaxRestarts is how often a process that dies before its work is done is
	// started again within RestartWindow; a death more ends the run with a
	// *ProcessDiedError. Zero means DefaultMaxRestarts, a negative value that
	// every death ends the run, which it always does before all processes have
	// been up, and with InProcess. A restarted task begins anew: what was on its
	// way to it and what it had in memory is lost, and a spout begins where its
	// Open does, unless it is a topology.Replayer: then where it was. Errors and panics that a task reports end the run as ever.
	MaxRestarts int
	// RestartWindow is the time for MaxRestarts. Zero means DefaultRestartWindow.
	RestartWindow time.Duration
	// HangTimeout is how long a process may leave the supervisor without a word
	// before it is killed, and so started again: one that is stopped, or stuck,
	// but not one whose user code takes long. It is counted by a clock that
	// stands still while the supervisor does. Zero means DefaultHangTimeout, a
	// negative value that nobody is killed for it, for debuggers.
	HangTimeout time.Duration

	// Pprof is where the processes serve their profiles over HTTP while they
	// run, see endpoint.ParseAddress: this one at the port, the others behind
	// it, or all at free ports if it is 0. Without a host only this machine can
	// read them. Empty means that nothing is served. The addresses are written
	// to Stderr at the start and stand in Process.Pprof.
	Pprof string
	// Metrics is where this process serves the figures of the whole run for
	// Prometheus over HTTP, at the path /metrics; see endpoint.ParseAddress.
	// Without a host only this machine can read them. Empty means that nothing
	// is served. The URL is written to Stderr at the start, see Cluster.Metrics.
	Metrics string

	// Logger is the parent's, and with InProcess everybody's. It is warned of
	// every death and restart of a process. Nil discards.
	Logger *slog.Logger
	// LogLevel is what children log to their standard error. Nil means slog.LevelWarn.
	LogLevel slog.Leveler
	// Stderr gets the children's standard error, line by line with the name of
	// the process in front, and the addresses of Pprof and Metrics. It is written to by one
	// goroutine at a time. Nil means os.Stderr. Their standard output is that of this process.
	Stderr io.Writer

	// OnSample is called with a fresh sample every SampleEvery (zero means
	// DefaultSampleEvery), by one goroutine, never after Wait has returned. It
	// must not call Wait. Samples are taken without it too.
	OnSample    func(*Sample)
	SampleEvery time.Duration

	// pickPorts is freePorts, unless a test wants others.
	pickPorts func(ctx context.Context, n int) ([]string, error)
}

// Validate returns everything that is wrong with o, joined; nil if nothing is.
func (o Options) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("local: "+format, args...))
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"Containers", o.Containers},
		{"TasksPerProcess", o.TasksPerProcess},
		{"HighMark", o.HighMark},
		{"LowMark", o.LowMark},
		{"HardMark", o.HardMark},
		{"Window", o.Window},
		{"MinBatch", o.MinBatch},
		{"MaxBatch", o.MaxBatch},
		{"InstanceProcs", o.InstanceProcs},
		{"ManagerProcs", o.ManagerProcs},
	} {
		if n.value < 0 {
			fault("%s is %d and must not be negative; 0 means the default", n.name, n.value)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Duration", o.Duration},
		{"MaxAge", o.MaxAge},
		{"StartTimeout", o.StartTimeout},
		{"DrainTimeout", o.DrainTimeout},
		{"StopTimeout", o.StopTimeout},
		{"SampleEvery", o.SampleEvery},
		{"RestartWindow", o.RestartWindow},
	} {
		if d.value < 0 {
			fault("%s is %v and must not be negative; 0 means the default", d.name, d.value)
		}
	}
	if o.Containers > topology.MaxTasks {
		fault("Containers is %d, allowed are %d", o.Containers, topology.MaxTasks)
	}
	if o.Mode != "" {
		if _, err := dataplane.ParseMode(o.Mode); err != nil {
			fault("Mode %q: %w", o.Mode, err)
		}
	}
	for _, a := range []struct{ name, address string }{{"Pprof", o.Pprof}, {"Metrics", o.Metrics}} {
		if a.address == "" {
			continue
		}
		if _, err := endpoint.ParseAddress(a.address); err != nil {
			fault("%s: %w", a.name, err)
		}
	}
	return errors.Join(faults...)
}

// OrNever turns a zero that a user has given, which means never, into the
// negative value that means so in MaxRestarts and HangTimeout.
func OrNever[T int | time.Duration](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

// mostRetrying is how long the default of DrainTimeout waits for retries.
const mostRetrying = 10 * time.Minute

// drainTimeout is the default of DrainTimeout.
func drainTimeout(d topology.Delivery) time.Duration {
	if !d.Tracked() {
		return DefaultDrainTimeout
	}
	return DefaultDrainTimeout + d.MessageTimeout + min(time.Duration(d.MaxRetries)*d.MessageTimeout, mostRetrying)
}

// withDefaults fills in what is zero, for a topology of that delivery.
func (o Options) withDefaults(d topology.Delivery) Options {
	setDefault(&o.Containers, 1)
	setDefault(&o.TasksPerProcess, 1)
	setDefault(&o.Mode, DefaultMode)
	setDefault(&o.StartTimeout, DefaultStartTimeout)
	setDefault(&o.DrainTimeout, drainTimeout(d))
	setDefault(&o.StopTimeout, DefaultStopTimeout)
	setDefault(&o.SampleEvery, DefaultSampleEvery)
	setDefault(&o.MaxRestarts, DefaultMaxRestarts)
	setDefault(&o.RestartWindow, DefaultRestartWindow)
	setDefault(&o.HangTimeout, DefaultHangTimeout)
	for o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	if o.Args == nil {
		o.Args = os.Args[1:]
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.LogLevel == nil {
		o.LogLevel = slog.LevelWarn
	}
	if o.pickPorts == nil {
		o.pickPorts = freePorts
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	o.Stderr = &syncWriter{w: o.Stderr}
	return o
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}
