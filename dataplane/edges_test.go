package dataplane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// tracked is what topologies of tests declare whose tuples are tracked.
var tracked = topology.Delivery{Guarantee: topology.AtLeastOnce}

// copiesPlan returns a plan of a spout of two tasks and of consumers of its
// stream with any grouping, in any order, over any number of containers.
func copiesPlan(t *testing.T, rng *rand.Rand) *plan.Plan {
	t.Helper()
	groupings := []topology.Option{
		topology.Shuffle("s"), topology.LocalShuffle("s"), topology.None("s"), topology.Global("s"),
		topology.All("s"), topology.Fields("s", "a"), topology.Fields("s", "b"), topology.Direct("s"),
	}
	b := topology.NewBuilder("copies").Deliver(tracked).
		Spout("s", func() topology.Spout { return nil }, topology.Parallelism(2), topology.Output("a", "b"))
	for i := range 1 + rng.IntN(5) {
		b.Bolt(fmt.Sprint("bolt-", i), func() topology.Bolt { return nil }, topology.Parallelism(1+rng.IntN(4)),
			groupings[rng.IntN(len(groupings))])
	}
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	l := plan.NewLogical(top)
	return plan.New(l, plan.PackRoundRobin(l, 1+rng.IntN(3)), 7, 99, func(uint32) (string, string) { return "", "" })
}

// rootedTuple returns a tuple of two fields with an edge, and a root of the task.
func rootedTuple(rng *rand.Rand, hashes int, task uint32, seq uint64) *wirepb.Tuple {
	t := plainTuple(rng.Uint64(), fmt.Sprint("word", rng.IntN(1000)))
	for len(t.KeyHash) < hashes {
		t.KeyHash = append(t.KeyHash, rng.Uint64())
	}
	t.Values = append(t.Values, &wirepb.Value{Kind: &wirepb.Value_Int{Int: int64(seq)}})
	t.Edge, t.Roots = rng.Uint64()|1, []*wirepb.Root{{Task: task, Seq: seq}}
	return t
}

// TestCopiesHaveTheEdgesThatTheTrackerWaitsFor checks what spouts rely on: a
// tuple arrives plan.Copies times, with the edges that wire.EdgeSum adds up.
func TestCopiesHaveTheEdgesThatTheTrackerWaitsFor(t *testing.T) {
	seeds := uint64(60)
	if invariants.Enabled {
		seeds = 15 // checked builds are slow
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 4))
		p := copiesPlan(t, rng)
		var steps []step
		first := map[int64]*wirepb.Tuple{} // by last value, which is a serial number
		for serial := uint64(0); serial < 200; {
			source := 1 + rng.Uint32N(2)
			var tuples []*wirepb.Tuple
			for range 1 + rng.IntN(10) {
				tuple := rootedTuple(rng, len(p.Streams[0].KeySets), source, serial)
				if rng.IntN(8) == 0 {
					tuple.Edge, tuple.Roots = 0, nil // emitted without being tracked
				}
				first[int64(serial)] = tuple
				tuples = append(tuples, tuple)
				serial++
			}
			steps = append(steps, step{source, anchor(encodeFrame(p, 0, source, 0, tuples...))})
		}
		for _, mode := range slices.Concat(allModes, hashedModes, []string{"optimized-hash"}) {
			checkCopies(t, fmt.Sprint("seed ", seed, ", ", mode), p, first, play(t, p, mode, steps))
		}
		if t.Failed() {
			return
		}
	}
}

// checkCopies compares what all tasks got of each tuple with what was emitted.
func checkCopies(t *testing.T, name string, p *plan.Plan, first map[int64]*wirepb.Tuple, got map[uint32][]item) {
	t.Helper()
	sums, copies := map[int64]uint64{}, map[int64]int{}
	for _, list := range got {
		for _, i := range list {
			var b wirepb.TupleBatch
			if err := wire.ParseBatch([]byte(i.record), &b); err != nil {
				t.Fatal(err)
			}
			serial := b.Tuples[0].Values[1].GetInt()
			sums[serial] ^= b.Tuples[0].Edge
			copies[serial]++
		}
	}
	n := p.Copies(0)
	for serial, tuple := range first {
		want := uint64(0)
		if n > 0 && tuple.Edge != 0 {
			want = wire.EdgeSum(tuple.Edge, n)
		}
		if copies[serial] != n || sums[serial] != want {
			t.Fatalf("%s: %d copies with edges that make %#x, want %d that make %#x", name, copies[serial], sums[serial], n, want)
		}
	}
}

func TestFramesWithoutTheFlagKeepTheirEdges(t *testing.T) {
	for _, mode := range allModes {
		p := testPlan(t, 2, 1, topology.All("words"))
		lp := offline(t, p, 1, mode)
		frame := encodeFrame(p, 0, 1, 0, rootedTuple(rand.New(rand.NewPCG(1, 1)), 0, 1, 5))
		feed(lp, roleInstance, 1, frame)
		lp.fwd.flush()
		a, b := items(t, 2, queued(lp.dests[2].out), false), items(t, 3, queued(lp.dests[3].out), false)
		if !slices.Equal(a, b) || len(a) != 1 || a[0].record != string(frame[wire.HeaderSize:]) {
			t.Errorf("%s: tasks got %v and %v", mode, a, b)
		}
	}
}

func TestMalformedEdgesAreRefused(t *testing.T) {
	tuple := []byte{0x22, 3, 0x1a, 1, 'x', 0x11, 1, 2} // an edge cut short
	body := append(wire.AppendRecordHeader(nil, len(tuple)), tuple...)
	for _, mode := range allModes {
		p := testPlan(t, 2, 1, topology.All("words"))
		lp := offline(t, p, 1, mode)
		h := wire.Header{Kind: wire.KindData, Flags: wire.FlagAnchored, Source: 1, Count: 1, Epoch: p.Epoch, Length: uint32(len(body))}
		want := wire.ErrRecord
		if lp.m.cfg.Mode.Optimized {
			want = wire.ErrAnchors
		}
		if err := lp.fwd.route(h, append(wire.AppendHeader(nil, h), body...)); !errors.Is(err, want) {
			t.Errorf("%s: route returns %v, want %v", mode, err, want)
		}
		lp.release()
	}
}
