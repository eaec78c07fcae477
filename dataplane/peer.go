package dataplane

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"
)

// Delays between attempts to reach another stream manager.
const (
	minBackoff = 5 * time.Millisecond
	maxBackoff = time.Second
)

// dialTimeout is how long one attempt may take. The system would wait minutes
// for a network that is cut.
const dialTimeout = time.Second

// dialPeers starts a goroutine for every container that this one dials: those
// with a higher id, so that two managers share one link.
func (lp *loop) dialPeers(ctx context.Context) {
	for i := range lp.plan.Containers {
		c := &lp.plan.Containers[i]
		if c.ID > lp.here {
			lp.m.workers.Go(func() { lp.keepPeer(ctx, c.ID, c.Address) })
		}
	}
}

// keepPeer dials a peer until ctx ends, again whenever the link is gone. It
// touches nothing of the loop but what it posts.
func (lp *loop) keepPeer(ctx context.Context, container uint32, address string) {
	lp.m.label(ctx, stageDial)
	dialer := net.Dialer{Timeout: dialTimeout}
	wait := minBackoff
	for ctx.Err() == nil {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			l := &link{dialled: true, container: container, gone: make(chan struct{})}
			if err = lp.m.enroll(ctx, conn, l); err == nil {
				began := time.Now()
				select {
				case <-l.gone:
				case <-ctx.Done():
					return
				}
				if time.Since(began) > maxBackoff {
					wait = minBackoff
				}
			}
		}
		if err != nil {
			lp.log.Debug("peer not reached", slog.Uint64("peer", uint64(container)), slog.Any("err", err))
		}
		if !pause(ctx, wait/2+rand.N(wait)) {
			return
		}
		wait = min(2*wait, maxBackoff)
	}
}

// pause waits and reports false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
