// Package segment is the files that hold the batches of a log: writing, reading, finding a place in them, and checking
// them. docs/log-segments.md describes the format.
//
// A file belongs to one log. A [Writer] puts batches into it one behind the other; when it is large enough, it is
// sealed: a sparse index and a footer follow the batches. A [File] reads it, sealed or not. [Check] explains every byte
// of a file without trusting any.
//
// Nothing here starts a goroutine, knows of other files, or remembers what is durable: the owner keeps the [Mark] of
// what was synced, gives it to [Append] after a crash, and reads an unsealed file no further than it was written.
package segment
