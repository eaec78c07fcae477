package netfault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/wire"
)

const patience = time.Minute

// link is a connection through a proxy: what is written to one end arrives at the other.
type link struct {
	p         *Proxy
	near, far *net.TCPConn
}

// newLink dials through a proxy. points are those of its connections.
func newLink(t *testing.T, points ...Point) link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p, err := Listen(context.Background(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	p.BreakAt(points...)
	near, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	for _, c := range []net.Conn{near, far} {
		_ = c.SetDeadline(time.Now().Add(patience))
	}
	return link{p, near.(*net.TCPConn), far.(*net.TCPConn)}
}

func send(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// expect reads exactly b.
func expect(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	got := make([]byte, len(b))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, b) {
		t.Fatalf("got %q, %v, want %q", got, err, b)
	}
}

// frames are three: an empty one, one with a body, and an empty one.
func frames() []byte {
	b := wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing})
	b = append(wire.AppendHeader(b, wire.Header{Kind: wire.KindData, Length: 10}), "0123456789"...)
	return wire.AppendHeader(b, wire.Header{Kind: wire.KindPong})
}

func TestForwardsBothWaysAndEnds(t *testing.T) {
	leaktest.Check(t)
	for _, trickle := range []bool{false, true} {
		l := newLink(t)
		l.p.Trickle(trickle)
		send(t, l.near, frames())
		expect(t, l.far, frames())
		send(t, l.far, []byte("back"))
		_ = l.far.CloseWrite()
		expect(t, l.near, []byte("back"))
		if _, err := l.near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v, want %v", err, io.EOF)
		}
	}
}

func TestReset(t *testing.T) {
	leaktest.Check(t)
	l := newLink(t)
	send(t, l.near, frames())
	expect(t, l.far, frames())
	l.p.Reset()
	for _, c := range []net.Conn{l.near, l.far} {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after the reset: %v", err)
		}
	}
}

func TestCut(t *testing.T) {
	leaktest.Check(t)
	l := newLink(t)
	send(t, l.near, frames())
	expect(t, l.far, frames())
	l.p.Cut()
	for _, c := range []net.Conn{l.near, l.far} {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after the cut: %v", err)
		}
	}
}

func TestSwallow(t *testing.T) {
	leaktest.Check(t)
	l := newLink(t)
	send(t, l.near, frames())
	expect(t, l.far, frames()) // the proxy knows of the connection
	l.p.Swallow()
	send(t, l.near, frames())
	send(t, l.far, frames())
	_ = l.near.CloseWrite()
	_ = l.far.SetDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := l.far.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a half-open connection said %v", err)
	}
}

func TestStall(t *testing.T) {
	leaktest.Check(t)
	l := newLink(t)
	l.p.Stall(time.Hour)
	send(t, l.near, frames())
	_ = l.far.SetDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := l.far.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a stalled connection said %v", err)
	}
	_ = l.far.SetDeadline(time.Now().Add(patience))
	l.p.Stall(time.Millisecond)
	expect(t, l.far, frames())
}

func TestBreaksAtPoints(t *testing.T) {
	leaktest.Check(t)
	all := frames()
	for _, tc := range []struct {
		point Point
		pass  int
	}{
		{Point{}, 0},
		{Point{Frames: 1}, wire.HeaderSize},
		{Point{Frames: 1, Bytes: 1}, wire.HeaderSize + 1},
		{Point{Frames: 1, Bytes: wire.HeaderSize + 3}, 2*wire.HeaderSize + 3},
		{Point{Frames: 1, Bytes: 1000}, 2*wire.HeaderSize + 10}, // the frame is shorter
		{Point{Frames: 2}, 2*wire.HeaderSize + 10},
		{Point{Frames: 3}, len(all)},
	} {
		for _, down := range []bool{false, true} {
			tc.point.Down = down
			l := newLink(t, tc.point)
			from, to := l.near, l.far
			if down {
				from, to = to, from
			}
			l.p.Trickle(true)
			send(t, from, all)
			// What a reset overtakes is lost, so what arrives may be less, never more.
			got, err := io.ReadAll(to)
			if !errors.Is(err, syscall.ECONNRESET) || !bytes.HasPrefix(all[:tc.pass], got) {
				t.Errorf("%+v: %d bytes arrive, then %v; want up to %d", tc.point, len(got), err, tc.pass)
			}
			for l.p.Broken() != 1 {
				time.Sleep(time.Millisecond)
			}
		}
	}
}
