// Package disk is the little that the log asks of a file system, as an interface: [FS] and [File].
//
// [OS] is the real one. Package disktest holds a model in memory that knows what was synced, loses the rest when told
// to, and fails on demand, so that every promise of the log can be tested against power loss and I/O errors.
//
// What the methods promise after a power failure is part of the interface. A file's bytes are safe when SyncData has
// returned nil after they were written. A name is safe when SyncDir of its folder has returned nil after it was made,
// changed or removed. Nothing else is: writes may be lost, arrive in any order, or be torn between sectors of
// [Sector] bytes.
//
// A failed SyncData says that what was written since the last good one may be lost for ever. Linux forgets it: a second
// SyncData of the same file may return nil without having saved anything. So it must never be tried again.
//
// An FS may be used by several goroutines, and so may a File, as long as they do not write to the same range.
package disk
