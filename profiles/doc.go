// Package profiles reads the pprof profiles of a run's processes and says where
// the time went.
//
// [ReadFile] reads the CPU profile of one process, and [Summarize] sorts the
// samples of some into categories. The categories add up to the whole, so a
// design's cost can be told in one bar and two designs compared part by part: a
// [Summary] holds that, with the costliest functions and a call tree for a flame
// graph. [Diff] compares two summaries, [Explain] says what to look at next.
//
// # Categories
//
// A rule file sorts samples; that of Ardea's own processes is rules.txt in this
// folder, whose head describes its form, and [LoadRules] reads those of users.
//
//   - User code is spouts and bolts, and every package that no rule knows.
//   - Encode makes bytes of values, decode makes values of bytes: Ardea's records
//     in tasks, protobuf objects in the stream managers of the older modes.
//   - Allocate takes memory from the heap or a pool and gives it back; garbage
//     collection is whatever the collector does, in its own goroutines or in those
//     that have to help it.
//   - Copy moves bytes as they are, and clones objects.
//   - Hash and route decides where tuples go: key hashes, routing tables, and what
//     the engine does for its frames, links, batches and credit.
//   - Ack is the account that at-least-once keeps.
//   - Socket read and socket write are the system calls that move data, the
//     kernel's work in them included.
//   - Scheduler puts goroutines and threads to sleep and wakes them. A process that
//     waits takes no time and has no samples.
//   - Timers reads the clock and serves timers. Metrics counts, logs, measures and
//     talks to the supervisor.
//   - Other is what no rule matches; [Summary.Check] wants less than 3 % of it.
//
// The time of a function that is everybody's, say of a map or a system call,
// counts for who called it. Time that the profiler's signal finds in the
// runtime's preemption of a goroutine counts for what was preempted.
//
// # Threads
//
// All functions may be called from several goroutines. Profiles and rules do not
// change once they are read. The package only reads: package local captures, and
// package bench decides what is captured when.
package profiles
