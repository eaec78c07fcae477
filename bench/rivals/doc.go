// Package rivals measures other systems beside Ardea on the same words and the same machine: it drives the adapters of
// bench/peers, whose contract is in the README there.
//
// One system runs at a time, and repeats are interleaved: A B C, A B C. A run is an adapter process and all that it starts.
// The driver listens to the adapter's lines, and when one tells how much was counted it reads the CPU time of all those
// processes. When throughput is steady it measures, has the system stopped in order, and draws the words once more to check
// every count.
//
// # Processes
//
// All processes of a run carry a mark in their environment, by which they are found, also when they have left the tree. At
// the end of a run whatever of them is left is killed.
package rivals
