// Package topology is what a user of Ardea programs against: spouts and bolts,
// the [Builder] that joins them to a [Topology], the [Tuple] that a bolt
// receives and the [Collector] that both emit with.
//
//	b := topology.NewBuilder("wordcount")
//	b.Spout("lines", newLines, topology.Output("line"))
//	b.Bolt("split", newSplit, topology.Shuffle("lines"), topology.Output("word"))
//	b.Bolt("count", newCount, topology.Parallelism(4), topology.Fields("split", "word"))
//	t, err := b.Build()
//
// A task calls its spout or bolt from one goroutine; nothing of a task needs a
// lock. A Tuple borrows the receive buffer and is valid until Execute returns.
package topology
