package dataplane

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// TestAckerAddsUpToTheTrackerOfTheSpout sends tuples in pieces, acks them in any
// order, and compares with what a spout waits for: the pieces that the acker
// tells of make the whole, and never before everything is acked.
func TestAckerAddsUpToTheTrackerOfTheSpout(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 8))
		a := newAcker(time.Minute)
		spout, open := map[root]uint64{}, map[root][]uint64{}
		for range 3000 {
			r := root{1 + rng.Uint32N(2), rng.Uint64N(50)}
			if edges := open[r]; len(edges) > 0 && rng.IntN(3) > 0 {
				i := rng.IntN(len(edges))
				word := edges[i]
				open[r] = slices.Delete(edges, i, i+1)
				for range rng.IntN(3) { // emits tuples anchored to it
					child := rng.Uint64()
					word ^= child
					open[r] = append(open[r], child)
				}
				if sent, done := a.ack(r, word); done {
					spout[r] ^= sent
					if len(open[r]) != 0 {
						t.Fatalf("%v is complete with %d edges open", r, len(open[r]))
					}
				}
				continue
			}
			edge := rng.Uint64()
			spout[r] ^= edge
			open[r] = append(open[r], edge)
			a.send(r, edge)
		}
		for r, edges := range open {
			for _, e := range edges {
				if sent, done := a.ack(r, e); done {
					spout[r] ^= sent
				}
			}
			if spout[r] != 0 {
				t.Fatalf("%v is not complete when everything is acked", r)
			}
		}
		if n := a.len(); n != 0 {
			t.Errorf("%d roots are left", n)
		}
	}
}

func TestAckerForgetsOldRootsAndNoYoungOnes(t *testing.T) {
	a := newAcker(10 * tickPeriod)
	a.send(root{1, 1}, 7)
	for range 10 {
		a.tick(false)
	}
	a.send(root{1, 2}, 8)
	a.tick(true)
	if a.len() != 2 {
		t.Fatalf("%d roots after the timeout, want 2", a.len())
	}
	for range 5 {
		a.tick(false)
	}
	if _, done := a.ack(root{1, 1}, 7); done || a.len() != 1 {
		t.Errorf("a root is there after one and a half timeouts; %d are left", a.len())
	}
	for range 1000 {
		a.tick(true) // the spout is clamped
	}
	if sent, done := a.ack(root{1, 2}, 8); !done || sent != 8 {
		t.Errorf("a root was forgotten while its spout was clamped")
	}
	if _, done := a.ack(root{1, 2}, 8); done {
		t.Error("a root is complete twice")
	}
	if least := newAcker(topology.MinMessageTimeout).period; least != 1 {
		t.Errorf("the shortest timeout rotates every %d ticks", least)
	}
}

func TestAckerIsBounded(t *testing.T) {
	defer func(n int) { maxRoots = n }(maxRoots)
	maxRoots = 10
	a := newAcker(time.Hour)
	for i := range uint64(25) {
		a.send(root{1, i}, i+1)
		if a.len() > maxRoots {
			t.Fatalf("%d roots are held", a.len())
		}
	}
	if sent, done := a.ack(root{1, 24}, 25); !done || sent != 25 {
		t.Error("the newest root is forgotten")
	}
}

// ackedPlan returns a plan of a spout (task 1) whose stream two bolts (2 and 3,
// and 4) get by routing and one (5) by direct grouping.
func ackedPlan(t *testing.T, packing ...[]uint32) *plan.Plan {
	t.Helper()
	bolt := func() topology.Bolt { return nil }
	top, err := topology.NewBuilder("acked").Deliver(tracked).
		Spout("s", func() topology.Spout { return nil }, topology.Output("word")).
		Bolt("all", bolt, topology.Parallelism(2), topology.All("s")).
		Bolt("key", bolt, topology.Fields("s", "word")).
		Bolt("direct", bolt, topology.Direct("s")).Build()
	if err != nil {
		t.Fatal(err)
	}
	q := chainPlan(t, tracked, packing...) // for its addresses
	return plan.New(plan.NewLogical(top), packing, 7, 99, func(id uint32) (string, string) {
		c := q.Container(id)
		return c.Socket, c.Address
	})
}

