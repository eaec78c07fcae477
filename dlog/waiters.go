package dlog

import "sync/atomic"

// waiter is somebody who waits for more of a log.
type waiter struct {
	wake   chan struct{} // room for one
	queued bool          // under the log's lock
}

func newWaiter() waiter { return waiter{wake: make(chan struct{}, 1)} }

// waiters are those who wait for one thing. They are under the lock of their log, apart from waiting.
type waiters struct {
	all []*waiter
	n   atomic.Int32
}

// add adds somebody. Who adds a waiter must look again, after that, whether there is something to wait for.
func (w *waiters) add(x *waiter) {
	if x.queued {
		return
	}
	x.queued = true
	w.all = append(w.all, x)
	w.n.Store(int32(len(w.all)))
}

// waiting says whether there is anybody. Who has made happen what they wait for may ask without the lock.
func (w *waiters) waiting() bool { return w.n.Load() > 0 }

// wakeAll wakes all, each once.
func (w *waiters) wakeAll() {
	for i, x := range w.all {
		x.queued = false
		select {
		case x.wake <- struct{}{}:
		default: // it has not seen the one before
		}
		w.all[i] = nil
	}
	w.all = w.all[:0]
	w.n.Store(0)
}
