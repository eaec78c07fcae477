// Package bench measures the engine: how many tuples it moves, what they cost,
// and how long they take.
//
//   - [MeasureThroughput] runs a workload, see [Workloads], in several forwarding
//     modes, interleaved, beside the limits that hand-written loops set.
//   - [MeasureFixed] sends at fixed rates and takes the time from the moment a
//     tuple should have been sent, to its execution and to its ack;
//     [MeasureCurve] raises the rate.
//   - [MeasureAblation] turns optimizations off and on.
//
// All but the ablation compare guarantees as well, see [Guarantee] and [Variant].
// They return a [Section] of a [Suite]. [Compare], [MeasureLatency] and
// [MeasureLimits] do the same for one command and return a [Report], which
// prints itself as a table and as JSON; [MeasureOverhead] measures the measuring.
//
// # What is measured
//
// A run starts a cluster, waits until its throughput is steady, takes the
// difference of two samples of all processes, then counts system calls in a
// window of its own, because that costs a little, and drains. Work is charged
// to all processes together, the launcher included: the unit of cost is tuples
// per CPU-second. Every run checks itself: the number and a checksum of what
// the spouts drew must be those of what the bolts counted, and numbered tuples
// must come in order. Where tuples are tracked, each must have been acked, once.
//
// Engine and loops draw with the same [Picker] and count with the same
// [Counter]. Figures of several runs become a median with a bootstrap interval
// and p-values; what intervals do not support is not claimed. A run during which
// the host took more than 2 % of the processors' time, or other programs more
// than 5 %, is marked as noisy. A latency run with a late pacer, or at a rate
// that was not reached, is rejected: it stays in the results with the reason.
//
// # Threads
//
// The functions above may not run at the same time as each other: they would
// measure each other. Children of a run are this program, re-executed with the
// arguments that [Config].ChildArgs returns; they must build [Spec.Topology]
// and call local.RunChild.
package bench
