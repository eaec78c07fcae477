// Package adapter is what adapters of ardea bench peers that are written in Go have in common: the command line, the
// conversation with the driver, draws at a pace, counts and latencies. The contract is in bench/peers/README.md.
//
// A program calls Main with its peers. The job of a peer takes a Source for each task that draws and a Counter for each
// that counts, joins them by what is to be measured, and returns when all that was drawn is counted:
//
//	for {
//		d, more := source.Next()
//		if !more {
//			break
//		}
//		words <- d
//	}
//
// # Threads
//
// A Source and a Counter are for one goroutine each. The driver's words come to a goroutine of Main; it tells sources and
// counters by atomic variables. Another prints progress. All have ended when Main returns, but for the reader of standard
// input, which ends with the process.
package adapter
