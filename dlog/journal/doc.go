// Package journal is the shared journal of a disk: entries of any number of logs, one behind the other, in files that
// are synced once for all who wait.
//
// [Open] reads what is there, tells it to a function, and returns a [Journal]. [Journal.Append] adds an entry and calls
// back when it has reached the [Level] that was asked for. [Journal.Release] says what is no longer needed.
//
//	dir/00000007.journal   a file of the journal; the numbers leave no gap
//	dir/00000004.spare     released, waits to be recycled
//	dir/00000009.new       being made
//	dir/00000003.bad       released, but damaged: never touched again
//	dir/LOCK               held while the journal is open
//
// A file is a header of 512 bytes and records, each at a multiple of 8 (docs/log.md draws both, testdata/v1 pins them).
// Every file has a salt of its own, which goes into each record's checksum with the file's number and the record's
// offset, so that nothing verifies but what was written there since the file was last made or recycled. A record notes
// the position up to which all was synced when it was written. That tells what a power failure may have torn from what
// must be whole, and where an earlier file ended.
//
// # Threads
//
// Any number of goroutines append: they encode into the batch that gathers, under one lock. The writer (writer.go)
// takes the batch when it is done with the one before, writes it, syncs, and calls back, in the order of positions.
// There is no timer: what is appended to an idle journal is written at once. How
// many appenders share a sync is decided in rhythm.go. The keeper (keeper.go) makes the next file
// ahead and retires released ones. Both end with Close.
//
// # Ownership
//
// Append borrows the entry and its payload until it returns. The function given to Open borrows the entry likewise.
package journal
