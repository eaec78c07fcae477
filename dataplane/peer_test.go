package dataplane

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// acceptPeer plays container 2's stream manager: it takes the next dialled
// link, answers the hello and grants credit.
func acceptPeer(t *testing.T, l net.Listener, tt *testTask) *testTask {
	t.Helper()
	peer, container := acceptAny(t, l, tt.plan)
	if container != 1 {
		t.Fatalf("the link is that of container %d", container)
	}
	return peer
}

// acceptAny is acceptPeer for a link of whatever container.
func acceptAny(t *testing.T, l net.Listener, p *plan.Plan) (*testTask, uint32) {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	peer := &testTask{t: t, conn: c, plan: p}
	h, body := peer.read()
	hello, err := wire.ParseHello(body)
	if h.Kind != wire.KindHello || err != nil {
		t.Fatalf("the link begins with %v, %+v, %v", h.Kind, hello, err)
	}
	peer.write(wire.AppendWelcome(nil, wire.Welcome{Epoch: p.Epoch, Credit: 1 << 20}))
	if h, _ := peer.read(); h.Kind != wire.KindCredit {
		t.Fatalf("the welcome is answered by %v, want credit", h.Kind)
	}
	return peer, hello.Container
}

func TestPeerIsRedialledAndKeepsItsQueue(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 2, topology.Fields("words", "word")) // the bolt is in container 2
	listener, err := net.Listen("tcp", p.Containers[1].Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	m := startManager(t, Config{Plan: p, Container: 1})
	spout := dialTask(t, p, 1)

	first := acceptPeer(t, listener, spout)
	spout.write(frames(t, p, 4096, "one"))
	if h, body := first.read(); h.Kind != wire.KindData || h.Dest != 2 || wordsIn(t, body)[0] != "one" {
		t.Fatalf("the peer got %+v", h)
	}
	first.conn.Close()

	second := acceptPeer(t, listener, spout)
	spout.write(frames(t, p, 4096, "two"))
	if h, body := second.read(); h.Kind != wire.KindData || wordsIn(t, body)[0] != "two" {
		t.Fatalf("the peer got %+v", h)
	}
	if lost := m.Metrics().LinksLost; lost != 1 {
		t.Errorf("%d links lost are counted, want 1", lost)
	}
}

func TestPeerAnnouncementsClampSpouts(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 2, topology.Fields("words", "word"))
	listener, err := net.Listen("tcp", p.Containers[1].Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	startManager(t, Config{Plan: p, Container: 1})
	spout := dialTask(t, p, 1)
	peer := acceptPeer(t, listener, spout)

	mark := func(kind wire.Kind, level uint32) {
		peer.write(wire.AppendHeader(nil, wire.Header{Kind: kind, Dest: 2, Count: level, Epoch: p.Epoch}))
		if h, _ := spout.read(); h.Kind != kind || h.Dest != 2 {
			t.Fatalf("after %v of the peer the spout got %v", kind, h.Kind)
		}
	}
	mark(wire.KindClamp, 1)
	mark(wire.KindRelease, 0)
	mark(wire.KindClamp, 2)
	peer.conn.Close() // what it had announced is void until it is back
	if h, _ := spout.read(); h.Kind != wire.KindRelease {
		t.Fatalf("when the peer is gone the spout got %v, want a release", h.Kind)
	}
	acceptPeer(t, listener, spout)
}

func TestRunEndsWhileDialling(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 2, topology.Fields("words", "word")) // nobody listens for container 2
	m, err := New(Config{Plan: p, Container: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	<-m.Ready()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if m.Metrics().Tuples != 0 {
		t.Error("figures after the end are not the last ones")
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	bad := Config{Plan: p, Container: 3, LowMark: 9, HighMark: 5, Window: 1, Credit: 2 << 30}
	err := bad.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, word := range []string{"Container 3", "LowMark 9", "Window is 1", "Credit is"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not named in: %v", word, err)
		}
	}
	if err := (Config{Plan: p, Container: 1}).Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	for _, path := range []string{"/run/a#b/sm.sock", "/run/a?b/sm.sock", "/run/a%b/sm.sock"} {
		q := testPlan(t, 1, 1, topology.Shuffle("words"))
		q.Containers[0].Socket = path
		if err := (Config{Plan: q, Container: 1}).Validate(); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a socket at %s: %v", path, err)
		}
	}
}

func TestModes(t *testing.T) {
	for _, name := range append([]string{"naive+pool", "naive+lazy+inplace", "optimized-hash", "optimized-procs-drain"}, Modes...) {
		if m, err := ParseMode(name); err != nil || m.String() != name {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	for _, name := range []string{
		"", "fast", "naive+", "optimized+pool", "naive+speed",
		"optimized-", "optimized-speed", "optimized-hash-", "optimized-hash-hash", "naive-hash", "heron2017-drain", "optimized-hash+pool",
	} {
		if _, err := ParseMode(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestEndsAreRepeatedToATaskThatComesBack(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	startManager(t, Config{Plan: p, Container: 1})
	first, spout := dialTask(t, p, 2), dialTask(t, p, 1)
	spout.write(frames(t, p, 4096, "one"))
	spout.end()
	if got := first.wordsUntilEnd(); len(got) != 1 {
		t.Fatalf("got %q", got)
	}
	// The link breaks before the task has done anything about it.
	again := dialTask(t, p, 2)
	if got := again.wordsUntilEnd(); len(got) != 0 {
		t.Errorf("the second link got %q before the end", got)
	}
}
