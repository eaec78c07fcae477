// Package tracker knows what has become of the tuples of one spout task.
//
// A [Tracker] is a ring with a slot for every sequence number between the oldest
// tuple that is not complete and the newest. A slot holds a word: the exclusive
// or of the edges of all copies of tuples that descend from the spout's tuple
// and that no bolt has acked. An ack takes one edge away and adds those of what
// the bolt has emitted; a word of zero means that all is done. This is the
// algorithm of Storm's acker (Nathan Marz, 2011), with the tuple's number in the
// place of a random root id, so that no map is needed and nothing is allocated.
//
// False completion needs random edges whose exclusive or is zero by chance:
// 2^-64 for each ack. A word that cannot become zero because something was lost
// is found by its age.
//
// [Retries] holds what waits to be emitted again, and [Position] keeps, in a
// file, the ids below which everything is complete and below which everything was emitted.
//
// Nothing here starts a goroutine, and nothing may be used by several at once.
package tracker
