package dlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// user is somebody who uses one log.
func user(s *Store, l *ledger, name string, round int, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 7))
	log, err := s.Log(name)
	if errors.Is(err, ErrNotFound) {
		var o LogOptions
		if name == "log2" {
			o.Retain.Bytes = 6 << 10
		}
		l.edit(name, func(a *account) { a.unsure, a.retains = true, o.Retain.Bytes > 0 })
		if log, err = s.Create(name, o); err == nil {
			l.edit(name, func(a *account) { a.unsure = false })
		}
	}
	if err != nil {
		return err
	}
	w, err := log.OpenWriter(0)
	if errors.Is(err, ErrSealed) {
		return nil
	}
	if err != nil {
		return err
	}
	l.edit(name, func(a *account) { a.epoch = w.Epoch() })
	info, err := log.Info()
	if err != nil {
		return err
	}
	next := info.End
	for range 2 + rng.IntN(30) {
		next, err = use(log, w, l, name, round, next, rng)
		if errors.Is(err, ErrSealed) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// use does one thing with a log, or two.
func use(log *Log, w *Writer, l *ledger, name string, round int, next uint64, rng *rand.Rand) (uint64, error) {
	var err error
	switch rng.IntN(45) {
	case 0:
		err = truncate(log, l, name, rng.Uint64N(next+1))
	case 1:
		err = log.store.Checkpoint()
	case 2:
		err = log.store.retireLog(log, time.Now())
	case 3, 4:
		err = commit(log, l, name, rng.Uint64N(next+1))
	case 5, 6:
		err = forkAndForget(log, l, name, rng)
	case 7:
		if name == "log1" {
			l.edit(name, func(a *account) { a.sealing = true })
			if err = w.Seal(background); err == nil {
				l.edit(name, func(a *account) { a.sealed = true })
				return next, ErrSealed
			}
		}
	}
	if err != nil {
		return next, err
	}
	var b Batch
	from := next
	for range 1 + rng.IntN(6) {
		b.Add(stamped(name, next, round))
		next++
	}
	f, err := w.Append(&b, Disk)
	if err != nil {
		return next, err
	}
	res, err := f.Wait(background)
	if err != nil || res.First != from {
		return next, fmt.Errorf("appended at %d, want %d: %w", res.First, from, err)
	}
	l.edit(name, func(a *account) {
		for range next - from {
			a.rounds = append(a.rounds, byte(round))
		}
	})
	return next, nil
}

func truncate(log *Log, l *ledger, name string, to uint64) error {
	l.edit(name, func(a *account) { a.trying = max(a.trying, to) })
	err := log.Truncate(to)
	if err == nil {
		l.edit(name, func(a *account) { a.first = max(a.first, to) })
	}
	return err
}

// commit commits a position of the log's only subscription.
func commit(log *Log, l *ledger, name string, to uint64) error {
	l.edit(name, func(a *account) { a.subs = append(a.subs, 0, to, min(to, a.sub)) })
	sub := &Subscription{log: log, name: "s"}
	err := sub.Commit(to)
	if err == nil {
		l.edit(name, func(a *account) { a.sub, a.subs = to, nil })
	}
	return err
}

// forkAndForget makes a fork, or renames or deletes one.
func forkAndForget(log *Log, l *ledger, name string, rng *rand.Rand) error {
	s, fresh := log.store, fmt.Sprintf("%s-%x", name, rng.Uint64())
	forks := s.Logs(name + "-")
	if len(forks) > 0 && rng.IntN(2) == 0 {
		old := forks[rng.IntN(len(forks))].Name()
		if rng.IntN(2) == 0 {
			l.edit(old, func(a *account) { a.unsure = true })
			err := s.Delete(old)
			if err == nil {
				l.edit(old, func(a *account) { a.gone = true })
			}
			return err
		}
		l.edit(old, func(a *account) { a.other = fresh })
		err := s.Rename(old, fresh)
		if err == nil {
			l.rename(old, fresh)
		}
		return err
	}
	info, err := log.Info()
	if err != nil {
		return err
	}
	at := info.First + rng.Uint64N(info.Committed-info.First+1)
	l.fork(name, fresh, at)
	_, err = log.Fork(fresh, at)
	if errors.Is(err, ErrTruncated) { // by retention, since
		l.edit(fresh, func(a *account) { a.gone = true })
		return nil
	}
	if err == nil {
		l.edit(fresh, func(a *account) { a.unsure = false })
	}
	return err
}
