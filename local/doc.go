// Package local runs a topology on this machine: it plans, starts the
// processes, watches them, and takes them down in order.
//
// [Start] re-executes the program it stands in, once per container as the
// stream manager and once per instance, and returns a [Cluster]. A program
// finds out by [InChild] that it is such a child and hands over to [RunChild].
// [Run] is Start and [Cluster.Wait].
//
// # Processes
//
// A child gets its orders in an environment variable and keeps two pipes to
// its parent: commands on descriptor 3, reports on descriptor 4, a JSON object
// per line. The end of the command pipe means that the parent is dead, and the
// child goes at once. On Linux the kernel kills it as well, so that neither a
// stopped nor a stuck child survives. A child that dies before its work is
// done, or is killed because it does not answer, is started again, with a pause
// and a budget, see [Options].MaxRestarts. When that is spent the run ends with a
// [*ProcessDiedError]: the others are told to stop and, after a grace, killed.
//
// The run directory (sockets, plan.pb, run.json, positions, a lock) is removed at the end. One that
// a killed parent left behind is removed by the next Start.
//
// # Profiles
//
// [Cluster.StartProfiles] makes all processes record CPU, memory and lock
// profiles or traces of themselves, [Cluster.StopProfiles] has them write the
// files. Package capture says what is in them. Another program of the same
// user finds the run with [Runs], which looks for run directories, and has
// profiles taken with [Running.Profile], over a Unix socket in that directory.
// With [Options].Pprof each process serves its profiles over HTTP.
//
// # Figures
//
// [Cluster.Sample] asks all processes for their figures, [Running.Sample] does
// so for a run of another program, and [Options].Metrics serves them over HTTP
// for Prometheus.
//
// # Ends
//
// A run ends when all tasks have ended, which a drain brings about: spouts stop,
// their streams end, bolts finish, and then the stream managers stop. Drain is
// asked for by [Cluster.Drain], by [Options].Duration, and by the end of the
// context that Start was given.
//
// # Threads
//
// One goroutine, the supervisor, owns everything about a cluster; readers of
// pipes and waiters for processes send it events, methods of Cluster send it
// calls. Children are started from one locked thread, because Linux ties the
// death signal to the thread. All of them have ended when Wait returns.
package local
