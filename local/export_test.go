package local

import "context"

// WithPorts returns o with the addresses of stream managers chosen by pick.
func (o Options) WithPorts(pick func(ctx context.Context, n int) ([]string, error)) Options {
	o.pickPorts = pick
	return o
}

// FreePorts is what picks them otherwise.
var FreePorts = freePorts

// StartProfilesOf is StartProfiles for some processes.
func (c *Cluster) StartProfilesOf(ctx context.Context, kinds []ProfileKind, which func(*Process) bool) error {
	return c.startProfiles(ctx, kinds, which)
}
