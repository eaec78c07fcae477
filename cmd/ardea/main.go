// Command ardea runs the built-in topologies, measures the engine, and shows
// what it can do:
//
//	ardea demo
//	ardea run wordcount --input FILE --output FILE --containers 2 --bolts 3
//	ardea bench run quick
//	ardea top wordcount
//	ardea profile wordcount --component count --top
//	ardea plan trending --bolts 4 --containers 2
//
// It exits with status 0 after a run or a drain, 1 after a run that failed, 2
// when it does not understand the command line, and 130 when a suite of
// measurements or the demo was interrupted and what it had measured is written.
// After a second interrupt it exits at once, with 128 and the signal's number.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ardea-stream/ardea/local"
)

func main() { os.Exit(mainStatus()) }

func mainStatus() int {
	ctx := context.Background()
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, width: local.TerminalWidth(os.Stderr)}
	if local.InChild() { // which leaves signals to its parent
		return a.execute(ctx, os.Args[1:])
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		sig := <-signals
		_, _ = fmt.Fprintln(os.Stderr, "ardea: stopping in order; interrupt once more to kill")
		cancel(fmt.Errorf("ended by a signal: %v", sig))
		os.Exit(statusSignal + int((<-signals).(syscall.Signal))) // the kernel kills the children with their parent
	}()
	return a.execute(ctx, os.Args[1:])
}

// statusSignal is the exit status of a program that a signal ended, less the signal's number.
const statusSignal = 128
