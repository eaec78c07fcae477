// Package capture records the profiles of the calling process and writes them
// to files. Package local has every process of a run do so.
//
// [Start] begins a [Recording] of some [Kind]s and [Recording.Stop] ends it,
// leaving one file a kind. All kinds but the snapshots (heap, goroutine) are of
// the time between the two: what the runtime counts from the start of the
// process is taken at both ends and subtracted.
//
// [Serve] serves the same over HTTP, where a program asks for it.
//
// The runtime's profilers are one to a process, so there is one recording at a
// time, and none while the program's own code records a CPU profile or a trace.
// Lock profiling costs something even when nobody looks, so the rates for mutex
// and block are set while such a recording lasts and put back after it.
package capture
