// Package instance runs one task of a topology: it holds the task's link to
// the stream manager of its container, calls the user's spout or bolt, and
// sends what they emit.
//
// [New] checks a [Config] and makes an [Instance]; [Instance.Run] connects,
// opens the user's object and works until the streams have ended or its
// context is done. [Instance.Drain] ends a spout's streams, and
// [Instance.Metrics] tells how the task is doing.
//
// One goroutine does everything of a task, the one that calls Run: it reads the
// socket, calls user code in the loop over the records of the receive buffer,
// and writes finished batches, each with one system call. There is no channel
// operation and no allocation per tuple or frame. A function registered with
// the context pokes the connection's deadlines when the task must stop. The
// goroutine carries the pprof labels task, component and stage (spout or bolt),
// which goroutines of user code inherit.
//
// A received tuple borrows the receive buffer until Execute returns. A batch
// belongs to the [topology.Collector] until it hands it to the task, which
// owns it from then and releases it once it is written.
//
// A task that may not send, because its stream manager has granted no more
// credit, takes no further input: inside Emit it goes on reading its socket,
// handles control frames at once, and keeps data frames in their order until
// the batch is gone. What it keeps is bounded by the stream manager's window.
package instance
