package page

// glossary explains the words of a report.
var glossary = []fact{
	{"tuple", "One record that a spout emits and a bolt executes: here mostly a word."},
	{"tuples/CPU-s", "Tuples for each second of processor time, user and system, of all processes together. It says what a tuple costs, however many processors there are."},
	{"95 % interval", "A bootstrap interval of the median: where the median would lie in 95 of 100 repetitions of the measurement under the same conditions. Of up to 5 runs it reaches from the lowest to the highest and is somewhat too short: it holds the median in 88 of 100 for 4 runs, in 94 for 5. With fewer than 4 nothing is called faster."},
	{"faster, slower", "Said only where two intervals do not overlap. Everything else is unclear."},
	{"p", "How likely a difference of this size would be by chance if there were none, by the Mann-Whitney U test."},
	{"limit", "A program without an engine on the same words and machine: a loop, two goroutines with a channel, three processes with sockets."},
	{"fused loop", "One goroutine that draws a word and counts it. The engine must move the same word through several processes."},
	{"COST", "The engine's throughput over the fused loop's: what the configuration has to outperform a single thread."},
	{"naive", "The forwarding that a competent first version would have: decode every batch, clone, encode again. The same bytes and the same tasks at both ends."},
	{"heron2017", "The naive mode with the three optimizations that were published of Heron: pooled objects, changes in place, lazy decoding."},
	{"optimized", "Forwarding of serialized frames and records as they are."},
	{"acks", "Behind a mode: the topology is at-least-once. Each tuple of a spout is tracked until all that descends from it is acked, and the spout is told."},
	{"complete latency", "From the instant a tuple was due to the ack of all that descends from it, as its spout is told. Other latencies end in the bolt."},
	{"open loop", "Tuples are due at fixed times, and latency counts from there. A stall makes all tuples late that were due meanwhile."},
	{"closed loop", "Latency from the moment a tuple was really sent. A stall delays the sending as well and almost vanishes from the figures."},
	{"pacer", "The thread that releases tuples when they are due. Runs in which it was late itself are rejected."},
	{"knee", "The rate beyond which latency rises faster than load."},
	{"noisy", "A run during which the host took more than 2 % of the processors' time, or other programs more than 5 %."},
	{"flame graph", "Call paths of sampled CPU time. The width of a frame is its time with all that it calls."},
	{"interaction", "By how much a switch gains more when the others are on than it does on average; 1 means that they are independent."},
}
