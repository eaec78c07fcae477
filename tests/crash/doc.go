// Package crash tests that at-least-once topologies lose nothing, whatever dies:
// instances and stream managers that are killed, processes that are frozen and
// come back, links that break in every way, tuples that panic, bolts that are slow.
//
// Every run makes its tuples of numbers and keeps, in files that processes write
// by themselves, which numbers the spouts were told of and which the leaves have
// taken, written before they ack. A checker that knows nothing of the engine
// compares the two. Plants are bugs that the suite must find.
//
//	go test ./tests/crash                              a slice
//	go test ./tests/crash -run TestKills -seed 17      one of them again, as far as the machine lets it
//	make crash                                         everything: 1,300 kills, all bounds
package crash
