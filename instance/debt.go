package instance

import (
	"context"
	"log/slog"
)

// debt is what a spout that is a topology.Replayer owes after a restart: tuples
// that a dead incarnation has emitted and that were not complete. Next emits them
// again; until then a drain does not end the spout, nor the context that it was
// opened with. The zero debt is none.
type debt struct {
	end    uint64 // ids below it were emitted; 0 when nothing is owed
	idle   int64  // for how long the spout had nothing to emit during a drain, in nanoseconds
	last   uint64 // the greatest id that was emitted by then
	paid   func() // has a drain end the context, also one that has begun; nil if it does already
	cancel func() // ends the context; nil if it is not the debt's
}

func (d *debt) owes() bool { return d.end != 0 }

// shield returns the context for Open: drained, which a drain ends, or while
// something is owed one that it does not end yet.
func (d *debt) shield(run, drained context.Context) context.Context {
	if !d.owes() {
		return drained
	}
	ctx, cancel := context.WithCancel(run)
	d.cancel = cancel
	d.paid = func() {
		stop := context.AfterFunc(drained, cancel)
		d.cancel = func() { stop(); cancel() }
	}
	return ctx
}

// forgive ends the debt.
func (d *debt) forgive() {
	d.end = 0
	if d.paid != nil {
		d.paid()
		d.paid = nil
	}
}

// close ends the context, as the end of the task does where nothing is owed.
func (d *debt) close() {
	if d.cancel != nil {
		d.cancel()
	}
}

// reach notes in the position file what was emitted. It comes before anything of it is sent.
func (k *tracked) reach() {
	if last, ok := k.ring.Last(); ok {
		k.position.Reach(last)
	}
}

// payDebt ends the debt when everything that a dead incarnation has emitted was emitted again.
func (k *tracked) payDebt() {
	if !k.debt.owes() {
		return
	}
	if last, ok := k.ring.Last(); ok && last >= k.debt.end-1 {
		k.debt.forgive()
	}
}

// idled notes for how long Next had nothing to emit. A spout that says so for a
// message timeout of a drain, although it owes something, does not have it any more.
func (k *tracked) idled(nanos int64) {
	d := &k.debt
	if !d.owes() || !k.inst.signals.any(sigDrain) {
		return
	}
	last, _ := k.ring.Last()
	if last != d.last {
		d.idle, d.last = 0, last
	}
	// What took longer was no idleness of the spout: its task was held back, or without a link.
	if d.idle += min(nanos, int64(idleWait)); d.idle < int64(k.delivery.MessageTimeout) {
		return
	}
	k.log.Warn("spout does not emit again what was emitted before it died", slog.Uint64("end", d.end), slog.Uint64("last", last))
	d.forgive()
}
