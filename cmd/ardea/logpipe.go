package main

import (
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// errOutputGone says that nobody reads the output any more, as in ardea log cat DIR LOG | head.
var errOutputGone = errors.New("nobody reads the output any more")

// toPipe lets a command end in order, with its store closed, when whoever reads its output has gone: that is no error.
func (a *app) toPipe(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		signal.Ignore(syscall.SIGPIPE) // it would end the process at once
		defer signal.Reset(syscall.SIGPIPE)
		out := a.stdout
		a.stdout = outlet{out}
		defer func() { a.stdout = out }()
		err := run(cmd, args)
		if isOutputGone(err) {
			return nil
		}
		return err
	}
}

// outlet tells the end of a pipe from other errors of writing.
type outlet struct{ w io.Writer }

// Write writes.
func (o outlet) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		err = fmt.Errorf("%w: %w", errOutputGone, err)
	}
	return n, err
}

// isOutputGone says whether nothing else has gone wrong.
func isOutputGone(err error) bool {
	if err == nil || !errors.Is(err, errOutputGone) {
		return false
	}
	if one, is := err.(interface{ Unwrap() error }); is {
		return isOutputGone(one.Unwrap())
	}
	if all, is := err.(interface{ Unwrap() []error }); is {
		for _, part := range all.Unwrap() {
			if !errors.Is(part, syscall.EPIPE) && !isOutputGone(part) {
				return false
			}
		}
	}
	return true
}
