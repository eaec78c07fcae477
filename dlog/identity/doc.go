// Package identity tells the folder of a store from any other, and keeps a second process out of it.
//
//	dir/STORE      what the store is: version, number, when it was made; 64 bytes, never changed
//	dir/STORE.new  being made
//	dir/LOCK       locked while the store is open; holds the number of the process, as a hint
//
// [Create] makes a store in an empty folder, [Open] opens one. Both return a [Held]: who has it may use the folder, until
// it is closed. STORE is made under another name, synced and then renamed, so that after a power failure it is there as a
// whole or not at all.
//
// A Held may be closed by any goroutine.
package identity
