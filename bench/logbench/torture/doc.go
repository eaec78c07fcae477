// Package torture tests a durable log, package dlog, on the disk of whoever runs it: processes that append are killed at
// random moments, and bits of copies of the store are flipped.
//
// A killed process has said through a pipe what was acknowledged. After the kill the store is opened again and read as a
// whole: each acknowledged batch of level Disk or OS must be there, where it was acknowledged to be, and with its bytes;
// the records of each writer must come in order and without gaps; nothing may be there twice, or that nobody appended;
// and what was there after one kill must be there after the next. A flipped bit must be told, or make no difference.
//
// Killing a process does not empty the system's cache: what a power failure does, this does not test.
package torture
