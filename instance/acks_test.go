package instance

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// young has nothing become old, so that a task sends when it runs dry, tuples before acks.
func young(c *Config) { c.MaxAge = time.Hour }

// TestBoltAcksWithWhatItEmits has a bolt emit two tuples for each that it gets,
// from two spout tasks, some descending from several of their tuples.
func TestBoltAcksWithWhatItEmits(t *testing.T) {
	leaktest.Check(t)
	work := &userBolt{execute: func(t *topology.Tuple, out *topology.Collector) error {
		w, err := t.String(0)
		return errors.Join(err, out.Emit(topology.String(w+"1")), out.Emit(topology.String(w+strings.Repeat("2", 200))))
	}}
	b := topology.NewBuilder("test").Deliver(delivery)
	b.Spout("src", func() topology.Spout { return &userSpout{} }, topology.Parallelism(2), topology.Output("word"))
	b.Bolt("work", func() topology.Bolt { return work }, topology.Fields("src", "word"), topology.Output("word"))
	b.Bolt("sink", func() topology.Bolt { return &userBolt{} }, topology.Parallelism(3), topology.All("work"))
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	const first, second, bolt = 1, 2, 3
	m := newManager(t, topo)
	r := m.run(bolt, young)
	p := m.welcome(plenty)
	roots := [][]wireRoot{
		{{first, 7}},
		{{second, 1 << 50}},
		nil,
		{{first, 6}, {second, 9}},
		{{first, 300}, {first, 299}},
		{{second, 10}, {bolt, 1}, {99, 1}, {0, 11}}, // nobody tracks the two in the middle
		{{0, 12}},
	}
	const own = 6 // that tuple has no edge
	edge := func(i int) uint64 {
		if i == own {
			return 0
		}
		return uint64(100 + i)
	}
	frame := anchored(numbered(len(roots)), edge, func(i int) []wireRoot { return roots[i] })
	frame = altered(frame, func(h *wire.Header) { h.Dest = bolt })
	p.send(frame)
	roots[5][3].task, roots[own][0].task = first, first // the sender of the frame
	sums := map[wireRoot]uint64{}
	for i, s := range p.tuples(2 * len(roots)) {
		from := roots[i/2]
		if !slices.Equal(s.roots, from) || (s.edge == 0) != (len(from) == 0) {
			t.Errorf("tuple %d has edge %d and roots %v, want %v", i, s.edge, s.roots, from)
		}
		for _, root := range from {
			sums[root] ^= wire.EdgeSum(s.edge, 3)
		}
	}
	want := map[uint32][]wireRoot{
		first:  {{first, 7}, {first, 6}, {first, 300}, {first, 299}, {first, 11}, {first, 12}},
		second: {{second, 1 << 50}, {second, 9}, {second, 10}},
	}
	for range 2 {
		h, body := p.frame()
		got := entries(t, h, body, bolt, h.Dest)
		if len(got) != len(want[h.Dest]) {
			t.Fatalf("acks for task %d are %v, want %v", h.Dest, got, want[h.Dest])
		}
		for i, root := range want[h.Dest] {
			edge := edge(slices.IndexFunc(roots, func(all []wireRoot) bool { return slices.Contains(all, root) }))
			if edge == 0 {
				edge = wire.OwnEdge(root.seq)
			}
			if got[i].seq != root.seq || got[i].word != edge^sums[root] {
				t.Errorf("ack %d for task %d is %v, want %d and %d", i, h.Dest, got[i], root.seq, edge^sums[root])
			}
		}
		delete(want, h.Dest)
	}
	p.silent()
	r.stop()
}

