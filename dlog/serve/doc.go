// Package serve lets other processes use a store that one process has open: over a Unix socket in the store's folder.
//
// The process that has the store open calls [Listen]; [Server.Close] comes before the store's. Others call [Dial] and get
// a [Client], with the logs, [Stream] to read them, [Writer] to append, and subscriptions. All of them fail with the errors
// of package dlog, so that errors.Is and errors.As tell what happened, and with [ErrGone] when the connection has ended:
// nothing connects again by itself. docs/log-serve.md tells how to run it, and describes the protocol.
//
// # Threads
//
// Each end of a connection has a goroutine that reads and one that writes; the server has one more for each stream. What
// is to be sent goes into one buffer, which the writing goroutine sends at once: many small frames are one system call.
//
// # Memory
//
// A server holds for a connection a buffer of 256 KiB and one frame, whatever the client does: who wants to send more
// waits until the client has read, and a stream reads on only while the client has given it credit. So a slow client
// holds up its own connection, and nobody else. A batch may be as large as the store takes; its length is checked before
// memory is taken for it. A client holds for a stream its window and one batch.
//
// # Ownership
//
// Append copies a body. Records that a stream returns are borrowed until its next call; Retain shares their memory.
package serve
