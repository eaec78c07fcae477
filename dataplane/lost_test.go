package dataplane

import (
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// order is a clamp, release or lost frame.
type order struct {
	kind wire.Kind
	dest uint32
}

// orders reads that many frames and returns them, less those of other kinds.
func (tt *testTask) orders(n int) (list []order) {
	tt.t.Helper()
	for len(list) < n {
		h, _ := tt.read()
		if h.Kind == wire.KindClamp || h.Kind == wire.KindRelease || h.Kind == wire.KindLost {
			list = append(list, order{h.Kind, h.Dest})
		}
	}
	return list
}

// until returns the frames up to the answer to a ping, less credit.
func (tt *testTask) until() (list []order) {
	tt.t.Helper()
	tt.write(wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Epoch: tt.plan.Epoch}))
	for {
		h, _ := tt.read()
		switch h.Kind {
		case wire.KindPong:
			return list
		case wire.KindCredit:
		default:
			list = append(list, order{h.Kind, h.Dest})
		}
	}
}

func (tt *testTask) want(what string, got []order, want ...order) {
	tt.t.Helper()
	if !slices.Equal(got, want) {
		tt.t.Errorf("%s: task %d got %v, want %v", what, tt.id, got, want)
	}
}

func clamped(task uint32) order  { return order{wire.KindClamp, task} }
func released(task uint32) order { return order{wire.KindRelease, task} }
func lost(task uint32) order     { return order{wire.KindLost, task} }

func TestLostTaskIsToldWhenItIsBack(t *testing.T) {
	for name, packing := range map[string][][]uint32{
		"in one container":    {{1, 2, 3, 4}},
		"in three containers": {{4}, {2, 3}, {1}},
	} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			p := chainPlan(t, tracked, packing...)
			managers := startAll(t, p, Mode{})
			spout, other := dialTask(t, p, 1), dialTask(t, p, 4)
			for _, id := range []uint32{2, 3} {
				dialTask(t, p, id).conn.Close()
				spout.want("when the link breaks", spout.orders(1), clamped(id))
				bolt := dialTask(t, p, id)
				spout.want("when it is back", spout.orders(2), lost(id), released(id))
				bolt.want("when it is back", bolt.until())
			}
			other.want("at the end", other.until())
			spout.want("at the end", spout.until())
			if m := managers[p.ContainerOf(2).ID-1].Metrics(); m.Losses != 2 || m.LinksLost != 2 || m.Clamped != 0 {
				t.Errorf("%d losses, %d links lost and %d clamped are counted, want 2, 2 and 0", m.Losses, m.LinksLost, m.Clamped)
			}
		})
	}
}

func TestSpoutThatConnectsIsClampedByALostTask(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	startManager(t, Config{Plan: p, Container: 1})
	first := dialTask(t, p, 1)
	dialTask(t, p, 3).conn.Close()
	first.want("when the link breaks", first.orders(1), clamped(3))
	second := dialTask(t, p, 1)
	second.want("when it connects", second.until(), clamped(3))
	dialTask(t, p, 3)
	second.want("when the task is back", second.orders(2), lost(3), released(3))
}

func TestNothingIsLostWhereNothingIsTracked(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, topology.Delivery{}, []uint32{1, 2, 3, 4})
	m := startManager(t, Config{Plan: p, Container: 1, Restarted: true})
	spout, bolt := dialTask(t, p, 1), dialTask(t, p, 2)
	bolt.conn.Close()
	for m.Metrics().LinksLost == 0 {
	}
	dialTask(t, p, 2)
	spout.want("at the end", spout.until())
	if m := m.Metrics(); m.Losses != 0 || m.Clamped != 0 {
		t.Errorf("%d losses and %d clamped are counted", m.Losses, m.Clamped)
	}
}

// TestLostFrameOfATupleIsFollowedByANotice drops a tuple on its way to a lost task.
func TestTupleForALostTaskIsFollowedByANotice(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	m := startManager(t, Config{Plan: p, Container: 1})
	spout := dialTask(t, p, 1)
	dialTask(t, p, 2).conn.Close()
	spout.want("when the link breaks", spout.orders(1), clamped(2))
	spout.write(frames(t, p, 4096, "gone"))
	spout.want("before the task is back", spout.until())
	if n := m.Metrics().Dropped; n != 1 {
		t.Errorf("%d tuples are dropped, want 1", n)
	}
	bolt := dialTask(t, p, 2)
	spout.want("when it is back", spout.orders(2), lost(2), released(2))
	spout.write(frames(t, p, 4096, "again"))
	if h, body := bolt.read(); h.Kind != wire.KindData || wordsIn(t, body)[0] != "again" {
		t.Errorf("the task got %+v", h)
	}
}

