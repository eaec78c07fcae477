// Package pipe joins topologies by durable logs: a spout that reads a log, and a bolt that appends to one.
//
// Both are clients of the process that has the store open, by package serve: a stream manager whose streams are durable,
// or any other program. That process may die and come back: spout and bolt connect again and go on where they were.
//
//	store's process ---serve---> goroutine of a log ---queue---> Next ---EmitID---> bolts
//	      ^                                                                           |
//	      +------Commit, each second or 1,000 records------ Ack: all below is done <--+
//
// # Position
//
// The spout commits as the position of its subscription the offset below which every tuple is acked, or given up, never
// more. So another run of the topology goes on there, also when this one was killed as a whole; what was acked behind the
// position is emitted again then. A task that is started again within a run goes on where the engine's position is, if it
// reads one log; if it reads several, at the subscriptions.
//
// # Threads
//
// A spout has a goroutine for each log that it reads and one that commits, a bolt has one. Methods of both are called by
// the task's goroutine. None of the spout's blocks, but for Close, which commits.
//
// # Memory
//
// A spout keeps the batches of which records are under way, so that Replay never has to ask anybody: up to
// Source.PendingBytes and one batch, beside a short queue. A bolt keeps what is not durable: up to 64 batches.
package pipe
