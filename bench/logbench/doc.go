// Package logbench measures the durable log, package dlog: each figure beside its limit, which is measured in the same
// minutes on the same disk, in turn with it. Every run reads back what it has written, and fails with a CheckError if
// that is not what was acknowledged. docs/log-bench.md says what the figures mean.
//
// Run measures; a Report holds what it has found, for people (WriteTable) and programs (WriteJSON). Some figures need a
// process to kill: that is this program again, which then calls Victim.
package logbench
