package instance

import (
	"errors"
	"log/slog"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/tracker"
)

// giveUp ends the life of a tuple: it becomes a dead letter if there is a stream for those.
func (k *tracked) giveUp(id uint64, f *topology.Failure, now int64) {
	k.count.failed++
	if k.report.ready(now) {
		k.log.Warn("tuple is given up", slog.Uint64("id", id), slog.Any("err", f), slog.Int("suppressed", k.report.suppressed))
		k.report.suppressed = 0
	}
	if k.acker != nil {
		k.givenUp = append(k.givenUp, givenUp{id: id, f: f})
	}
	if k.letters != nil {
		if cut := k.dead.cut + 1; !k.dead.add(id, f) && cut&(cut-1) == 0 { // ever more rarely
			k.log.Warn("dead letter goes without payload and stack: too many are pending", slog.Uint64("id", id),
				slog.Int("pending", len(k.dead.why)), slog.Int64("so_far", k.dead.cut))
		}
		k.retries.Push(tracker.Entry{ID: id, Dead: true}, now)
	}
}

// toTell reports whether tell has something to say.
func (k *tracked) toTell() bool { return len(k.completed) > 0 || len(k.givenUp) > 0 }

// tell calls the spout's Ack and Fail.
func (k *tracked) tell() error {
	for k.toTell() {
		done, failed := k.completed, k.givenUp
		k.completed, k.givenUp = k.spare[:0], nil
		_, err := k.guard(func() error {
			k.op = opAck
			for _, id := range done {
				k.acker.Ack(id)
			}
			k.op = opFail
			for _, g := range failed {
				k.acker.Fail(g.id, g.f)
			}
			k.op = ""
			return nil
		})
		k.spare = done
		if err != nil {
			return err
		}
	}
	return nil
}

// replay emits what is due again, at most a few.
func (k *tracked) replay(now int64) error {
	for range replaysPerLap {
		r, ok := k.retries.Next()
		if !ok || r.Due > now || !k.mayReplay() {
			return nil
		}
		k.retries.Pop()
		if r.Dead && k.dead.why[r.ID] == nil {
			continue // the spout has used the id twice, and one letter was sent
		}
		err := k.out.Again(r.Entry, func() error { return k.emitAgain(r) })
		if err != nil {
			k.retries.Push(r.Entry, r.Due) // it was not emitted: the position must not pass it
		}
		if stop := k.stopped(); stop != nil {
			return stop
		}
		if te, ok := errors.AsType[*TaskError](err); ok {
			return te // a panic
		}
		if err != nil {
			return k.failure(opReplay, err)
		}
		k.count.replayed++
	}
	return nil
}

// emitAgain calls the spout's Replay, or emits a dead letter, for which a custom
// grouping may be called.
func (k *tracked) emitAgain(r tracker.Retry) error {
	_, err := k.guard(func() error {
		k.op = opReplay
		var err error
		if r.Dead {
			err = k.emitLetter(r.ID, k.dead.why[r.ID])
		} else {
			err = k.replayer.Replay(r.ID)
		}
		k.op = ""
		return err
	})
	return err
}

func (k *tracked) emitLetter(id uint64, f *topology.Failure) error {
	cause := f.Cause
	if f.Component == "" {
		cause = f.Reason.String()
	}
	return k.letters.EmitID(id, topology.Int(int64(id)), topology.Int(int64(f.Tries)), topology.String(f.Component),
		topology.Int(int64(f.Task)), topology.String(cause), topology.String(f.Stack), topology.Bytes(f.Payload))
}