func TestFinishedTaskIsNotLost(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	m := startManager(t, Config{Plan: p, Container: 1})
	spout, bolt := dialTask(t, p, 1), dialTask(t, p, 2)
	spout.end()
	bolt.wordsUntilEnd()
	end := wire.Header{Kind: wire.KindEnd, Source: 2, Stream: 1, Epoch: p.Epoch}
	bolt.write(wire.AppendHeader(nil, end))
	bolt.conn.Close()
	for m.Metrics().Links > 1 {
	}
	spout.want("at the end", spout.until())
	if n := m.Metrics().LinksLost; n != 0 {
		t.Errorf("%d links lost are counted", n)
	}
}

// TestRepeatedEndsAreCountedOnce checks that a task with two streams that ends
// one of them twice has not finished.
func TestRepeatedEndsAreCountedOnce(t *testing.T) {
	p := mixedPlan(t, rand.New(rand.NewPCG(1, 1)))
	lp := offline(t, p, p.ContainerOf(1).ID, "optimized")
	end := wire.AppendHeader(nil, wire.Header{Kind: wire.KindEnd, Source: 1, Epoch: p.Epoch})
	for range 4 {
		feed(lp, roleInstance, 1, end)
	}
	if lp.dests[1].finished() {
		t.Error("a task is finished that has ended one of its four streams")
	}
	lp.release()
}

// TestLostPeerIsToldToAllSides breaks the link between two containers: spouts
// in each of them, and in a third one, learn of it.
func TestLostPeerIsToldToAllSides(t *testing.T) {
	for name, packing := range map[string][][]uint32{
		"spout on the dialling side":  {{1, 2}, {3}, {4}},
		"spout on the accepting side": {{3}, {1, 2}, {4}},
		"spout in a third container":  {{2}, {3}, {1, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			p := chainPlan(t, tracked, packing...)
			managers := startAll(t, p, Mode{})
			spout, other := dialTask(t, p, 1), dialTask(t, p, 4)
			var joined [2]uint64
			count := func() {
				for i := range joined {
					joined[i] = managers[i].Metrics().LinksLost
				}
			}
			managers[0].post(func() { managers[0].loop.close(managers[0].loop.peers[2].link) })
			for joined != [2]uint64{1, 1} {
				count()
			}
			awaitPeers(managers[0])
			awaitPeers(managers[1])
			got := spout.orders(1)
			if p.ContainerOf(1).ID == 3 {
				got = append(got, spout.orders(1)...) // of each side
				slices.SortFunc(got, func(a, b order) int { return int(a.dest) - int(b.dest) })
				spout.want("when the link is back", got, lost(2), lost(3))
			} else {
				spout.want("when the link is back", got, lost(3))
			}
			other.want("at the end", other.until())
			spout.want("at the end", spout.until())
		})
	}
}

// TestNoticesOfAPeer plays container 2, which tells of a task of its own and of one of a third.
func TestNoticesOfAPeer(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{1, 4}, []uint32{2}, []uint32{3})
	listener, err := net.Listen("tcp", p.Containers[1].Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	startManager(t, Config{Plan: p, Container: 1})
	spout, other := dialTask(t, p, 1), dialTask(t, p, 4)
	peer := acceptPeer(t, listener, spout)
	for _, id := range []uint32{2, 3} {
		peer.write(wire.AppendHeader(nil, wire.Header{Kind: wire.KindLost, Dest: id, Epoch: p.Epoch}))
		spout.want("after a notice", spout.orders(1), lost(id))
	}
	other.want("at the end", other.until())
	spout.want("at the end", spout.until())
	// Notices are told to those concerned, and not passed on to other managers.
	peer.write(wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Epoch: p.Epoch}))
	if h, _ := peer.read(); h.Kind != wire.KindPong {
		t.Errorf("the peer got %+v", h)
	}
}

// TestPeerIsToldOfALostTask plays container 2, of which the spout is: it hears
// of the clamp, of the loss and of the release, in that order, again when it connects anew.
func TestPeerIsToldOfALostTask(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{2, 3, 4}, []uint32{1})
	listener, err := net.Listen("tcp", p.Containers[1].Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	m := startManager(t, Config{Plan: p, Container: 1})
	bolt := dialTask(t, p, 2)
	first := acceptPeer(t, listener, bolt)
	bolt.conn.Close()
	first.want("when the link breaks", first.orders(1), clamped(2))
	first.conn.Close()
	for m.Metrics().LinksLost < 2 {
	}
	dialTask(t, p, 3).conn.Close()
	for m.Metrics().LinksLost < 3 {
	}
	dialTask(t, p, 3) // is back while the peer is not there: that is told later
	second := acceptPeer(t, listener, bolt)
	second.want("when it connects", second.orders(2), clamped(2), lost(3))
	dialTask(t, p, 2)
	second.want("when the task is back", second.orders(2), lost(2), released(2))
}

