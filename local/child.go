package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

// lastResort is how long a process whose parent is gone may take to end before it kills itself.
const lastResort = 2 * time.Second

// childOrders is what this process was started for, empty if it is no child.
// The variable is taken out of the environment so that programs that user code
// starts are no children of the run.
var childOrders = sync.OnceValue(func() string {
	s := os.Getenv(envChild)
	_ = os.Unsetenv(envChild)
	return s
})

// A terminal sends its interrupt to the children as well, and what ends a
// service or a command that took too long its terminate signal. They must not
// heed either, from the first moment on: the parent drains them.
func init() {
	if InChild() {
		signal.Ignore(os.Interrupt, syscall.SIGHUP, syscall.SIGTERM)
	}
}

// InChild reports whether Start made this process, so that it has to call RunChild.
func InChild() bool { return childOrders() != "" }

// RunChild plays the part that this process was started for, with a topology
// equal to that of its parent, until the work is done or the parent says stop,
// then returns nil. An error has been reported to the parent, except
// ErrParentGone and one about the orders themselves. Goroutines of user code
// may still run: the program has to exit then.
func RunChild(ctx context.Context, t *topology.Topology) error {
	var o orders
	if err := json.Unmarshal([]byte(childOrders()), &o); err != nil {
		return fmt.Errorf("local: orders in %s: %w", envChild, err)
	}
	h := &host{
		orders: o, topology: t, usage: ownUsage,
		logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(o.LogLevel)})),
	}
	err := h.serve(ctx, inherited(fdCommands, "commands"), inherited(fdReports, "reports"))
	if errors.Is(err, ErrParentGone) {
		time.AfterFunc(lastResort, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	}
	return err
}

// inherited returns a pipe of the parent's. User code's own children must not
// get it: it would seem to live as long as they do.
func inherited(fd int, name string) *os.File {
	syscall.CloseOnExec(fd)
	_ = syscall.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), name)
}