// TestAcksAreSentInTime covers the occasions on which acks leave a bolt.
func TestAcksAreSentInTime(t *testing.T) {
	leaktest.Check(t)
	const many = 20_000
	seqs := func(i int) []wireRoot { return []wireRoot{{srcTask, uint64(1 + i)}} }
	edge := func(i int) uint64 { return uint64(1 + i) }
	t.Run("when it runs dry", func(t *testing.T) {
		leaktest.Check(t)
		for _, noDrain := range []bool{false, true} { // without, when they are old
			m := newManager(t, trackedTopology(t, &userSpout{}, &userBolt{}, delivery, false))
			r := m.run(workTask, func(c *Config) { c.NoDrain = noDrain })
			p := m.welcome(plenty)
			for range 10 {
				p.send(simple("one", "two"))
				var got []acked
				for len(got) < 2 {
					h, body := p.frame()
					got = append(got, entries(t, h, body, workTask, srcTask)...)
				}
				if !slices.Equal(got, []acked{{1, 1000}, {2, 1001}}) {
					t.Errorf("acks are %v", got)
				}
			}
			r.stop()
		}
	})
	t.Run("not while the rest of a frame is on its way", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, trackedTopology(t, &userSpout{}, &userBolt{}, delivery, false))
		r := m.run(workTask, func(c *Config) { c.MaxAge = time.Hour })
		p := m.welcome(plenty)
		frame := simple("one", "two")
		p.send(frame[:len(frame)-1])
		for r.Metrics().Received == 0 { // published when it has run dry
			runtime.Gosched()
		}
		p.send(frame[len(frame)-1:])
		if h, _ := p.expect(wire.KindAck); h.Count != 2 {
			t.Errorf("the first frame has %d acks, want 2", h.Count)
		}
		r.stop()
	})
	t.Run("when a frame is full", func(t *testing.T) {
		leaktest.Check(t)
		executed, gate := 0, make(chan struct{})
		work := &userBolt{execute: func(*topology.Tuple, *topology.Collector) error {
			if executed++; executed == many {
				<-gate
			}
			return nil
		}}
		m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
		r := m.run(workTask, func(c *Config) { c.MaxAge = time.Hour })
		p := m.welcome(plenty)
		p.send(anchored(make([]string, many), edge, seqs))
		const behind = ackLimit / 9 // acks of tuples in a row take 9 bytes
		next := uint64(1)
		for next+behind < many {
			h, body := p.frame()
			if len(body) >= ackLimit+wire.MaxAck {
				t.Errorf("an ack frame has %d bytes", len(body))
			}
			for _, a := range entries(t, h, body, workTask, srcTask) {
				if a != (acked{next, next}) {
					t.Fatalf("ack is %v, want %d", a, next)
				}
				next++
			}
		}
		close(gate) // nothing else could have come
		for next <= many {
			h, body := p.frame()
			if h.Kind == wire.KindCredit {
				continue
			}
			next += uint64(len(entries(t, h, body, workTask, srcTask)))
		}
		r.stop()
	})
	t.Run("when they are old and it is busy", func(t *testing.T) {
		leaktest.Check(t)
		executed, gate := 0, make(chan struct{})
		work := &userBolt{execute: func(*topology.Tuple, *topology.Collector) error {
			if executed++; executed == maxLap*3 {
				<-gate
			}
			return nil
		}}
		m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
		r := m.run(workTask, func(c *Config) { c.MaxAge = 1 })
		p := m.welcome(plenty)
		p.send(anchored(make([]string, maxLap*3), edge, seqs))
		got := 0
		for got < maxLap { // two laps at most may be on their way
			h, body := p.frame()
			got += len(entries(t, h, body, workTask, srcTask))
		}
		close(gate)
		r.stop()
	})
	t.Run("when it waits for credit", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, trackedTopology(t, &userSpout{}, echo(), delivery, false))
		r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch, c.MaxAge = 1, 1, time.Hour })
		p := m.welcome(1)
		p.send(simple("one", "two", "three"))
		first := p.words("one")[0] // the second waits in a batch, the third for that
		h, body := p.frame()
		if got := entries(t, h, body, workTask, srcTask); len(got) != 2 || got[0] != (acked{1, 1000 ^ first.edge}) {
			t.Errorf("acks are %v", got)
		}
		p.silent()
		p.tell(wire.KindCredit, 0, plenty)
		p.words("two")
		p.words("three")
		r.stop()
	})
	t.Run("at the end", func(t *testing.T) {
		leaktest.Check(t)
		var last topology.Anchor
		work := &userBolt{}
		work.execute = func(t *topology.Tuple, _ *topology.Collector) error { last = t.Anchor(); return nil }
		work.finish = func(out *topology.Collector) error {
			return errors.Join(out.EmitAnchored([]topology.Anchor{last}, topology.String("last")), out.Ack(last))
		}
		m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false, topology.ManualAck()))
		r := m.run(workTask, young)
		p := m.welcome(plenty)
		p.send(slices.Concat(simple("one"), endFrame()))
		s := p.words("last")[0]
		h, body := p.frame()
		if got := entries(t, h, body, workTask, srcTask); !slices.Equal(got, []acked{{1, 1000 ^ s.edge}}) {
			t.Errorf("acks are %v", got)
		}
		finished(t, p, r, workStream)
	})
}

