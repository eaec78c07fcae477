package dataplane

// newForwarder returns the forwarder of a mode.
func newForwarder(lp *loop, m Mode) forwarder {
	if m.Optimized {
		return newOptimized(lp)
	}
	return newNaive(lp, m)
}
