// Package dataplane is the stream manager: the process of a container that
// takes frames from its tasks and from other stream managers and forwards them
// to the tasks they are for.
//
// A [Manager] runs one event loop (gnet). Everything a link or a destination
// holds belongs to that loop and is touched by no other goroutine; there are
// no locks. Other goroutines (dialling, the clock, [Manager.Metrics]) post
// functions to the loop.
//
// # What happens to a data frame
//
//	read     the loop reads what the socket has, up to 256 KiB, into one buffer
//	split    whole frames are handled where they lie; the tail of the read is
//	         moved to a pooled buffer and completed by the next read
//	check    epoch, source, stream, credit, and that the body is a chain of
//	         as many records as the header counts
//	route    a frame for one task goes on as it is, its destination written
//	         into the header; neighbours for the same task share one write.
//	         For fields grouping over several tasks each record's bytes are
//	         appended to the destination's batch: one copy, no decoding
//	write    whole frames are written in the same turn out of the receive
//	         buffer. Batches are written when full, or when the loop has
//	         handled everything that was ready: one flush is posted per turn
//	queue    what a task has no window for is copied once to its queue
//
// The loop's goroutine carries the pprof labels component=stream-manager,
// stage=route and container; those beside it have the stages accept, clock and dial.
//
// The obvious design, to decode each batch into objects, is here as well: see
// [Mode]. It exists to be measured against. So that each of the steps above can
// be measured, each can be turned off: see [Switches].
//
// # Acks and losses
//
// Acks and failures go to the spout's task at once, by the way that data takes.
// Where tuples are tracked, whatever takes bytes of them makes a lost frame to
// the spouts that may miss them: lost.go says why none is forgotten.
//
// # Back-pressure
//
// A destination whose queue passes a mark is announced to every stream
// manager. Past the high mark the spouts that can reach it are clamped; past
// the hard mark the tasks that feed it get no further credit. Both end when
// the queue falls to the low mark and the high mark. Control frames pass at once.
package dataplane