// readRecords reads data until it has n records and returns their edges by seq.
func (tt *testTask) readRecords(n int) map[uint64]uint64 {
	tt.t.Helper()
	edges := map[uint64]uint64{}
	for len(edges) < n {
		h, body := tt.read()
		if h.Kind != wire.KindData {
			continue
		}
		var b wirepb.TupleBatch
		if err := wire.ParseBatch(body, &b); err != nil {
			tt.t.Fatal(err)
		}
		for _, t := range b.Tuples {
			edges[t.Roots[0].Seq] = t.Edge
		}
	}
	return edges
}

// TestAckingEndToEnd acks tuples in all modes, in one container and in several:
// what the spout is told makes, by exclusive or, the edges of all copies. In
// the modes that decode it is told once for each frame that its tuple came in.
func TestAckingEndToEnd(t *testing.T) {
	const tuples = 4000 // more than one set holds
	for _, mode := range []string{"optimized", "naive", "naive-unbatched", "heron2017"} {
		for name, packing := range map[string][][]uint32{
			"one container": {{1, 2, 3, 4, 5}}, "three containers": {{2, 5}, {1, 3}, {4}},
		} {
			t.Run(fmt.Sprint(mode, " in ", name), func(t *testing.T) {
				leaktest.Check(t)
				md, err := ParseMode(mode)
				if err != nil {
					t.Fatal(err)
				}
				p := ackedPlan(t, packing...)
				m := startAll(t, p, md)[p.ContainerOf(1).ID-1]
				spout := dialTask(t, p, 1)
				rng := rand.New(rand.NewPCG(2, 3))
				var routed, direct []*wirepb.Tuple
				want := map[uint64]uint64{}
				for seq := uint64(1); seq <= tuples; seq++ {
					a, b := rootedTuple(rng, 1, 1, seq), rootedTuple(rng, 1, 1, seq)
					routed, direct = append(routed, a), append(direct, b)
					want[seq] = wire.EdgeSum(a.Edge, 3) ^ b.Edge
				}
				got := map[uint64]uint64{}
				acksPerTuple := 3
				if !md.Optimized {
					acksPerTuple = 1
				}
				ackAll(t, spout, got, acksPerTuple*tuples, anchor(encodeFrame(p, 0, 1, 0, routed...)), 2, 3, 4)
				ackAll(t, spout, got, tuples, anchor(encodeFrame(p, 0, 1, 5, direct...)), 5)
				for seq, sum := range want {
					if got[seq] != sum {
						t.Fatalf("of tuple %d the spout was told %#x, want %#x", seq, got[seq], sum)
					}
				}
				if left := m.Metrics().TrackedRoots; left != 0 {
					t.Errorf("%d roots are left", left)
				}
				spout.want("at the end", spout.until())
			})
		}
	}
}

// ackAll sends a frame of the spout's, lets the tasks ack what they get of it, and
// adds the words that the spout is told to got.
func ackAll(t *testing.T, spout *testTask, got map[uint64]uint64, words int, frame []byte, tasks ...uint32) {
	t.Helper()
	spout.write(frame)
	h, _ := wire.ParseHeader(frame)
	n := int(h.Count)
	for _, id := range tasks {
		bolt := dialTask(t, spout.plan, id)
		var list []entry
		for seq, edge := range bolt.readRecords(n) {
			list = append(list, entry{seq, edge})
		}
		bolt.write(ackFrame(spout.plan, id, 1, list...))
	}
	for words > 0 {
		h, body := spout.read()
		if h.Kind != wire.KindAck {
			continue
		}
		for _, e := range entriesOf(t, body) {
			got[e.seq] ^= e.word
			words--
		}
	}
}