func TestManagerThatWasRestarted(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	startManager(t, Config{Plan: p, Container: 1, Restarted: true, Ended: []uint32{1, 2}})
	other, third := dialTask(t, p, 4), dialTask(t, p, 3)
	if h, _ := third.read(); h.Kind != wire.KindEnd || h.Source != 2 || h.Dest != 3 || h.Stream != 1 {
		t.Errorf("task 3 got %+v, want the end of task 2", h)
	}
	third.want("at the end", third.until())
	other.want("at the end", other.until())
	spout := dialTask(t, p, 1)
	spout.want("tasks that have ended, or are there", spout.until())
	dialTask(t, p, 2)
	spout.want("a task that had ended", spout.orders(1), lost(2))
}

func TestManagerThatWasRestartedClampsUntilAllAreThere(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	startManager(t, Config{Plan: p, Container: 1, Restarted: true})
	spout := dialTask(t, p, 1)
	spout.want("at first", spout.until(), clamped(2), clamped(3))
	spout.write(frames(t, p, 4096, "early"))
	bolt := dialTask(t, p, 2)
	spout.want("when one is there", spout.orders(2), lost(2), released(2))
	if h, _ := bolt.read(); h.Kind != wire.KindData {
		t.Errorf("the bolt got %+v, want the tuple that waited", h)
	}
	dialTask(t, p, 3)
	spout.want("when all are there", spout.orders(2), lost(3), released(3))
}

// TestRestartIsToldToThirdContainers plays container 3, of which the spout is,
// towards a manager that was restarted and one that was not.
func TestPeersOfAManagerThatWasRestarted(t *testing.T) {
	leaktest.Check(t)
	p := chainPlan(t, tracked, []uint32{2}, []uint32{3}, []uint32{1, 4})
	listener, err := net.Listen("tcp", p.Containers[2].Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	startManager(t, Config{Plan: p, Container: 2})
	m := startManager(t, Config{Plan: p, Container: 1, Restarted: true})
	var of []uint32
	peers := map[uint32]*testTask{}
	for range 2 {
		peer, container := acceptAny(t, listener, p)
		peers[container] = peer
		of = append(of, container)
	}
	if len(peers) != 2 {
		t.Fatalf("containers %d have dialled, want 1 and 2", of)
	}
	for joined := false; !joined; {
		m.post(func() { joined = m.loop.peers[2].link != nil })
	}
	got := peers[1].orders(2)
	slices.SortFunc(got, func(a, b order) int { return int(a.dest) - int(b.dest) })
	peers[1].want("restarted", got, clamped(2), lost(3))
}

func TestHalfMadeLinkCountsAsLost(t *testing.T) {
	p := chainPlan(t, tracked, []uint32{1, 2}, []uint32{3, 4})
	lp := offline(t, p, 1, "optimized")
	w := spoutLink(lp)
	el := &fakeLoop{}
	half := &link{conn: &fakeConn{loop: el}, dialled: true, container: 2}
	lp.opened(half)
	lp.closed(half, nil)
	lp.joinPeer(&link{conn: &fakeConn{loop: el}, container: 2}, lp.peers[2], 1<<20)
	if len(w.list) != 1 || lp.c.losses != 1 || lp.c.linksLost != 0 {
		t.Errorf("the spout got %d frames, want one notice", len(w.list))
	}
}

func TestSilentPeerIsFoundAndBusyOneIsNot(t *testing.T) {
	leaktest.Check(t)
	if limit := (idleTicks + 1) * tickPeriod; limit.Seconds() > 4.5 {
		t.Errorf("a silent peer is found after %v", limit)
	}
	p := chainPlan(t, tracked, []uint32{1, 2}, []uint32{3, 4})
	listener, err := net.Listen("tcp", p.Containers[1].Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	m := startManager(t, Config{Plan: p, Container: 1})
	ticks := func(n int) (alive bool) {
		m.post(func() {
			lp := m.loop
			for range n {
				lp.tick()
			}
			alive = lp.peers[2].link != nil
		})
		return alive
	}
	peer := acceptPeer(t, listener, dialTask(t, p, 1))
	awaitPeers(m)
	for range 3 { // slow, but there
		peer.write(wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Epoch: p.Epoch}))
		if h, _ := peer.read(); h.Kind != wire.KindPong {
			t.Fatalf("the peer got %+v", h)
		}
		if !ticks(idleTicks - 2) { // the clock may add one or two
			t.Fatal("a peer that answers is taken for dead")
		}
	}
	if ticks(idleTicks + 1) {
		t.Error("a silent peer is not found")
	}
	for { // it was pinged, and its link is closed
		if _, _, err := peer.next(); err != nil {
			break
		}
	}
	acceptPeer(t, listener, peer)
}

func TestConfigOfARestart(t *testing.T) {
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	for want, cfg := range map[string]Config{
		"":                             {Restarted: true, Ended: []uint32{1, 4}},
		"Ended names task 5":           {Restarted: true, Ended: []uint32{1, 5}},
		"Ended names task 0":           {Restarted: true, Ended: []uint32{0}},
		"a manager that is not Restar": {Ended: []uint32{1}},
	} {
		cfg.Plan, cfg.Container = p, 1
		if err := cfg.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
