// Package disktest is a file system in memory that behaves as badly as a real one may. It is for tests.
//
//   - [FS.Crash] returns what a power failure at this moment could leave: what was synced, and of the rest, by a seed,
//     all, nothing, or any part in any order, writes torn between sectors, names of files included.
//   - [FS.Fail] makes the k-th call of a kind fail, once or from then on, and writes stop half-way.
//   - [FS.SetLimit] is a disk of that size: beyond it writes fail with ENOSPC.
//   - A failed SyncData drops what it should have saved, as Linux does, though it can still be read: only a crash shows
//     that it is gone.
//   - A failed SyncAll does so with every file of its folder, and can keep its error to itself: File.Failed tells.
//   - [FS.After] is called after every operation, the place to take crashes from or to look at the order of things.
//
// The model does not know of permissions or links, and folders are never removed or renamed.
package disktest
