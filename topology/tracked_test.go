package topology

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/tracker"
	"github.com/ardea-stream/ardea/wire"
)

// TestCompleteIsWhatNothingDescendsFrom carries tuples of two spouts through
// layers of bolts in random order. The bolts pass on, drop, multiply and, with
// anchors, join tuples of any ancestry. At every moment exactly those spout
// tuples are complete that nothing on its way or held descends from.
func TestCompleteIsWhatNothingDescendsFrom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(t, what) }
		manual := rapid.Bool().Draw(t, "manual")
		layers := 1 + pick(3, "layers")
		n := newNetwork(2, layers, 1+pick(3, "copies"), manual)
		var held []hold
		emitted := map[uint64]bool{}
		var view Tuple
		check := func() {
			pending := n.pending(held)
			for id := range emitted {
				if n.complete[id] == pending[id] {
					t.Fatalf("spout tuple %#x: complete %v, pending %v", id, n.complete[id], pending[id])
				}
			}
		}
		settle := func(i int) {
			h := held[i]
			held = append(held[:i], held[i+1:]...)
			c, sink := n.bolts[h.layer], n.sinks[len(n.spouts)+h.layer]
			if err := c.Ack(h.anchor); err != nil {
				t.Fatal(err)
			}
			if err := c.Ack(h.anchor); !errors.Is(err, ErrAnchor) {
				t.Fatalf("acked twice: %v", err)
			}
			n.carry(c, sink, h.layer+1, h.roots)
		}
		join := func() {
			first := pick(len(held), "first")
			h := held[first]
			c, sink := n.bolts[h.layer], n.sinks[len(n.spouts)+h.layer]
			if h.layer == layers-1 {
				return
			}
			roots := map[uint64]bool{}
			var to []Anchor
			for i, o := range held {
				if o.layer == h.layer && (i == first || pick(2, "with") == 0) {
					to = append(to, o.anchor)
					for r := range o.roots {
						roots[r] = true
					}
				}
			}
			if err := c.EmitAnchored(to, Int(1), String("joined")); err != nil {
				t.Fatal(err)
			}
			n.carry(c, sink, h.layer+1, roots)
		}
		execute := func(layer int) {
			i := pick(len(n.waiting[layer]), "which")
			p := n.waiting[layer][i]
			n.waiting[layer] = append(n.waiting[layer][:i], n.waiting[layer][i+1:]...)
			c, sink := n.bolts[layer], n.sinks[len(n.spouts)+layer]
			begin(t, c, &view, p.tuple, p.source, pick(2, "plainly") == 0)
			if number, err := view.Int(0); err != nil || number != 1 {
				t.Fatalf("field 0 is %d, %v", number, err)
			}
			if manual {
				held = append(held, hold{anchor: view.Anchor(), layer: layer, roots: p.roots})
			} else if layer < layers-1 {
				for range pick(3, "outputs") {
					text := strings.Repeat("x", pick(2, "long")*200)
					if err := c.Emit(Int(1), String(text)); err != nil {
						t.Fatal(err)
					}
				}
			}
			c.End(nil)
			n.carry(c, sink, layer+1, p.roots)
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			layer := pick(layers, "layer")
			switch what := pick(6, "what"); {
			case what == 0 && len(held) > 0:
				settle(pick(len(held), "settled"))
			case what == 1 && len(held) > 0:
				join()
			case what < 4 && len(n.waiting[layer]) > 0:
				execute(layer)
			default:
				i := pick(len(n.spouts), "spout")
				id := uint64(len(emitted))
				root := uint64(i+1)<<32 | id
				if err := n.spouts[i].EmitID(id, Int(1), String("spout's")); err != nil {
					t.Fatal(err)
				}
				emitted[root] = true
				n.carry(n.spouts[i], n.sinks[i], 0, map[uint64]bool{root: true})
			}
			check()
		}
		for len(n.pending(held)) > 0 {
			for layer := range layers {
				for len(n.waiting[layer]) > 0 {
					execute(layer)
				}
			}
			for len(held) > 0 {
				settle(0)
			}
			check()
		}
		if c := n.bolts[0]; c.Held() != 0 {
			t.Fatalf("%d tuples are still held", c.Held())
		}
	})
}

