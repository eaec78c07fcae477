package dlog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// ledger is what the users of a store were told.
type ledger struct {
	mu   sync.Mutex
	logs map[string]*account
}

// account is what is known of one log. A record says in which round it was appended, at which offset.
type account struct {
	stamp   string // name that the records have
	rounds  []byte // of the records that were acknowledged, by offset
	first   uint64 // that Truncate has returned for
	trying  uint64 // the same before it was called
	epoch   uint64
	sealed  bool
	sealing bool
	retains bool     // may begin anywhere behind first
	sub     uint64   // that Commit has returned for
	subs    []uint64 // that it was called with since

	unsure bool   // is being made or deleted: may be there or not
	gone   bool   // was deleted
	other  string // new name that it is being given
}

func (l *ledger) edit(name string, edit func(*account)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs[name] == nil {
		l.logs[name] = &account{stamp: name}
	}
	edit(l.logs[name])
}

func (l *ledger) copy() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &ledger{logs: map[string]*account{}}
	for name, a := range l.logs {
		kept := *a
		kept.rounds = append([]byte{}, a.rounds...)
		kept.subs = slices.Clone(a.subs)
		c.logs[name] = &kept
	}
	return c
}

func stamped(name string, offset uint64, round int) []byte {
	return fmt.Appendf(nil, "%s %d %d %0*d", name, offset, round, offset*31%200, 0)
}

// verify compares what is in a store with the ledger, and makes the ledger that of what is there.
func (l *ledger) verify(s *Store) (unknown int, err error) {
	for _, name := range slices.Sorted(maps.Keys(l.logs)) {
		a := l.logs[name]
		log, err := l.resolve(s, name, a)
		if err != nil {
			return 0, err
		}
		if log == nil {
			continue
		}
		more, err := a.verify(log)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", log.Name(), err)
		}
		unknown += more
	}
	if n := len(s.Logs("")); n != len(l.logs) {
		return 0, fmt.Errorf("%d logs, want %d", n, len(l.logs))
	}
	return unknown, nil
}

// resolve finds the log of an account. There is none, and no account then, if it was deleted or never made.
func (l *ledger) resolve(s *Store, name string, a *account) (*Log, error) {
	log, err := s.Log(name)
	if a.other != "" {
		other, second := s.Log(a.other)
		if (err == nil) == (second == nil) {
			return nil, fmt.Errorf("after a rename: %s: %w, %s: %w", name, err, a.other, second)
		}
		if err != nil {
			delete(l.logs, name)
			l.logs[a.other] = a
			log, err = other, second
		}
	}
	switch {
	case a.gone && err == nil:
		return nil, fmt.Errorf("%s was deleted and is there", name)
	case (a.gone || a.unsure) && errors.Is(err, ErrNotFound):
		delete(l.logs, name)
		return nil, nil
	}
	return log, err
}

// verify compares a log with its account, and makes the account that of what is there.
func (a *account) verify(log *Log) (unknown int, err error) {
	rounds, err := stamps(log, a.stamp)
	if err != nil {
		return 0, err
	}
	info, err := log.Info() // last: retention goes on
	if err != nil {
		return 0, err
	}
	switch {
	case info.End < uint64(len(a.rounds)):
		return 0, fmt.Errorf("record %d was acknowledged and is lost: the log ends at %d", len(a.rounds)-1, info.End)
	case info.First < a.first || info.First > max(a.first, a.trying) && !a.retains:
		return 0, fmt.Errorf("it begins at %d, was truncated to %d", info.First, a.first)
	case info.Epoch < a.epoch:
		return 0, fmt.Errorf("it forgets epoch %d for %d", a.epoch, info.Epoch)
	case a.sealed && !info.Sealed || info.Sealed && !a.sealing:
		return 0, fmt.Errorf("sealed is %v", info.Sealed)
	}
	if len(rounds) != int(info.End) {
		return 0, fmt.Errorf("%d records can be read of %d", len(rounds), info.End)
	}
	for offset := range rounds {
		if uint64(offset) >= info.First && offset < len(a.rounds) && rounds[offset] != a.rounds[offset] {
			return 0, fmt.Errorf("record %d was acknowledged in round %d, is of %d", offset, a.rounds[offset], rounds[offset])
		}
	}
	sub := uint64(0)
	all, err := log.Subscriptions()
	if err != nil {
		return 0, err
	}
	for _, found := range all {
		sub = found.Offset
	}
	if sub != a.sub && !slices.Contains(a.subs, sub) {
		return 0, fmt.Errorf("the subscription is at %d, was committed at %d", sub, a.sub)
	}
	unknown = len(rounds) - len(a.rounds)
	*a = account{
		stamp: a.stamp, rounds: rounds, first: info.First, epoch: info.Epoch, sealed: info.Sealed, sealing: info.Sealed,
		retains: a.retains, sub: sub,
	}
	return unknown, nil
}

// stamps reads a log and returns the rounds of its records.
func stamps(log *Log, name string) ([]byte, error) {
	r, err := log.NewReader(First, ReadOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	rounds := slices.Grow([]byte(nil), int(r.Position()))[:r.Position()]
	for {
		recs, err := r.TryNext(background)
		if errors.Is(err, ErrTruncated) { // by retention, since
			rounds = slices.Grow(rounds[:0], int(r.Skip()))[:r.Position()]
			continue
		}
		if err != nil {
			if !errors.Is(err, ErrEnd) && !isEOF(err) {
				return nil, fmt.Errorf("%s at %d: %w", name, r.Position(), err)
			}
			return rounds, nil
		}
		for offset, rec := range recs.All() {
			var of string
			var at uint64
			var round int
			if _, err := fmt.Sscanf(string(rec), "%s %d %d", &of, &at, &round); err != nil || of != name || at != offset || string(rec) != string(stamped(name, at, round)) {
				return nil, fmt.Errorf("%s: record %d is %q", name, offset, rec)
			}
			rounds = append(rounds, byte(round))
		}
	}
}

// fork opens the account of a fork that is about to be made. Its parent's user makes it, so nothing else happens there.
func (l *ledger) fork(name, fork string, at uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.logs[name]
	l.logs[fork] = &account{
		stamp: a.stamp, rounds: slices.Clone(a.rounds[:min(at, uint64(len(a.rounds)))]), first: a.first, trying: a.trying, epoch: a.epoch,
		retains: a.retains, unsure: true,
	}
}

func (l *ledger) rename(from, to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs[to] = l.logs[from]
	l.logs[to].other = ""
	delete(l.logs, from)
}

// readable checks that what was acknowledged can be read.
func (l *ledger) readable(s *Store) error {
	c := l.copy()
	for _, name := range slices.Sorted(maps.Keys(c.logs)) {
		a := c.logs[name]
		log, err := c.resolve(s, name, a)
		if err != nil {
			return err
		}
		if log == nil {
			continue
		}
		rounds, err := stamps(log, a.stamp)
		if err != nil {
			return err
		}
		if len(rounds) < len(a.rounds) {
			info, err := log.Info()
			return fmt.Errorf("%s: record %d was acknowledged and is lost; %d were, %+v, %w", name, len(rounds), len(a.rounds), info, err)
		}
		for i := range a.rounds {
			if uint64(i) >= a.first && uint64(i) >= max(a.first, a.trying) && rounds[i] != a.rounds[i] {
				return fmt.Errorf("%s: record %d is of another round", name, i)
			}
		}
	}
	return nil
}
