// Package bare is the limit that durable appends are held against: one goroutine that writes what waits and syncs once
// for all of it, in one file that was written with zeros before. It keeps a length and a checksum of each record, and
// nothing else; what it has written cannot be found again after a crash. It writes over its file from the front when it
// has come to the end.
package bare
