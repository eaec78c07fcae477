// Command gopeers is the adapter for the peers in Go of ardea bench peers: plain channels, batches, samber/ro and NATS. The
// contract is in bench/peers/README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == natsServerName {
		if err := serveNATS(ctx, os.Args[2:], os.Stdin, os.Stdout); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "gopeers: nats-server:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(adapter.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, peers()))
}
