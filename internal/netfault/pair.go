package netfault

import (
	"errors"
	"net"
	"sync/atomic"

	"github.com/ardea-stream/ardea/wire"
)

// pair is a connection and the one that it is forwarded to.
type pair struct {
	p         *Proxy
	near, far *net.TCPConn // the side that dialled, and the target
	at        *Point       // where it breaks; nil if it does not
	swallowed atomic.Bool
	silent    atomic.Bool // the end of one side is not told to the other
}

// point returns where a direction breaks, nil if it does not.
func (pr *pair) point(down bool) *Point {
	if pr.at == nil || pr.at.Down != down {
		return nil
	}
	return pr.at
}

// reset breaks the connection for both sides at once.
func (pr *pair) reset() {
	pr.silent.Store(true)
	reset(pr.near)
	reset(pr.far)
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// cut ends the connection for both sides in order.
func (pr *pair) cut() {
	_ = pr.near.CloseWrite()
	_ = pr.far.CloseWrite()
}

// forward copies until one side ends, which it tells the other.
func (pr *pair) forward(to, from *net.TCPConn, g gate) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err == nil || n > 0 {
			err = pr.pass(to, buf[:n], &g)
		}
		switch {
		case err == nil:
		case errors.Is(err, errBroken):
			pr.p.mu.Lock()
			pr.p.broken++
			pr.p.mu.Unlock()
			pr.reset()
			return
		case pr.silent.Load() || pr.swallowed.Load():
			return
		default:
			_ = to.CloseWrite()
			return
		}
	}
}

// pass writes what may pass. Its error is errBroken behind the point where the connection breaks.
func (pr *pair) pass(to *net.TCPConn, b []byte, g *gate) error {
	stalled, trickle := pr.p.now()
	if stalled != nil {
		<-stalled
	}
	if pr.swallowed.Load() {
		return nil
	}
	b, broken := g.admit(b)
	step := max(1, len(b))
	if trickle {
		step = 1
	}
	for len(b) > 0 {
		n := min(step, len(b))
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	if broken {
		return errBroken
	}
	return nil
}

// gate follows the frames of one direction up to the point where it breaks.
type gate struct {
	point  *Point
	header []byte // of the frame that is arriving, as far as it has
	left   int    // bytes of its body that are to come
	frames int    // that have passed whole
	inside int    // bytes of the next that have passed
}

// admit returns what of b may pass, and whether the connection breaks behind that.
func (g *gate) admit(b []byte) (pass []byte, broken bool) {
	if g.point == nil {
		return b, false
	}
	for i := range b {
		if g.frames == g.point.Frames && g.inside >= g.point.Bytes || g.frames > g.point.Frames {
			return b[:i], true
		}
		g.take(b[i])
	}
	return b, g.frames == g.point.Frames && g.inside >= g.point.Bytes || g.frames > g.point.Frames
}

// take follows one byte.
func (g *gate) take(c byte) {
	g.inside++
	if len(g.header) < wire.HeaderSize {
		g.header = append(g.header, c)
		if len(g.header) < wire.HeaderSize {
			return
		}
		if h, err := wire.ParseHeader(g.header); err == nil {
			g.left = int(h.Length)
		}
	} else {
		g.left--
	}
	if g.left == 0 {
		g.frames, g.inside, g.header = g.frames+1, 0, g.header[:0]
	}
}
