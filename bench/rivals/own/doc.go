// Package own is Ardea as a peer among the others: the adapter of bench/peers/README.md for its own topologies, each task in
// a process of its own. It counts in a plain Go map, as its rivals do, not in the table of package bench.
package own
