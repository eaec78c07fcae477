// Package ardea runs stream topologies: spouts that emit tuples and bolts that
// process them, described with package topology.
//
// A program calls [Main] with its topology and is a command then, with flags, a
// progress line and an orderly end on Ctrl-C:
//
//	func main() {
//		b := topology.NewBuilder("wordcount")
//		b.Spout("lines", newLines, topology.Output("line"))
//		b.Bolt("split", newSplit, topology.Shuffle("lines"), topology.Output("word"))
//		b.Bolt("count", newCount, topology.Parallelism(4), topology.Fields("split", "word"))
//		t, err := b.Build()
//		if err != nil {
//			panic(err)
//		}
//		ardea.Main(t)
//	}
//
// [Run] is for programs that have flags of their own or want the result.
//
// Stream managers and tasks are processes of their own: the program is started
// again, with the same arguments, once for each of them. It has to come to
// Main or Run with the same topology each time, and should do nothing before
// that it would not like to see repeated. What it does after is done once:
// neither returns in such a child.
package ardea
