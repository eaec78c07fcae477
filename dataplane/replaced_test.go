package dataplane

import (
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// duplicate reads the answer to the hello of a process that was replaced by one of incarnation 2.
func (tt *testTask) duplicate() {
	tt.t.Helper()
	h, body := tt.read()
	if h.Kind != wire.KindError {
		tt.t.Fatalf("the process that was replaced got %+v", h)
	}
	if remote, err := wire.ParseError(body); err != nil || remote.Code != wire.CodeDuplicate || !strings.Contains(remote.Text, "incarnation 2") {
		tt.t.Errorf("the process that was replaced is refused by %v, %v", remote, err)
	}
}

// TestReplacedTaskIsRefusedBehindTheEnd has a process dial again that was replaced, when its successor has ended the
// stream and hung up.
func TestReplacedTaskIsRefusedBehindTheEnd(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	m := startManager(t, Config{Plan: p, Container: 1})
	bolt, successor := dialTask(t, p, 2), dialAs(t, p, 1, 2)
	successor.write(frames(t, p, 4096, "one"))
	successor.end()
	if got := bolt.wordsUntilEnd(); !slices.Equal(got, []string{"one"}) {
		t.Fatalf("the bolt got %q", got)
	}
	successor.conn.Close()
	await(t, "the successor is gone", func() bool { return m.Metrics().Links == 1 })
	helloAs(t, p, 1, 1).duplicate()
	again := dialAs(t, p, 1, 2) // whose end was not answered
	again.end()
	again.want("when it is back", again.until())
}

// TestReplacedManagerIsRefused is the same for a stream manager, whose successor's link is gone for a moment.
func TestReplacedManagerIsRefused(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 2, topology.Shuffle("words"))
	m := startManager(t, Config{Plan: p, Container: 2})
	hello := func(incarnation uint64) *testTask {
		peer := dialRaw(t, p, "tcp", p.Containers[1].Address)
		peer.write(wire.AppendHello(nil, wire.Hello{
			Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch, Container: 1, Incarnation: incarnation,
		}))
		return peer
	}
	successor := hello(2)
	if h, _ := successor.read(); h.Kind != wire.KindWelcome {
		t.Fatalf("the successor got %+v", h)
	}
	successor.conn.Close()
	await(t, "the successor is gone", func() bool { return m.Metrics().Links == 0 })
	hello(1).duplicate()
}

// TestDataBehindTheEndOfAnEarlierProcessIsDropped replaces a task whose process has ended the stream and had no time to
// say so to anybody else. The successor gets its credit back all the same.
func TestDataBehindTheEndOfAnEarlierProcessIsDropped(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	m := startManager(t, Config{Plan: p, Container: 1, Credit: 4096})
	bolt, old := dialTask(t, p, 2), dialTask(t, p, 1)
	old.write(frames(t, p, 4096, "one"))
	old.end()
	if got := bolt.wordsUntilEnd(); !slices.Equal(got, []string{"one"}) {
		t.Fatalf("the bolt got %q", got)
	}
	successor := dialAs(t, p, 1, 2)
	successor.write(frames(t, p, 1<<20, "two", strings.Repeat("x", 4096)))
	if h, _ := successor.read(); h.Kind != wire.KindCredit || h.Count < 4096 {
		t.Errorf("the successor got %+v, want its credit", h)
	}
	successor.end()
	successor.until()
	bolt.want("behind the end", bolt.until(), order{wire.KindEnd, 2}) // once more, which it counts once
	if n := m.Metrics().Dropped; n != 2 {
		t.Errorf("%d tuples are dropped, want 2", n)
	}
}
