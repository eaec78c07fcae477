package pipe

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
)

const (
	leastPause = 10 * time.Millisecond
	mostPause  = time.Second
)

// pause is the time until something is tried again: it doubles, and is drawn by lot, so that not all come at once.
type pause struct{ next time.Duration }

func (p *pause) reset() { p.next = 0 }

// wait waits. It returns the context's error when that has ended.
func (p *pause) wait(ctx context.Context) error {
	p.next = min(max(2*p.next, leastPause), mostPause)
	t := time.NewTimer(p.next/2 + rand.N(p.next/2))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// line is the way to a store: a client, and the store itself where nobody else serves it and we may.
type line struct {
	dir  string
	host bool

	mu struct {
		sync.Mutex

		client *serve.Client
		id     uint64 // of the store, once it is known
		known  bool
		store  *dlog.Store
		server *serve.Server
	}
}

// dial connects, and ends the connection before.
func (l *line) dial(ctx context.Context) (*serve.Client, error) {
	l.hangUp()
	c, err := serve.Dial(ctx, l.dir)
	if errors.Is(err, serve.ErrNotServed) && l.host {
		if err = l.serve(); err == nil {
			c, err = serve.Dial(ctx, l.dir)
		}
	}
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.known && c.ID() != l.mu.id {
		return nil, errors.Join(ErrReplaced, c.Close())
	}
	l.mu.client, l.mu.id, l.mu.known = c, c.ID(), true
	return c, nil
}

// serve opens the store and serves it.
func (l *line) serve() error {
	s, _, err := dlog.Open(l.dir, dlog.Options{})
	if err != nil {
		return err
	}
	v, err := serve.Listen(s, "")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.store, l.mu.server = s, v
	return nil
}

// client returns the connection, nil if there is none.
func (l *line) client() *serve.Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.client
}

// hangUp ends the connection.
func (l *line) hangUp() {
	l.mu.Lock()
	c := l.mu.client
	l.mu.client = nil
	l.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

// close ends the connection, and serves the store no longer.
func (l *line) close() error {
	l.hangUp()
	l.mu.Lock()
	s, v := l.mu.store, l.mu.server
	l.mu.store, l.mu.server = nil, nil
	l.mu.Unlock()
	if s == nil {
		return nil
	}
	return errors.Join(v.Close(), s.Close())
}

// passes reports whether an error is one of the connection, or of a process that starts or ends, so that it is worth to
// try again.
func passes(err error) bool {
	for _, e := range []error{serve.ErrGone, serve.ErrNotServed, serve.ErrTooMany, dlog.ErrClosed, dlog.ErrLocked} {
		if errors.Is(err, e) {
			return true
		}
	}
	_, network := errors.AsType[*net.OpError](err) // such as that too many connect at the moment
	return network && !errors.Is(err, os.ErrPermission)
}
