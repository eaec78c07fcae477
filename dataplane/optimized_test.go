package dataplane

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

func TestSplitFollowsTheOwnersOfTheKeyGroups(t *testing.T) {
	for tasks := 2; tasks <= 7; tasks++ {
		rng := rand.New(rand.NewPCG(uint64(tasks), 3))
		p := splitPlan(t, tasks, 1)
		lp := offline(t, p, 1, "optimized")
		want := make(map[uint32][]item)
		for range 50 {
			var tuples []*wirepb.Tuple
			for range rng.IntN(40) {
				tuple := randomTuple(rng, 1)
				tuples = append(tuples, tuple)
				m := &wirepb.TupleBatch{Tuples: []*wirepb.Tuple{tuple}}
				_ = wire.BatchSize(m)
				owner := 2 + uint32(router.KeyGroup(tuple.KeyHash[0])*tasks/router.KeyGroups)
				want[owner] = append(want[owner], item{0, 1, string(wire.AppendBatch(nil, m))})
			}
			feed(lp, roleInstance, 1, encodeFrame(p, 0, 1, 0, tuples...))
		}
		lp.fwd.flush()
		for _, d := range lp.dests[2:] {
			if got := items(t, d.task, queued(d.out), false); !slices.Equal(got, want[d.task]) {
				t.Errorf("task %d of %d got %d tuples, want %d or others", d.task, tasks, len(got), len(want[d.task]))
			}
		}
	}
}

func TestSplitTakesTheKeyOfTheConsumer(t *testing.T) {
	top, err := topology.NewBuilder("keys").
		Spout("s", func() topology.Spout { return nil }, topology.Output("a", "b")).
		Bolt("by-a", func() topology.Bolt { return nil }, topology.Parallelism(2), topology.Fields("s", "a")).
		Bolt("by-b", func() topology.Bolt { return nil }, topology.Parallelism(2), topology.Fields("s", "b")).Build()
	if err != nil {
		t.Fatal(err)
	}
	l := plan.NewLogical(top)
	p := plan.New(l, plan.PackRoundRobin(l, 1), 1, 1, func(uint32) (string, string) { return "", "" })
	for _, mode := range allModes {
		lp := offline(t, p, 1, mode)
		low, high := uint64(0), uint64(1)<<63
		feed(lp, roleInstance, 1, encodeFrame(p, 0, 1, 0, &wirepb.Tuple{KeyHash: []uint64{low, high}}))
		lp.fwd.flush()
		var got []uint32
		for _, d := range lp.dests[2:] {
			if len(items(t, d.task, queued(d.out), false)) == 1 {
				got = append(got, d.task)
			}
		}
		if want := []uint32{2, 5}; !slices.Equal(got, want) {
			t.Errorf("%s: tasks %d got the tuple, want %d", mode, got, want)
		}
		one := encodeFrame(p, 0, 1, 0, &wirepb.Tuple{KeyHash: []uint64{low, high}}, &wirepb.Tuple{KeyHash: []uint64{low}})
		h, _ := wire.ParseHeader(one)
		if err := lp.fwd.route(h, one); !errors.Is(err, wire.ErrNoKeyHash) {
			t.Errorf("%s: route returns %v for a tuple without the second key", mode, err)
		}
	}
}

func TestSplitReadsKeysInAnyOrder(t *testing.T) {
	value := []byte{0x22, 3, 0x1a, 1, 'x'}
	hash := []byte{0x09, 0, 0, 0, 0, 0, 0, 0, 0xff}
	packed := []byte{0x0a, 8, 0, 0, 0, 0, 0, 0, 0, 0xff}
	for name, fields := range map[string][][]byte{
		"key hash behind a value":  {value, hash},
		"key hash in packed form":  {packed, value},
		"a field of a newer time":  {{0x7a, 2, 1, 2}, hash, value},
		"edge before the key hash": {{0x11, 1, 2, 3, 4, 5, 6, 7, 8}, hash},
	} {
		tuple := slices.Concat(fields...)
		body := append(wire.AppendRecordHeader(nil, len(tuple)), tuple...)
		for _, mode := range allModes {
			p := splitPlan(t, 2, 1)
			lp := offline(t, p, 1, mode)
			h := wire.Header{Kind: wire.KindData, Flags: wire.FlagKeyed, Source: 1, Count: 1, Epoch: p.Epoch, Length: uint32(len(body))}
			if err := lp.fwd.route(h, append(wire.AppendHeader(nil, h), body...)); err != nil {
				t.Errorf("%s, %s: %v", name, mode, err)
				continue
			}
			lp.fwd.flush()
			if a, b := queued(lp.dests[2].out), items(t, 3, queued(lp.dests[3].out), false); len(a) != 0 || len(b) != 1 {
				t.Errorf("%s, %s: tasks got %d bytes and %d tuples, want none and one", name, mode, len(a), len(b))
			}
		}
	}
}

// TestWholeFramesShareOneRun checks that neighbours for the same task leave
// together, unchanged but for their destination, and in order with others.
func TestWholeFramesShareOneRun(t *testing.T) {
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	lp := offline(t, p, 1, "optimized")
	var frames []byte
	for i := range 5 {
		frames = append(frames, encodeFrame(p, 0, 1, 0, plainTuple(uint64(i), "w"))...)
	}
	feed(lp, roleInstance, 1, frames)
	for rest := frames; len(rest) > 0; {
		wire.PutDest(rest, 2)
		h, _ := wire.ParseHeader(rest)
		rest = rest[wire.HeaderSize+int(h.Length):]
	}
	if got := queued(lp.dests[2].out); !bytes.Equal(got, frames) {
		t.Errorf("got %x, want %x", got, frames)
	}
	if lp.run.d != nil {
		t.Error("a run is left behind the read")
	}
}

func TestSplitMergesFramesOfOneSource(t *testing.T) {
	p := splitPlan(t, 2, 1)
	lp := offline(t, p, 1, "optimized")
	for i := range 10 {
		feed(lp, roleInstance, 1, encodeFrame(p, 0, 1, 0, plainTuple(uint64(i), "a"), plainTuple(uint64(i), "b")))
	}
	if n := lp.dests[2].out.queue.Len(); n != 0 {
		t.Errorf("%d bytes were sent before the flush", n)
	}
	lp.fwd.flush()
	b := queued(lp.dests[2].out)
	if h, _ := wire.ParseHeader(b); h.Count != 20 || int(h.Length) != len(b)-wire.HeaderSize {
		t.Errorf("ten frames of two tuples left as %+v and more, want one frame", h)
	}
}
