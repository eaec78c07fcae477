package pace

import (
	"context"
	"time"
)

// Clock tells the time and waits.
type Clock interface {
	// Now returns the time. It never goes back.
	Now() time.Time
	// Sleep returns after a time, or earlier with the error of the context.
	Sleep(ctx context.Context, d time.Duration) error
}

// system is the clock of this machine.
type system struct{}

// Now returns the time.
func (system) Now() time.Time { return time.Now() }

// Sleep waits for a timer.
func (system) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
