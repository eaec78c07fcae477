package ardea

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

type (
	// Options says how a topology is run. Its zero value is a sensible default.
	Options = local.Options
	// Result is what is left of a run: figures, and what tasks published.
	Result = local.Result
	// Sample is the figures of a run at one moment.
	Sample = local.Sample
)

// Main runs a topology as the program's command line says and exits: with
// status 0 after the end of all streams or a drain, 1 after an error, 2 when
// the command line is wrong. The first interrupt (Ctrl-C) or SIGTERM drains the
// topology, a second one kills it. --help lists the flags. In a child process
// it plays the child's part.
//
// A program with flags of its own calls flag.Parse before: Main then takes the
// arguments that are left over, which on the command line stand behind a "--".
func Main(t *topology.Topology) {
	ctx := context.Background()
	if local.InChild() {
		os.Exit(runChild(ctx, t))
	}
	args := os.Args
	if flag.Parsed() {
		args = append(args[:1:1], flag.Args()...)
	}
	os.Exit(command(ctx, t, args, os.Stderr))
}

// Run runs a topology until all its streams have ended, or until ctx ends and
// it has been drained. The result is there with most errors too, see
// local.Cluster.Wait; it is nil if the topology could not be started. In a
// child process Run does not return: it plays the child's part and exits.
//
// Run leaves signals alone. A program that is interrupted without taking
// care of it dies, and its children with it.
func Run(ctx context.Context, t *topology.Topology, o Options) (*Result, error) {
	if local.InChild() {
		os.Exit(runChild(ctx, t))
	}
	return local.Run(ctx, t, o)
}

// runChild plays the child's part and returns the process's exit status.
func runChild(ctx context.Context, t *topology.Topology) int {
	err := local.RunChild(ctx, t)
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, local.ErrParentGone):
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
	return 1
}
