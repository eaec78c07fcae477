package dataplane

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// fakeLoop collects what is posted, to be run by the test.
type fakeLoop struct {
	gnet.EventLoop
	posted []gnet.Runnable
}

func (f *fakeLoop) Execute(_ context.Context, r gnet.Runnable) error {
	f.posted = append(f.posted, r)
	return nil
}

func (f *fakeLoop) Close(gnet.Conn) error { return nil }

// turn runs what was posted, as the event loop does at the end of a turn.
func (f *fakeLoop) turn(tb testing.TB) {
	tb.Helper()
	posted := f.posted
	f.posted = nil
	for _, r := range posted {
		if err := r.Run(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
}

// fakeConn keeps what is written to it.
type fakeConn struct {
	gnet.Conn
	loop    *fakeLoop
	written []byte
}

func (c *fakeConn) Write(b []byte) (int, error) {
	c.written = append(c.written, b...)
	return len(b), nil
}

func (c *fakeConn) Writev(bs [][]byte) (n int, err error) {
	for _, b := range bs {
		n += len(b)
		c.written = append(c.written, b...)
	}
	return n, nil
}

func (c *fakeConn) OutboundBuffered() int       { return 0 }
func (c *fakeConn) EventLoop() gnet.EventLoop   { return c.loop }
func (c *fakeConn) SetWriteBuffer(int) error    { return nil }
func (c *fakeConn) SetReadBuffer(int) error     { return nil }
func (c *fakeConn) RemoteAddr() net.Addr        { return nil }
func (c *fakeConn) SetDeadline(time.Time) error { return nil }

// FuzzRead feeds a stream manager bytes as a task, as a peer, or as a stranger,
// cut at any place, in the mode optimized, with nearly all of it off, and in the
// modes that decode, where tuples are tracked and where they are not. It must
// not panic, must not write more of the data than it was given, and must hold no
// buffer afterwards.
func FuzzRead(f *testing.F) {
	p := testPlan(f, 3, 2, topology.Fields("words", "word"))
	data := frames(f, p, 256, "alpha", "beta", "gamma", "delta", "epsilon", "zeta")
	end := wire.AppendHeader(nil, wire.Header{Kind: wire.KindEnd, Source: 1, Epoch: p.Epoch})
	f.Add(uint8(1), uint16(3), append(append([]byte(nil), data...), end...))
	f.Add(uint8(2), uint16(100), data)
	f.Add(uint8(0), uint16(7), wire.AppendHello(nil, wire.Hello{Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch, Task: 3}))
	f.Add(uint8(1), uint16(1), wire.AppendError(nil, p.Epoch, wire.CodeInternal, "x"))
	f.Add(uint8(2), uint16(1), wire.AppendHeader(nil, wire.Header{Kind: wire.KindClamp, Dest: 2, Count: 2, Epoch: p.Epoch}))
	f.Add(uint8(4), uint16(30), data)
	chain := chainPlan(f, tracked, []uint32{1, 3}, []uint32{2, 4})
	for _, own := range []uint8{12, 15, 18, 21} { // the tracked plan, in each mode
		f.Add(own+1, uint16(40), slices.Concat(ackFrame(chain, 3, 1, entry{5, 6}, entry{4, 7}), failFrame(chain, 3, 1, 8)))
		f.Add(own+2, uint16(50), slices.Concat(ackFrame(chain, 2, 1, entry{5, 6}), failFrame(chain, 2, 1, 8)))
		f.Add(own+2, uint16(20), wire.AppendHeader(nil, wire.Header{Kind: wire.KindLost, Dest: 3, Epoch: chain.Epoch}))
		f.Add(own+2, uint16(70), anchor(encodeFrame(chain, 1, 2, 3, &wirepb.Tuple{Edge: 5, Roots: []*wirepb.Root{{Task: 1, Seq: 2}}})))
	}
	var modes []Mode
	for _, name := range []string{"optimized", "optimized-hash-passthrough-writev-drain-batch", "naive", "heron2017"} {
		mode, err := ParseMode(name)
		if err != nil {
			f.Fatal(err)
		}
		modes = append(modes, mode)
	}
	f.Fuzz(func(t *testing.T, who uint8, cut uint16, b []byte) {
		held := pool.Outstanding()
		own, task := p, uint32(1)
		if int(who/3)/len(modes)%2 == 1 {
			own, task = chain, 3
		}
		m, err := New(Config{Plan: own, Container: 1, Mode: modes[int(who/3)%len(modes)]})
		if err != nil {
			t.Fatal(err)
		}
		el := &fakeLoop{}
		l := &link{conn: &fakeConn{loop: el}}
		m.loop.opened(l)
		switch who % 3 {
		case 1:
			m.loop.helloInstance(l, wire.Hello{Task: task, Incarnation: 1})
		case 2:
			l.container = 2
			m.loop.joinPeer(l, m.loop.peers[2], 1<<20)
		}
		n := min(int(cut), len(b))
		b = slices.Clone(b) // read writes into what it passes on
		m.loop.read(l, b[:n])
		if !l.closing {
			m.loop.read(l, b[n:])
		}
		el.turn(t)
		m.loop.closed(l, nil)
		m.loop.release()
		if now := pool.Outstanding(); now != held {
			t.Fatalf("%d buffers are still held", now-held)
		}
	})
}
