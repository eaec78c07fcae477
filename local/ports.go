package local

import (
	"context"
	"fmt"
	"net"
)

// portTries is how often a start picks ports. Between the picking and the
// stream manager's binding anybody may take one.
const portTries = 3

// freePorts returns n different addresses of this machine that were free just now.
func freePorts(ctx context.Context, n int) (addresses []string, err error) {
	var config net.ListenConfig
	for range n {
		l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("free port: %w", err)
		}
		defer func() { _ = l.Close() }() // only after all are picked, so that they differ
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
