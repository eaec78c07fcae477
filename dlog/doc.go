// Package dlog is a durable log, or many of them: named sequences of records that are appended at the end and read from
// any place, on one disk.
//
// [Open] opens a [Store]. [Store.Create] makes a [Log], [Log.OpenWriter] makes the caller the one who appends to it,
// [Writer.Append] appends a [Batch], [Log.NewReader] reads. docs/log.md is the guide.
//
//	dir/STORE, dir/LOCK    what the store is and who has it open: package identity
//	dir/journal/           what was appended last, of all logs: package journal
//	dir/segments/          the records of each log in files of its own: package segment
//	dir/meta/              which logs and files there are: package metadata
//
// # How a batch becomes durable
//
// Append copies the batch into the window, which is memory that all logs share, and hands it to the journal, which syncs
// the batches of all logs at once. Readers at the end of a log read from the window. What is durable in the journal is
// written to segment files when the window is half full, and synced there by a checkpoint, which then lets the journal
// go. So at any time:
//
//   - What is in no segment file is in the window.
//   - What is in no segment file that was synced, and noted in the database as such, is in the journal.
//   - Only what is durable in the journal is written to segment files: what the journal could not take never gets there.
//
// After a crash what the segment files hold behind what the database says does not count, and the journal gives the rest.
//
// # Threads
//
// Appends run on the goroutines of their callers, and wait only while the window or the journal is full. A store has one
// goroutine of its own, the flusher (store.go), beside the two of the journal and those of the database; logs, writers
// and readers have none. Close ends all.
//
// # Ownership
//
// Append borrows a batch until it returns, AppendShared shares a counted buffer for as long as the window holds it.
// Records that a reader returns are borrowed until its next call; Retain shares the memory that they stand in.
package dlog