// TestManualAckIsChecked has a bolt do what it must not.
func TestManualAckIsChecked(t *testing.T) {
	n := newNetwork(1, 1, 1, true)
	c, sink := n.bolts[0], n.sinks[1]
	cause := errors.New("poison")
	tuple := func(seq uint64) []byte {
		v := Int(9)
		return wire.AppendValue(wire.AppendRoot(wire.AppendEdge(nil, 5), 1, seq), &v)
	}
	var view Tuple
	begin := func(seq uint64) { begin(t, c, &view, tuple(seq), 1, false) }

	begin(1) // never taken
	c.End(nil)
	begin(2) // taken, then an error
	first := view.Anchor()
	if again := view.Anchor(); again != first {
		t.Error("a tuple has two anchors")
	}
	c.End(cause)
	begin(3) // failed, then an error
	if err := c.Fail(view.Anchor(), nil); err != nil {
		t.Error(err)
	}
	c.End(cause)
	begin(4) // an error, not taken
	c.End(cause)
	c.End(cause) // of something else than Execute
	if len(sink.acks) != 0 || len(sink.fails) != 4 {
		t.Fatalf("acks %v, fails %v", sink.acks, sink.fails)
	}
	for i, f := range sink.fails {
		if f.seq != uint64(i+1) || f.tuple != string(tuple(f.seq)) || f.cause == nil {
			t.Errorf("%+v", f)
		}
	}
	for _, stale := range []Anchor{{}, first, {place: 99, generation: 1}} {
		if err := errors.Join(c.EmitAnchored([]Anchor{stale}, Int(1))); !errors.Is(err, ErrAnchor) && !errors.Is(err, ErrNoStream) {
			t.Errorf("stale anchor: %v", err)
		}
		if err := c.Ack(stale); !errors.Is(err, ErrAnchor) {
			t.Errorf("stale anchor: %v", err)
		}
	}
	begin(5)
	late := view.Anchor()
	c.End(nil)
	if err := c.Ack(late); err != nil || len(sink.acks) != 1 || sink.acks[0] != (sentAck{1, 5, 5}) {
		t.Errorf("%v, acks %v", err, sink.acks)
	}
	if view.in = nil; view.Anchor() != (Anchor{}) {
		t.Error("a tuple that is not tracked has an anchor")
	}
}

// TestEmitWaitsForRoom fills a tracker.
func TestEmitWaitsForRoom(t *testing.T) {
	sink, ring := newTrackedSink(1), tracker.New(1, 2)
	c := NewCollector(sink, 7, 0, 0, []OutputSpec{{Name: DefaultStream, Fields: []string{"n"}, Routed: true, Copies: 1}})
	c.Track(sink, ring, false)
	waits := 0
	sink.full = func() error {
		if waits++; waits == 3 {
			ring.DropOldest()
		}
		return nil
	}
	for i := range uint64(3) {
		if err := c.EmitID(i, Int(1)); err != nil {
			t.Fatal(err)
		}
	}
	if waits != 3 || ring.Live() != 2 {
		t.Errorf("waited %d times, %d pending", waits, ring.Live())
	}
	sink.full = func() error { return ErrStopped }
	if err := c.EmitID(9, Int(1)); !errors.Is(err, ErrStopped) {
		t.Errorf("a stopped task's Emit gives %v", err)
	}
	again := tracker.Entry{ID: 9, Tries: 2}
	if err := c.Again(again, func() error { return c.EmitID(9, Int(1)) }); err != nil || ring.Live() != 3 {
		t.Errorf("a replay waits for room among new tuples: %v, %d pending", err, ring.Live())
	}
	if err := c.Again(again, func() error { return nil }); !errors.Is(err, ErrNotEmitted) {
		t.Errorf("a replay that emits nothing gives %v", err)
	}
	if err := c.EmitID(10, Int(1), Int(2)); !errors.Is(err, ErrFields) && !errors.Is(err, ErrStopped) {
		t.Errorf("too many values give %v", err)
	}
}

