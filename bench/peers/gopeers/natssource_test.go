package main

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

// TestLead has a source reach its limit: it goes on when half of that is counted, not before.
func TestLead(t *testing.T) {
	l := newLead(1)
	if err := l.take(t.Context(), ahead); err != nil {
		t.Fatal(err)
	}
	took := make(chan error)
	go func() { took <- l.take(t.Context(), 1) }()
	for !l.wait.Load() {
		runtime.Gosched()
	}
	for range ahead / 2 {
		l.give()
		if !l.wait.Load() {
			t.Fatalf("the source was told after %d words of %d", l.counted(), ahead)
		}
	}
	l.give()
	if err := <-took; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the test is over")
	cancel(why)
	if err := l.take(ctx, ahead); !errors.Is(err, why) {
		t.Errorf("a source that waits says %v when it is told to end", err)
	}
}
