// Command logpipe joins two topologies by a durable log, and kills parts of both.
//
//	go run ./examples/logpipe
//
// The first topology makes numbered words and has them appended to a log: its stream is durable. The second one reads the
// log and notes what it gets in files. Each runs in processes of its own. In the middle this program kills the stream
// manager of the first one, which serves the log, and then the whole second one, which it starts again: that goes on at
// the position that its subscription has in the log. When the first one has ended this program serves the log itself, and
// seals it, so that the second one ends too.
//
// At the end it prints how many words were emitted, how many are in the log, how many were read, how many of them are
// different, and how many are missing: none. Some come twice, since tuples are delivered at least once.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/ardea-stream/ardea"
)

const (
	envRole = "LOGPIPE_ROLE" // what a process plays: writer, reader, or nothing
	envDir  = "LOGPIPE_DIR"  // the folder of all
	envN    = "LOGPIPE_WORDS"

	roleWriter = "writer"
	roleReader = "reader"
)

func main() {
	if err := run(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "logpipe:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if os.Getenv(envRole) != "" {
		return play(ctx)
	}
	n := flag.Int("words", 40_000, "have `N` words go through the log")
	flag.Parse()
	dir, err := os.MkdirTemp("", "logpipe-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	c, err := conduct(ctx, dir, *n)
	if err == nil {
		_, err = fmt.Println(c)
	}
	return err
}

// play runs one of the topologies, or is one of its processes.
func play(ctx context.Context) error {
	t, o, err := topologyOf(os.Getenv(envRole))
	if err != nil {
		return err
	}
	res, err := ardea.Run(ctx, t, o)
	if err != nil {
		return err
	}
	_, err = fmt.Println(res.Sample.Totals().Emitted)
	return err
}
