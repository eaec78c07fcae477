// Package metadata keeps the few facts that the log must know before it looks into any file: which logs there are, which
// files they are made of and how far those are durable, and how far subscribers have come. It stands on Pebble, and is
// the only package that knows of it.
//
// [Open] returns a [DB]. [DB.Update] changes any number of rows in one transaction that is atomic and synced: once it has
// returned nil, all of it is found again after a power failure; before that, all of it or nothing. The methods of [Tx] see
// what the transaction has already changed. All other methods of DB read what is committed.
//
// Numbers of logs and files come from [Tx.NextID] and [Tx.NextFile] and belong to the caller once Update has returned
// nil; no later transaction gets them again, whether the log or the file is deleted or not.
//
// # Threads
//
// All methods of DB may be called by any goroutine. One Update runs at a time, the others wait. A Tx is used by the
// function that it is given to, and not after that has returned.
//
// # Ownership
//
// Rows are values: nothing that is given or returned is shared.
package metadata