// TestEmitterKnowsTheEdgesOfAllCopies compares what the tracker waits for with
// the edges of the copies that leave, by every way to emit.
func TestEmitterKnowsTheEdgesOfAllCopies(t *testing.T) {
	custom := CustomTarget{Choose: func(_ *Tuple, tasks, dst []uint32) []uint32 { return append(dst, tasks...) }, Tasks: []uint32{7, 8}}
	spec := []OutputSpec{{
		Name: DefaultStream, Fields: []string{"text"}, KeySets: [][]int{{0}}, Routed: true, Copies: 3, Direct: []uint32{5}, Custom: []CustomTarget{custom},
	}, {Name: "nobody", Fields: []string{"text"}}}
	sink, ring := newTrackedSink(1), tracker.New(1, 100)
	done := []uint64{}
	ring.Completed = func(id uint64, _ bool) { done = append(done, id) }
	c := NewCollector(sink, 7, 0, 0, spec)
	c.Track(sink, ring, false)
	out, err := c.Stream(DefaultStream)
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := c.Stream("nobody")
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"short", "short again", strings.Repeat("long", 50)} {
		id := uint64(10 * i)
		if err := errors.Join(c.EmitID(id, String(text)), out.EmitDirectID(5, id+1, String(text)), nobody.EmitID(id+2, String(text))); err != nil {
			t.Fatal(err)
		}
		if done[len(done)-1] != id+2 {
			t.Error("a tuple that nobody gets is not complete at once")
		}
	}
	if err := out.EmitDirectID(6, 1, String("x")); !errors.Is(err, ErrNotDirect) {
		t.Errorf("task 6 gives %v", err)
	}
	if err := c.Emit(String("untracked")); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	words := map[uint64]uint64{}
	count := 0
	see := func(tuples [][]byte, copies int) {
		for _, b := range tuples {
			count++
			edge, roots, _, err := wire.Anchors(b)
			if err != nil {
				t.Fatal(err)
			}
			if len(roots) == 0 {
				continue
			}
			task, seq, rest, err := wire.NextRoot(roots)
			if err != nil || task != 0 || len(rest) > 0 {
				t.Errorf("root %d %d, %v, then %x", task, seq, err, rest)
			}
			if edge == 0 {
				edge = wire.OwnEdge(seq)
				if copies != 1 {
					t.Errorf("%d copies have the same edge", copies)
				}
			}
			words[seq] ^= wire.EdgeSum(edge, copies)
		}
	}
	see(sink.sent, 3)
	for _, tuples := range sink.named {
		see(tuples, 1)
	}
	for seq, word := range words {
		ring.Ack(seq, word)
	}
	if len(words) != 6 || ring.Live() != 0 || count != 3*3+3+3 {
		t.Errorf("%d tuples under way of %d; %d records", ring.Live(), len(words), count)
	}
}

// TestJoinOfCopiesOfOneTuple joins two copies that descend from the same spout
// tuple: its root must get the edges of what is emitted once, or they cancel out.
func TestJoinOfCopiesOfOneTuple(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		n := newNetwork(1, 2, 2, true)
		if err := n.spouts[0].EmitID(1, Int(1), String("x")); err != nil {
			t.Fatal(err)
		}
		n.carry(n.spouts[0], n.sinks[0], 0, nil)
		take := func(layer int) []Anchor {
			var all []Anchor
			c := n.bolts[layer]
			var view Tuple
			for _, p := range n.waiting[layer] {
				begin(t, c, &view, p.tuple, p.source, false)
				all = append(all, view.Anchor())
				c.End(nil)
			}
			n.waiting[layer] = nil
			return all
		}
		ack := func(layer int, a Anchor) {
			if err := n.bolts[layer].Ack(a); err != nil {
				t.Fatal(err)
			}
			n.carry(n.bolts[layer], n.sinks[1+layer], layer+1, nil)
		}
		both := take(0)
		for range 2 {
			if err := n.bolts[0].EmitAnchored([]Anchor{both[0], both[1], both[0]}, Int(1), String("joined")); err != nil {
				t.Fatal(err)
			}
		}
		ack(0, both[order[0]])
		ack(0, both[order[1]])
		last := take(1)
		if len(last) != 4 {
			t.Fatalf("%d copies of the joined tuples", len(last))
		}
		for i, a := range last {
			if len(n.complete) != 0 {
				t.Fatalf("complete while %d copies are not acked", len(last)-i)
			}
			ack(1, a)
		}
		if len(n.complete) != 1 || n.trackers[0].Live() != 0 {
			t.Error("everything is acked, and the spout tuple is not complete")
		}
	}
}
