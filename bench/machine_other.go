//go:build !linux

package bench

// readSystem knows nothing here.
func (*Machine) readSystem() {}

// readProcessors knows nothing here.
func readProcessors() processors { return processors{} }

// contextSwitches knows nothing here.
func contextSwitches(int) (n switches, ok bool) { return switches{}, false }

// readsAndWrites knows nothing here.
func readsAndWrites([]int) map[int]uint64 { return nil }
