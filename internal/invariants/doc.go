// Package invariants holds checks that exist only in checked builds: those with the build tag invariants, and those
// with the race detector. In every other build its functions are empty, its types have no size, and Enabled is a false
// constant, so that the compiler drops whatever stands behind `if invariants.Enabled`.
//
// A check is for our own bugs: a condition that no input, no peer and no failing disk can break. What the outside can
// break is an error, not a check.
//
// Use it so:
//
//	invariants.Check(head <= tail, "ring: head %d is past tail %d", head, tail)
//
//	if invariants.Enabled {        // when the condition itself costs something
//		invariants.Check(b.sum() == b.want, "batch: length is off")
//	}
//
// Arguments of Check are evaluated in every build. Where they call something, or where the call stands in a loop that
// runs once per tuple, put it behind Enabled.
package invariants