// TestFailures covers what a bolt tells of a tuple that it cannot handle. It lives on.
func TestFailures(t *testing.T) {
	leaktest.Check(t)
	for _, way := range ways {
		for _, manual := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, manual=%v", way.name, manual), func(t *testing.T) {
				leaktest.Check(t)
				var opts []topology.Option
				if manual {
					opts = append(opts, topology.ManualAck())
				}
				work := &userBolt{execute: func(t *topology.Tuple, out *topology.Collector) error {
					w, _ := t.String(0)
					var err error
					if anchor := t.Anchor(); manual {
						err = errors.Join(out.EmitAnchored([]topology.Anchor{anchor}, topology.String(w)))
						if w != "poison" {
							err = errors.Join(err, out.Ack(anchor))
						}
					} else {
						err = out.Emit(topology.String(w))
					}
					if w == "poison" {
						return way.fail()
					}
					return err
				}}
				m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false, opts...))
				r := m.run(workTask, young)
				p := m.welcome(plenty)
				p.send(simple("one", "poison", "two"))
				h, body := p.expect(wire.KindFail)
				f, err := wire.ParseFailure(body)
				if err != nil {
					t.Fatal(err)
				}
				if h.Source != workTask || h.Dest != srcTask || h.Count != 1 || f.Seq != 2 || !strings.Contains(f.Text, "boom") ||
					(f.Stack != "") != way.stack || f.Size != len(f.Payload) {
					t.Errorf("failure is %+v of %+v", f, h)
				}
				if way.stack && !strings.Contains(f.Stack, "lifecycle_test.go") {
					t.Errorf("stack is %s", f.Stack)
				}
				var rec wire.Record
				rec.Reset(f.Payload)
				if w, err := rec.Text(0); w != "poison" || err != nil {
					t.Errorf("payload holds %q, %v", w, err)
				}
				all := p.words("one", "poison", "two")
				h, body = p.frame()
				if got := entries(t, h, body, workTask, srcTask); !slices.Equal(got, []acked{{1, 1000 ^ all[0].edge}, {3, 1002 ^ all[2].edge}}) {
					t.Errorf("acks are %v", got)
				}
				p.end()
				if got := finished(t, p, r, workStream); got.Errors != 1 || got.Received != 3 {
					t.Errorf("metrics are %+v", got)
				}
			})
		}
	}
}

// typedNil is an error whose Error panics where it is nil.
type typedNil struct{ text string }

func (e *typedNil) Error() string { return e.text }

// TestErrorThatPanics returns what is no error and no nil, twice: once it is logged, once not.
func TestErrorThatPanics(t *testing.T) {
	leaktest.Check(t)
	work := &userBolt{execute: func(*topology.Tuple, *topology.Collector) error {
		var e *typedNil
		return e
	}}
	m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
	r := m.run(workTask, young)
	p := m.welcome(plenty)
	p.send(simple("one", "two"))
	for seq := range uint64(2) {
		_, body := p.expect(wire.KindFail)
		if f, err := wire.ParseFailure(body); err != nil || f.Seq != 1+seq || !strings.Contains(f.Text, "nil pointer") {
			t.Errorf("failure is %+v, %v", f, err)
		}
	}
	r.stop()
}

// TestManualAcksFromElsewhere acks and fails from Tick, and in Close, when nobody listens any more.
func TestManualAcksFromElsewhere(t *testing.T) {
	leaktest.Check(t)
	var anchors []topology.Anchor
	work := &tickBolt{}
	work.execute = func(t *topology.Tuple, _ *topology.Collector) error {
		anchors = append(anchors, t.Anchor())
		return nil
	}
	work.tick = func(_ time.Time, out *topology.Collector) error {
		if len(anchors) != 5 {
			return nil
		}
		some := anchors[:3]
		anchors = anchors[3:]
		return errors.Join(out.Emit(topology.String("tick")), out.EmitAnchored(some[:2], topology.String("joined")),
			out.Ack(some[0]), out.Ack(some[1]), out.Fail(some[2], errBoom))
	}
	work.close = func() error {
		err := work.out.Fail(anchors[0], errBoom)
		return errors.Join(err, work.out.Ack(anchors[1]))
	}
	m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false, topology.ManualAck(), topology.TickEvery(time.Millisecond)))
	r := m.run(workTask, young)
	p := m.welcome(plenty)
	p.send(simple("a", "b", "c", "d", "e"))
	_, body := p.expect(wire.KindFail)
	if f, err := wire.ParseFailure(body); err != nil || f.Seq != 3 || f.Text != "boom" || f.Stack != "" {
		t.Errorf("failure is %+v, %v", f, err)
	}
	all := p.words("tick", "joined")
	if len(all[0].roots) != 0 || !slices.Equal(all[1].roots, []wireRoot{{srcTask, 1}, {srcTask, 2}}) {
		t.Errorf("roots are %v and %v", all[0].roots, all[1].roots)
	}
	h, body := p.frame()
	if got := entries(t, h, body, workTask, srcTask); !slices.Equal(got, []acked{{1, 1000 ^ all[1].edge}, {2, 1001 ^ all[1].edge}}) {
		t.Errorf("acks are %v", got)
	}
	p.end()
	finished(t, p, r, workStream)
}
