package local

import "context"

// WithPorts returns o with the addresses of stream managers chosen by pick.
func (o Options) WithPorts(pick func(ctx context.Context, n int) ([]string, error)) Options {
	o.pickPorts = pick
	return o
}

// FreePorts is what picks them otherwise.
var FreePorts = freePorts
