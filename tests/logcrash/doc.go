// Package logcrash tests that the durable log loses nothing that it has acknowledged, on real file systems: when an XFS
// file system is shut down under it, which drops all that was not synced as a power failure would, and when any single
// call to the system fails. The program that appends is the test itself, started again.
//
// Both tests print what they have done, and both have to find a planted bug: a program that does not sync, and one that
// does not notice that a write has failed. They skip where they cannot run: XFS takes root, mkfs.xfs and loop devices, the
// other takes strace.
//
//	go test ./tests/logcrash                                 a slice
//	go test ./tests/logcrash -args -cycles 3000 -calls 60    as make crash does it
package logcrash
