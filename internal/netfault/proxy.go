package netfault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Proxy forwards TCP connections to one address. Its methods may be called from any goroutine.
type Proxy struct {
	ctx      context.Context // of dials; ends with Close
	cancel   context.CancelFunc
	listener net.Listener
	target   string
	workers  sync.WaitGroup

	mu      sync.Mutex
	pairs   []*pair
	points  []Point
	broken  int           // connections that broke at a point
	stalled chan struct{} // closed when the stall is over; nil if there is none
	trickle bool
	closed  bool
}

// Point is a place in a connection's bytes: behind so many whole frames and so
// many bytes of the next, counted from the connection's beginning.
type Point struct {
	Down   bool // of the bytes towards the side that dialled, not from it
	Frames int
	Bytes  int
}

// Listen starts a proxy for an address. It runs until Close, or the end of ctx.
func Listen(ctx context.Context, target string) (*Proxy, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("netfault: %w", err)
	}
	p := &Proxy{listener: l, target: target}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.workers.Go(p.accept)
	context.AfterFunc(p.ctx, func() { _ = l.Close() })
	return p, nil
}

// Addr is the address to dial instead of the target.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close resets all connections and waits for the end of all goroutines.
func (p *Proxy) Close() {
	p.cancel()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Stall(0)
	p.Reset()
	p.workers.Wait()
}

// accept takes connections until the listener is closed.
func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.workers.Go(func() { p.connect(c.(*net.TCPConn)) })
	}
}

// connect forwards one connection until it ends.
func (p *Proxy) connect(near *net.TCPConn) {
	var d net.Dialer
	c, err := d.DialContext(p.ctx, "tcp", p.target)
	if err != nil {
		reset(near) // as if nobody listened
		return
	}
	pr := &pair{p: p, near: near, far: c.(*net.TCPConn)}
	if !p.add(pr) {
		pr.reset()
		return
	}
	defer p.remove(pr)
	var both sync.WaitGroup
	both.Go(func() { pr.forward(pr.far, pr.near, gate{point: pr.point(false)}) })
	both.Go(func() { pr.forward(pr.near, pr.far, gate{point: pr.point(true)}) })
	both.Wait()
	_ = near.Close()
	_ = pr.far.Close()
}

// add takes a pair into the list and gives it the next point. It reports false after Close.
func (p *Proxy) add(pr *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if len(p.points) > 0 {
		pr.at = &p.points[0]
		p.points = p.points[1:]
	}
	p.pairs = append(p.pairs, pr)
	return true
}

func (p *Proxy) remove(pr *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pairs = slices.DeleteFunc(p.pairs, func(q *pair) bool { return q == pr })
}

// all returns the connections that there are.
func (p *Proxy) all() []*pair {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.pairs)
}

// Reset breaks all connections by a reset to both sides.
func (p *Proxy) Reset() {
	for _, pr := range p.all() {
		pr.reset()
	}
}

// Cut ends all connections in order, as a process that exits does: what was
// forwarded arrives, then the end.
func (p *Proxy) Cut() {
	for _, pr := range p.all() {
		pr.cut()
	}
}

// Swallow makes all connections half-open for good: nothing that is sent
// arrives, and no side is told.
func (p *Proxy) Swallow() {
	for _, pr := range p.all() {
		pr.swallowed.Store(true)
	}
}

// Stall holds everything back for a time, which ends an earlier stall.
func (p *Proxy) Stall(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
	if d > 0 {
		over := make(chan struct{})
		p.stalled = over
		time.AfterFunc(d, func() { p.endStall(over) })
	}
}

func (p *Proxy) endStall(over chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled == over {
		close(over)
		p.stalled = nil
	}
}

// Trickle forwards one byte at a time while it is on.
func (p *Proxy) Trickle(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trickle = on
}

// BreakAt makes the next connections break by a reset, each at one of the
// points, in their order. Those that there are go on: Reset ends them.
func (p *Proxy) BreakAt(points ...Point) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.points = append(p.points, points...)
}

// Broken returns how many connections have broken at a point.
func (p *Proxy) Broken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// now returns what holds for forwarding at the moment.
func (p *Proxy) now() (stalled <-chan struct{}, trickle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stalled, p.trickle
}

var errBroken = errors.New("netfault: broken at a point")