func TestFailuresEndTracking(t *testing.T) {
	for _, mode := range []string{"naive", "heron2017"} {
		md, err := ParseMode(mode)
		if err != nil {
			t.Fatal(err)
		}
		p := chainPlan(t, tracked, []uint32{1, 4}, []uint32{2, 3})
		m := startAll(t, p, md)[0]
		spout, bolt := dialTask(t, p, 1), dialTask(t, p, 2)
		one := rootedTuple(rand.New(rand.NewPCG(1, 1)), 0, 1, 77)
		spout.write(anchor(encodeFrame(p, 0, 1, 0, one)))
		if got := bolt.readRecords(1); got[77] != one.Edge {
			t.Fatalf("%s: the bolt got %v", mode, got)
		}
		if n := m.Metrics().TrackedRoots; n != 1 {
			t.Errorf("%s: %d roots are tracked, want 1", mode, n)
		}
		bolt.write(ackFrame(p, 2, 1, entry{78, 1})) // of nobody
		bolt.write(failFrame(p, 2, 1, 77))
		bolt.write(ackFrame(p, 2, 1, entry{77, one.Edge}))
		if h, _ := spout.read(); h.Kind != wire.KindFail {
			t.Errorf("%s: the spout got %+v", mode, h)
		}
		if n := m.Metrics().TrackedRoots; n != 0 {
			t.Errorf("%s: %d roots are tracked after the failure", mode, n)
		}
		spout.want("at the end", spout.until())
	}
}

// TestOwnEdges acks tuples that carry no edge, as spouts emit them where one copy is made.
func TestOwnEdges(t *testing.T) {
	for _, mode := range []string{"optimized", "naive", "heron2017"} {
		md, err := ParseMode(mode)
		if err != nil {
			t.Fatal(err)
		}
		p := chainPlan(t, tracked, []uint32{1, 4}, []uint32{2, 3})
		m := startAll(t, p, md)[0]
		spout, bolt := dialTask(t, p, 1), dialTask(t, p, 2)
		one := rootedTuple(rand.New(rand.NewPCG(1, 1)), 0, 0, 77)
		one.Edge = 0
		spout.write(anchor(encodeFrame(p, 0, 1, 0, one)))
		if got := bolt.readRecords(1); got[77] != 0 {
			t.Fatalf("%s: the bolt got %v", mode, got)
		}
		if n := m.Metrics().TrackedRoots; !md.Optimized && n != 1 {
			t.Errorf("%s: %d roots are tracked, want 1", mode, n)
		}
		bolt.write(ackFrame(p, 2, 1, entry{77, wire.OwnEdge(77)}))
		if got, want := spout.readAcks(2), []entry{{77, wire.OwnEdge(77)}}; !slices.Equal(got, want) {
			t.Errorf("%s: the spout got %v, want %v", mode, got, want)
		}
		if n := m.Metrics().TrackedRoots; n != 0 {
			t.Errorf("%s: %d roots are left", mode, n)
		}
		spout.want("at the end", spout.until())
	}
}

// TestRootsOfOthersAreNotTracked checks that neither what a bolt emits, nor what
// a spout emits with another task's root or without one, is tracked.
func TestRootsOfOthersAreNotTracked(t *testing.T) {
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	lp := offline(t, p, 1, "naive")
	rng := rand.New(rand.NewPCG(1, 1))
	feed(lp, roleInstance, 2, anchor(encodeFrame(p, 1, 2, 0, rootedTuple(rng, 0, 1, 5))))
	feed(lp, roleInstance, 2, anchor(encodeFrame(p, 1, 2, 0, rootedTuple(rng, 0, 2, 5))))
	feed(lp, roleInstance, 1, anchor(encodeFrame(p, 0, 1, 0, rootedTuple(rng, 0, 4, 5), plainTuple(1, "x"))))
	feed(lp, roleInstance, 1, encodeFrame(p, 0, 1, 0, rootedTuple(rng, 0, 1, 5)))
	feed(lp, roleInstance, 4, anchor(encodeFrame(p, 2, 4, 0, rootedTuple(rng, 0, 4, 5)))) // nobody consumes it
	if n := lp.fwd.tracked(); n != 0 {
		t.Errorf("%d roots are tracked, want none", n)
	}
	feed(lp, roleInstance, 1, anchor(encodeFrame(p, 0, 1, 0, rootedTuple(rng, 0, 1, 5))))
	if n := lp.fwd.tracked(); n != 1 {
		t.Errorf("%d roots are tracked, want 1", n)
	}
	lp.fwd.flush()
	lp.release()
}
