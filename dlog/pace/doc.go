// Package pace holds back readers that catch up, so that they do not make appends slow: both want the same disk.
//
// The append path tells a [Pacer] of each sync ([Pacer.Observe]), readers ask before they read ([Pacer.Wait]) and say when
// they have read ([Turn.Done]). While nothing is appended readers are free, up to a fixed limit if one is set. Else one
// reads at a time, and for a share of the time only.
//
// # What readers cost
//
// A read makes appends slow while it is on its way. So if readers read for a share of the time, and that takes a part of
// the appends that there would be meanwhile, what that costs of all appends is the product of the two, and not more than the
// share, however bad the disk is. The pacer measures the part, and sets the share such that the product is 3 %: readers get
// 3 % of the time on a disk that does nothing else while it reads, all of it on one that reads beside the appends. Time, not
// bytes, is what is shared out, so a disk that becomes slow needs no decision.
//
// What a read costs when it is over is not seen: the processor's time for what was read, and a disk that makes up for it
// afterwards. On the virtual disk that this was measured on that was more than the read itself: with a product of 7 % appends
// lost 17 %. So the product is 3 %, for appends to keep 90 % in all.
//
// # What is measured
//
// Each sync is counted by whether a read was on its way when it ended. How many entries a second became durable is
// compared between the two, and how long the syncs took; the worse counts. The two alternate many times a second, so that
// it does not matter when the load or the disk changes. What is old counts less: half after two seconds. As long as little
// is known the part is taken to be all.
//
// # Threads
//
// All methods may be called by any goroutine. There are no goroutines here and, between two calls, no timers. The pacer
// gets the time from a [Clock] only, so tests are exact.
package pace
