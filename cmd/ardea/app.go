package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/matrix"
	"github.com/ardea-stream/ardea/local"
)

// Exit statuses.
const (
	statusOK    = 0
	statusError = 1
	statusUsage = 2
	// A suite or the demo was interrupted, and what it had measured is written. As shells say it of SIGINT.
	statusInterrupted = 130
)

// errInterrupted is what the error of a demo wraps that was interrupted before
// it measured; a suite's wraps matrix.ErrInterrupted.
var errInterrupted = errors.New("interrupted")

// app is what commands share.
type app struct {
	stdin          io.Reader // nil is an empty one
	stdout, stderr io.Writer
	width          func() int // of the terminal that stderr is; nil if it is none
	running        bool       // the command line was understood, and the command has begun
}

// usageError is a fault of the command line or of what it names.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef returns a *usageError. It should say what to do.
func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// endError has the program end with a status; what there was to say has been said.
type endError struct{ status int }

func (e *endError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// execute runs the command that args name and returns the exit status.
func (a *app) execute(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return statusOK
	}
	if status, is := errors.AsType[*endError](err); is {
		return status.status
	}
	var usage *usageError
	if !a.running || errors.As(err, &usage) {
		_, _ = fmt.Fprintf(a.stderr, "%s: %v\nRun '%s --help' for what is possible.\n", cmd.CommandPath(), err, cmd.CommandPath())
		return statusUsage
	}
	if !local.InChild() || !errors.Is(err, local.ErrParentGone) {
		_, _ = fmt.Fprintf(a.stderr, "%s: %v\n", cmd.CommandPath(), err)
	}
	if errors.Is(err, matrix.ErrInterrupted) || errors.Is(err, errInterrupted) {
		return statusInterrupted
	}
	if with, is := errors.AsType[*statusErr](err); is {
		return with.status
	}
	return statusError
}

// statusErr is an error with an exit status of its own.
type statusErr struct {
	error

	status int
}

func (e *statusErr) Unwrap() error { return e.error }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "ardea",
		Short: "A real-time stream engine",
		Long: `Ardea runs topologies of spouts and bolts as processes of this machine. Their
tuples travel as serialized bytes through stream managers, one per container.`,
		Example: `  ardea demo
  ardea run wordcount --input book.txt --output counts.txt --containers 2 --bolts 3
  ardea bench run quick`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          a.help,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddCommand(a.demoCommand(), a.runCommand(), a.benchCommand(), a.planCommand(), a.profileCommand(), a.topCommand(), a.logCommand(), a.childCommand())
	root.AddCommand(a.peerCommand(), a.peerChildCommand())
	return root
}

// help is what a command does that only has others below it.
func (a *app) help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// begin wraps the body of a command: what it returns is about the run from now
// on, unless it is a *usageError.
func (a *app) begin(body func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.running = true
		if err := checkNames(cmd.Flags()); err != nil {
			return err
		}
		return body(cmd, args)
	}
}

// version tells of the program what the build left in it.
func version() string {
	m := bench.ThisMachine()
	if m.Commit == "" {
		m.Commit = "unknown"
	}
	pgo := ""
	if builtWithProfile() {
		pgo = ", optimized with a profile"
	}
	return fmt.Sprintf("development version, commit %s, %s %s/%s%s", m.Commit, m.Go, m.OS, m.Arch, pgo)
}
