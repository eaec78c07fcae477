// Package pool hands out byte buffers of a few sizes and takes them back.
//
// A [Buf] has one owner, or several that share it by reference count. Three
// words are used for every function in Ardea that takes or returns bytes:
//
//   - owns: the receiver must release it, exactly once
//   - borrows: the receiver may read it until the call returns
//   - shares: the receiver holds one counted reference and releases that
//
// A [Ring] is a queue of bytes in such buffers, for what a socket has not taken yet.
//
// [Get] and [Buf.Release] may be called from any goroutine; the bytes of a Buf
// belong to whoever holds it. Builds with the tag invariants (or -race) write
// over released buffers, panic on a second release, and count what is
// outstanding, see [Outstanding].
package pool
