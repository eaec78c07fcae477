package dataplane

import (
	"io"
	"net"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/wire"
)

// lateLink is a way to a container's address that whoever dials it takes for open. It opens when the test says so.
type lateLink struct {
	net.Listener
	to string
}

func newLateLink(t *testing.T, to string) *lateLink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &lateLink{Listener: l, to: to}
}

// open takes the connection that waits and passes everything on, until the test ends.
func (l *lateLink) open(t *testing.T) {
	t.Helper()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(way[0], way[1])
		}()
		t.Cleanup(func() {
			way[1].Close()
			<-done
		})
	}
}

// TestAcksWaitForTheFirstLink sends a tuple from container 1 by way of 2 to 3, where it is acked before 1 and 3 are linked.
// Nothing has failed, so the spout must get the ack, and must not hear that anything is lost.
func TestAcksWaitForTheFirstLink(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{1}, []uint32{2}, []uint32{3, 4})
	late := newLateLink(t, p.Containers[2].Address)
	dialling := p.Addresses(func(id uint32) (socket, address string) {
		if c := p.Container(id); id != 3 {
			return c.Socket, c.Address
		}
		return p.Container(3).Socket, late.Addr().String()
	})
	third := startManager(t, Config{Plan: p, Container: 3})
	startManager(t, Config{Plan: p, Container: 2})
	startManager(t, Config{Plan: dialling, Container: 1})
	spout, first, second := dialTask(t, p, 1), dialTask(t, p, 2), dialTask(t, p, 3)
	spout.write(frames(t, p, 4096, "far"))
	first.passOn(2, 1)
	if h, body := second.read(); h.Kind != wire.KindData || wordsIn(t, body)[0] != "far" {
		t.Fatalf("the last bolt got %+v", h)
	}
	acks := []entry{{300, 7}, {301, 8}}
	second.write(ackFrame(p, 3, 1, acks...))
	second.write(failFrame(p, 3, 1, 302))
	second.want("when it has acked", second.until()) // its stream manager has seen the acks
	late.open(t)
	if got := spout.readAcks(3); !slices.Equal(got, acks) {
		t.Errorf("the spout got %v, want %v", got, acks)
	}
	if h, _ := spout.read(); h.Kind != wire.KindFail || h.Source != 3 {
		t.Errorf("the spout got %+v, want the failure", h)
	}
	spout.want("when nothing has failed", spout.until())
	if m := third.Metrics(); m.AcksDropped != 0 || m.AcksForwarded != 3 || m.Losses != 0 {
		t.Errorf("%d acks are dropped, %d forwarded, %d losses told, want 0, 3 and 0", m.AcksDropped, m.AcksForwarded, m.Losses)
	}
}

// passOn reads one data frame and emits it on a stream of the task's own.
func (tt *testTask) passOn(task uint32, stream uint16) {
	tt.t.Helper()
	h, body := tt.read()
	if h.Kind != wire.KindData {
		tt.t.Fatalf("task %d got %+v, want data", task, h)
	}
	h.Source, h.Dest, h.Stream, h.Flags = task, 0, stream, 0
	tt.write(append(wire.AppendHeader(nil, h), body...))
}

// copies is a connection that keeps a copy of what is written.
type copies struct {
	fakeConn
	b []byte
}

func (c *copies) Write(b []byte) (int, error) {
	c.b = append(c.b, b...)
	return len(b), nil
}

// joinSecond links container 1 with container 2 and returns all that was written.
func joinSecond(lp *loop) []byte {
	c := &copies{}
	lp.joinPeer(&link{conn: c, container: 2}, lp.peers[2], 1<<20)
	return c.b
}

// kindsOf lists the kinds of whole frames.
func kindsOf(tb testing.TB, b []byte) (kinds []wire.Kind) {
	tb.Helper()
	for len(b) > 0 {
		h, err := wire.ParseHeader(b)
		if err != nil {
			tb.Fatal(err)
		}
		kinds = append(kinds, h.Kind)
		b = b[wire.HeaderSize+int(h.Length):]
	}
	return kinds
}

// farSpout returns a plan whose spout is in container 2, and acks and a failure of a bolt in container 1 for it.
func farSpout(t *testing.T) (*plan.Plan, []byte) {
	t.Helper()
	p := chainPlan(t, tracked, []uint32{2, 3, 4}, []uint32{1})
	return p, slices.Concat(ackFrame(p, 2, 1, entry{1, 2}, entry{2, 3}), failFrame(p, 2, 1, 9), ackFrame(p, 2, 1, entry{4, 5}))
}

func TestFirstAcksInAllModes(t *testing.T) {
	for _, mode := range []string{"optimized", "naive", "heron2017"} {
		p, acks := farSpout(t)
		lp := offline(t, p, 1, mode)
		feed(lp, roleInstance, 2, acks)
		if got := kindsOf(t, joinSecond(lp)); !slices.Equal(got, []wire.Kind{wire.KindAck, wire.KindFail, wire.KindAck}) {
			t.Errorf("%s: the first link got %v", mode, got)
		}
		if lp.c.acksForwarded != 4 || lp.c.acksDropped != 0 || lp.c.losses != 0 {
			t.Errorf("%s: %d acks are forwarded, %d dropped, %d losses told", mode, lp.c.acksForwarded, lp.c.acksDropped, lp.c.losses)
		}
		lp.release()
	}
}

// TestFirstAcksAreBounded sends more than may wait: the rest is dropped, and told when there is a link.
func TestFirstAcksAreBounded(t *testing.T) {
	p, acks := farSpout(t)
	lp := offline(t, p, 1, "optimized")
	for lp.c.acksDropped == 0 {
		feed(lp, roleInstance, 2, acks)
		if n := lp.peers[2].first.frames.Len(); n > maxAcksWaiting+len(acks) {
			t.Fatalf("%d bytes wait", n)
		}
	}
	kinds := kindsOf(t, joinSecond(lp))
	if last := kinds[len(kinds)-1]; last != wire.KindLost || slices.Index(kinds, wire.KindLost) != len(kinds)-1 {
		t.Errorf("behind %d frames came %v, want one notice", len(kinds)-1, last)
	}
	lp.release()
}

// TestFirstAcksAreReleased has a manager stop that was never linked, or was so only by half before its first link.
func TestFirstAcksAreReleased(t *testing.T) {
	leaktest.Check(t)
	p, acks := farSpout(t)
	for _, half := range []bool{false, true} {
		lp := offline(t, p, 1, "optimized")
		feed(lp, roleInstance, 2, acks)
		if half {
			broken := &link{conn: &fakeConn{loop: &fakeLoop{}}, container: 2}
			lp.closed(broken, nil)
			if got := kindsOf(t, joinSecond(lp)); got[len(got)-1] != wire.KindAck || lp.c.acksForwarded != 4 {
				t.Errorf("the link that followed got %v", got)
			}
		}
		lp.release()
		if n := lp.peers[2].first.frames.Len(); n != 0 {
			t.Errorf("%d bytes are held", n)
		}
	}
}
