package ardea

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// Exit statuses of Main.
const (
	statusOK    = 0
	statusError = 1
	statusUsage = 2
)

// settings is a parsed command line.
type settings struct {
	options Options
	json    string // path of the file for the result, empty for none
}

// command is Main without the exit: it runs t as args say, args[0] being the
// program's name, and returns the exit status.
func command(ctx context.Context, t *topology.Topology, args []string, stderr *os.File) int {
	say := func(format string, a ...any) { _, _ = fmt.Fprintf(stderr, format+"\n", a...) }
	program := filepath.Base(args[0])
	set, err := parse(program, t.Name, args[1:], stderr)
	if errors.Is(err, flag.ErrHelp) {
		return statusOK
	}
	if err != nil {
		say("%s: %v\nRun '%s --help' for the flags.", program, err, program)
		return statusUsage
	}
	report, err := openReport(set.json)
	if err != nil {
		say("%s: --json %s: %v: name a file that can be written", program, set.json, errors.Unwrap(err))
		return statusUsage
	}
	progress := local.NewProgress(stderr, t.Name, local.TerminalWidth(stderr))
	set.options.Stderr = progress
	set.options.Logger = slog.New(slog.NewTextHandler(progress, &slog.HandlerOptions{Level: set.options.LogLevel}))
	set.options.OnSample = progress.Show
	res, err := runUntilSignal(ctx, t, set.options, progress)
	if res != nil {
		progress.Summary(res)
	}
	if err = errors.Join(err, report.write(res)); err != nil {
		say("%s: %v", program, err)
		return statusError
	}
	return statusOK
}

// parse reads the command line. It writes the help to stderr and returns flag.ErrHelp if that is asked for.
func parse(program, topologyName string, args []string, stderr io.Writer) (settings, error) {
	var s settings
	o := &s.options
	level := slog.LevelWarn
	f := flag.NewFlagSet(program, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.IntVar(&o.Containers, "containers", 1, "run `N` stream managers, the tasks dealt to them in turn")
	f.IntVar(&o.TasksPerProcess, "tasks-per-process", 1, "let up to `N` tasks share a process")
	f.BoolVar(&o.InProcess, "in-process", false, "run everything in this process, for debugging")
	f.StringVar(&o.Mode, "mode", local.DefaultMode, "forward tuples in `MODE`: "+strings.Join(dataplane.Modes, ", "))
	f.DurationVar(&o.Duration, "duration", 0, "drain after `TIME`, such as 10s or 5m (0: when the streams end)")
	f.IntVar(&o.MaxRestarts, "max-restarts", local.DefaultMaxRestarts, "start a process that dies again up to `N` times a minute; 0: a death ends the run")
	f.DurationVar(&o.HangTimeout, "hang-timeout", local.DefaultHangTimeout, "kill a process, and so start it again, that does not answer for `TIME` (0: never)")
	f.StringVar(&o.LogDir, "log-dir", "", "keep the logs of durable streams in `DIR`")
	f.StringVar(&o.Pprof, "pprof", "", "serve the profiles of all processes at `ADDR`, such as :6060 and the ports behind it or :0 for any, on this machine only unless a host is named")
	f.StringVar(&o.Metrics, "metrics", "", "serve the figures of the run for Prometheus at http://`ADDR`/metrics, such as :9090 or :0 for any port, on this machine only unless a host is named")
	f.StringVar(&s.json, "json", "", "write the result as JSON to `FILE`")
	f.TextVar(&level, "log-level", level, "log at `LEVEL`: debug, info, warn, error")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			help(f, program, topologyName, stderr)
		}
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("argument %q is not a flag: flags begin with --, and values come behind them", f.Arg(0))
	}
	o.LogLevel = level
	if o.MaxRestarts < 0 || o.HangTimeout < 0 {
		return s, errors.New("--max-restarts and --hang-timeout must not be negative; 0 turns them off")
	}
	o.MaxRestarts, o.HangTimeout = local.OrNever(o.MaxRestarts), local.OrNever(o.HangTimeout)
	if o.Containers < 1 || o.TasksPerProcess < 1 {
		return s, errors.New("--containers and --tasks-per-process must be at least 1")
	}
	return s, o.Validate()
}

func help(f *flag.FlagSet, program, topologyName string, w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s runs the topology %s on this machine until its streams end or Ctrl-C drains it.\n\nUsage: %s [flags]\n\n", program, topologyName, program)
	f.VisitAll(func(fl *flag.Flag) {
		value, usage := flag.UnquoteUsage(fl)
		_, _ = fmt.Fprintf(w, "  %-26s %s", strings.TrimRight("--"+fl.Name+" "+value, " "), usage)
		if fl.DefValue != "" && fl.DefValue != "0s" && fl.DefValue != "false" {
			_, _ = fmt.Fprintf(w, " (default %s)", strings.ToLower(fl.DefValue))
		}
		_, _ = fmt.Fprintln(w)
	})
}

// runUntilSignal runs t. The first signal drains it, the second kills it.
func runUntilSignal(ctx context.Context, t *topology.Topology, o Options, out io.Writer) (*Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	kill := make(chan struct{})
	over := make(chan struct{})
	defer close(over)
	go func() {
		for second := false; ; second = true {
			select {
			case <-over:
				return
			case sig := <-signals:
				if second {
					close(kill)
					return
				}
				_, _ = fmt.Fprintf(out, "%v: draining; once more to kill\n", sig)
				cancel(fmt.Errorf("ended by a signal before it was up: %v", sig))
			}
		}
	}()
	c, err := local.Start(ctx, t, o)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
			err = cause // without the story of the start
		}
		return nil, err
	}
	go func() {
		select {
		case <-over:
		case <-kill:
			c.Kill()
		}
	}()
	return c.Wait()
}

// report is the file for the result. The zero report is none.
type report struct{ f *os.File }

// openReport makes the file before the run, so that a bad path costs nothing.
func openReport(path string) (report, error) {
	if path == "" {
		return report{}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return report{}, err
	}
	return report{f: f}, nil
}

// write writes the result, if there is one, and closes the file.
func (r report) write(res *Result) error {
	if r.f == nil {
		return nil
	}
	if res == nil {
		return r.f.Close()
	}
	enc := json.NewEncoder(r.f)
	enc.SetIndent("", "  ")
	return errors.Join(enc.Encode(res), r.f.Close())
}
