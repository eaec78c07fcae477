package logbench

import (
	"context"
	"sync"
	"time"
)

// shift divides time in two kinds of slots that take turns: 0, in which a reader stands still, and 1, in which it reads.
type shift struct {
	timer *time.Timer
	slot  time.Duration

	mu    sync.Mutex
	kind  int
	since time.Time
	took  [2]time.Duration
	begun chan struct{} // closed when the next slot of kind 1 begins
	over  bool
}

// newShift begins with a slot of kind 0.
func newShift(slot time.Duration) *shift {
	s := &shift{slot: max(slot, time.Millisecond), since: time.Now(), begun: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(s.slot, s.change)
	return s
}

func (s *shift) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.timer.Reset(s.slot)
	s.changeLocked()
	if s.kind == 1 {
		close(s.begun)
		s.begun = make(chan struct{})
	}
}

func (s *shift) changeLocked() {
	now := time.Now()
	s.took[s.kind] += now.Sub(s.since)
	s.kind, s.since = 1-s.kind, now
}

// which returns the kind of the slot that it is.
func (s *shift) which() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kind
}

// wait returns when the slot is one of kind 1, or with the error of the context.
func (s *shift) wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		kind, begun := s.kind, s.begun
		s.mu.Unlock()
		if kind == 1 || ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-begun:
		case <-ctx.Done():
		}
	}
}

// end ends the last slot, and returns how long those of each kind have taken.
func (s *shift) end() [2]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.timer.Stop()
	s.changeLocked()
	return s.took
}
