// Package randomwords is the word count that Heron published its figures for:
// spouts draw words at random from a dictionary of about 175,000, bolts count
// them, grouped by word. Nothing is read and nothing is written, so that what
// is seen is the engine. The harness measures a workload of this shape; this is
// the program a user would write.
//
// Every spout task publishes what it has sent and every count task what it has
// counted, both as [Tally]; the sums agree when the topology has ended.
package randomwords
