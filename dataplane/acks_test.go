package dataplane

import (
	"bytes"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// chainPlan returns a plan of a spout (task 1), a bolt behind it (2), one behind
// that (3), and a spout that reaches neither (4), with the tasks of each container.
func chainPlan(tb testing.TB, d topology.Delivery, packing ...[]uint32) *plan.Plan {
	tb.Helper()
	bolt, spout := func() topology.Bolt { return nil }, func() topology.Spout { return nil }
	top, err := topology.NewBuilder("chain").Deliver(d).
		Spout("words", spout, topology.Output("word")).
		Bolt("first", bolt, topology.Shuffle("words"), topology.Output("word")).
		Bolt("second", bolt, topology.Shuffle("first")).
		Spout("other", spout, topology.Output("word")).Build()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	return plan.New(plan.NewLogical(top), packing, 7, 99, func(id uint32) (string, string) {
		return filepath.Join(dir, strconv.Itoa(int(id))), freePort(tb)
	})
}

// entry is one ack of an ack frame.
type entry struct{ seq, word uint64 }

// ackFrame returns an ack frame of the entries.
func ackFrame(p *plan.Plan, source, dest uint32, entries ...entry) []byte {
	b := wire.AppendHeader(nil, wire.Header{Kind: wire.KindAck, Source: source, Dest: dest, Epoch: p.Epoch})
	prev := uint64(0)
	for _, e := range entries {
		b = wire.AppendAck(b, prev, e.seq, e.word)
		prev = e.seq
	}
	wire.PutLengthCount(b, uint32(len(b)-wire.HeaderSize), uint32(len(entries)))
	return b
}

func failFrame(p *plan.Plan, source, dest uint32, seq uint64) []byte {
	h := wire.Header{Source: source, Dest: dest, Epoch: p.Epoch}
	return wire.AppendFailure(nil, h, wire.Failure{Seq: seq, Text: "bad", Payload: []byte("x")})
}

// entriesOf reads the body of an ack frame.
func entriesOf(tb testing.TB, body []byte) (list []entry) {
	tb.Helper()
	var e entry
	for len(body) > 0 {
		var ok bool
		if e.seq, e.word, body, ok = wire.NextAck(body, e.seq); !ok {
			tb.Fatal("malformed ack")
		}
		list = append(list, e)
	}
	return list
}

// readAcks reads one frame, which must be of acks of source for the task, and returns them.
func (tt *testTask) readAcks(source uint32) []entry {
	tt.t.Helper()
	h, body := tt.read()
	if h.Kind != wire.KindAck || h.Source != source || h.Dest != tt.id {
		tt.t.Fatalf("task %d got %+v, want acks of %d", tt.id, h, source)
	}
	list := entriesOf(tt.t, body)
	if len(list) != int(h.Count) {
		tt.t.Fatalf("%d acks in a frame that counts %d", len(list), h.Count)
	}
	return list
}

func TestAcksAndFailuresReachTheSpout(t *testing.T) {
	for name, packing := range map[string][][]uint32{
		"in one container":  {{1, 2, 3, 4}},
		"in another one":    {{1}, {2, 3, 4}},
		"in a lower one":    {{2, 3, 4}, {1}},
		"in two other ones": {{2, 4}, {1}, {3}},
	} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			p := chainPlan(t, tracked, packing...)
			managers := startAll(t, p, Mode{})
			spout := dialTask(t, p, 1)
			for _, id := range []uint32{2, 3} {
				bolt := dialTask(t, p, id)
				first, second := []entry{{300, 7}, {301, 8}}, []entry{{1 << 61, 1}}
				bolt.write(ackFrame(p, id, 1, first...))
				bolt.write(failFrame(p, id, 1, 302))
				bolt.write(ackFrame(p, id, 1, second...))
				if got := spout.readAcks(id); !slices.Equal(got, first) {
					t.Errorf("the spout got %v, want %v", got, first)
				}
				h, body := spout.read()
				f, err := wire.ParseFailure(body)
				if h.Kind != wire.KindFail || h.Source != id || h.Dest != 1 || err != nil || f.Seq != 302 || f.Text != "bad" {
					t.Errorf("the spout got %+v, %+v, %v", h, f, err)
				}
				if got := spout.readAcks(id); !slices.Equal(got, second) {
					t.Errorf("the spout got %v, want %v", got, second)
				}
			}
			m := managers[p.ContainerOf(1).ID-1].Metrics()
			if m.AcksForwarded != 8 || m.AcksDropped != 0 {
				t.Errorf("%d acks are counted, and %d dropped, want 8 and 0", m.AcksForwarded, m.AcksDropped)
			}
		})
	}
}

// startAll runs the managers of all containers and waits until each has a link to each.
func startAll(tb testing.TB, p *plan.Plan, mode Mode) (managers []*Manager) {
	tb.Helper()
	for i := range p.Containers {
		managers = append(managers, startManager(tb, Config{Plan: p, Container: uint32(i + 1), Mode: mode}))
	}
	for _, m := range managers {
		awaitPeers(m)
	}
	return managers
}

// awaitPeers waits until a manager has a link to all others.
func awaitPeers(m *Manager) {
	for joined := false; !joined; runtime.Gosched() {
		m.post(func() {
			joined = true
			for _, o := range m.loop.peers {
				joined = joined && o.link != nil
			}
		})
	}
}

func TestHostileAcks(t *testing.T) {
	local := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	untracked := chainPlan(t, topology.Delivery{}, []uint32{1, 2, 3, 4})
	good := ackFrame(local, 2, 1, entry{5, 6})
	change := func(f []byte, change func(*wire.Header)) []byte {
		h, err := wire.ParseHeader(f)
		if err != nil {
			t.Fatal(err)
		}
		change(&h)
		f = slices.Clone(f)
		h.Put(f)
		return f
	}
	resized := func(h wire.Header, body ...byte) []byte {
		h.Source, h.Dest, h.Epoch, h.Length = 2, 1, local.Epoch, uint32(len(body))
		return append(wire.AppendHeader(nil, h), body...)
	}
	type hostile struct {
		name  string
		plan  *plan.Plan
		bytes []byte
		code  wire.Code
	}
	cases := []hostile{
		{"ack of another task", local, change(good, func(h *wire.Header) { h.Source = 3 }), wire.CodeRoute},
		{"ack of no task", local, change(good, func(h *wire.Header) { h.Source = 0 }), wire.CodeRoute},
		{"ack for a bolt", local, change(good, func(h *wire.Header) { h.Dest = 3 }), wire.CodeRoute},
		{"ack for no task", local, change(good, func(h *wire.Header) { h.Dest = 0 }), wire.CodeRoute},
		{"ack for an unknown task", local, change(good, func(h *wire.Header) { h.Dest = 1 << 31 }), wire.CodeRoute},
		{"ack with a flag", local, change(good, func(h *wire.Header) { h.Flags = wire.FlagAnchored }), wire.CodeUnexpected},
		{"count 0", local, change(good, func(h *wire.Header) { h.Count = 0 }), wire.CodeMalformed},
		{"count too high", local, change(good, func(h *wire.Header) { h.Count = 2 }), wire.CodeMalformed},
		{"count too low", local, change(ackFrame(local, 2, 1, entry{1, 2}, entry{2, 3}), func(h *wire.Header) { h.Count = 1 }), wire.CodeMalformed},
		{"no body", local, resized(wire.Header{Kind: wire.KindAck, Count: 1}), wire.CodeMalformed},
		{"entry cut short", local, resized(wire.Header{Kind: wire.KindAck, Count: 1}, good[wire.HeaderSize:len(good)-1]...), wire.CodeMalformed},
		{"endless number", local, resized(wire.Header{Kind: wire.KindAck, Count: 2}, bytes.Repeat([]byte{0xff}, 18)...), wire.CodeMalformed},
		{"too long", local, change(good, func(h *wire.Header) { h.Length = wire.MaxControlBody + 1 }), wire.CodeMalformed},
		{"ack where nothing is tracked", untracked, good, wire.CodeUnexpected},
		{"failure where nothing is tracked", untracked, failFrame(local, 2, 1, 5), wire.CodeUnexpected},
		{"failure that is garbage", local, resized(wire.Header{Kind: wire.KindFail, Count: 1}, 0xff, 0xff), wire.CodeMalformed},
		{"failure without a body", local, resized(wire.Header{Kind: wire.KindFail, Count: 1}), wire.CodeMalformed},
		{"two failures", local, change(failFrame(local, 2, 1, 5), func(h *wire.Header) { h.Count = 2 }), wire.CodeMalformed},
		{"failure for a bolt", local, change(failFrame(local, 2, 1, 5), func(h *wire.Header) { h.Dest = 2 }), wire.CodeRoute},
		{"lost from a task", local, wire.AppendHeader(nil, wire.Header{Kind: wire.KindLost, Dest: 3, Epoch: local.Epoch}), wire.CodeUnexpected},
	}
	for _, mode := range []string{"optimized", "naive", "heron2017"} {
		md, err := ParseMode(mode)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(mode+"/"+c.name, func(t *testing.T) {
				leaktest.Check(t)
				m := startManager(t, Config{Plan: c.plan, Container: 1, Mode: md})
				spout, bolt := dialTask(t, c.plan, 1), dialTask(t, c.plan, 2)
				bolt.write(c.bytes)
				if got := bolt.refused(); got.Code != c.code {
					t.Errorf("refused with %v, want %v", got, c.code)
				}
				if n := m.Metrics(); n.AcksForwarded+n.AcksDropped != 0 {
					t.Errorf("%d acks were forwarded and %d dropped", n.AcksForwarded, n.AcksDropped)
				}
				spout.write(wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Epoch: c.plan.Epoch}))
				for h, _ := spout.read(); h.Kind != wire.KindPong; h, _ = spout.read() {
					if h.Kind != wire.KindClamp {
						t.Errorf("the spout got %+v", h)
					}
				}
			})
		}
	}
}

// TestHostilePeers plays container 2, of which task 2 is, towards the spout's.
func TestHostilePeers(t *testing.T) {
	set := func(dest uint32, acks ...*wirepb.Ack) []byte {
		m := &wirepb.AckSet{DestTask: dest, Acks: acks}
		_ = wire.AckSetSize(m)
		return wire.AppendAckSet(nil, m)
	}
	one := &wirepb.Ack{Root: &wirepb.Root{Task: 1, Seq: 5}, Word: 6}
	cases := []struct {
		name  string
		modes []string
		h     wire.Header
		body  []byte
		code  wire.Code
	}{
		{"ack of a task that is not theirs", nil, wire.Header{Kind: wire.KindAck, Source: 3, Dest: 1, Count: 1}, make([]byte, 9), wire.CodeRoute},
		{"ack of no task", nil, wire.Header{Kind: wire.KindAck, Dest: 1, Count: 1}, make([]byte, 9), wire.CodeRoute},
		{"ack for a task of theirs", nil, wire.Header{Kind: wire.KindAck, Source: 2, Dest: 4, Count: 1}, make([]byte, 9), wire.CodeRoute},
		{"ack for a bolt", nil, wire.Header{Kind: wire.KindAck, Source: 2, Dest: 3, Count: 1}, make([]byte, 9), wire.CodeRoute},
		{"too many for the body", nil, wire.Header{Kind: wire.KindAck, Source: 2, Dest: 1, Count: 1<<32 - 1}, make([]byte, 9), wire.CodeMalformed},
		{"too few for the body", nil, wire.Header{Kind: wire.KindAck, Source: 2, Dest: 1, Count: 1}, make([]byte, 19), wire.CodeMalformed},
		{"lost of no task", nil, wire.Header{Kind: wire.KindLost, Dest: 9}, nil, wire.CodeUnexpected},
		{"lost with a body", nil, wire.Header{Kind: wire.KindLost, Dest: 3}, []byte{1}, wire.CodeUnexpected},
		{"set for another task", []string{"naive", "heron2017"}, wire.Header{Kind: wire.KindAck, Source: 2, Dest: 1, Count: 1}, set(4, one), wire.CodeMalformed},
		{"set without a root", []string{"naive", "heron2017"}, wire.Header{Kind: wire.KindAck, Source: 2, Dest: 1, Count: 1}, set(1, &wirepb.Ack{Word: 1}), wire.CodeMalformed},
		{"set of another count", []string{"naive", "heron2017"}, wire.Header{Kind: wire.KindAck, Source: 2, Dest: 1, Count: 2}, set(1, one), wire.CodeMalformed},
	}
	for _, c := range cases {
		if c.modes == nil {
			c.modes = []string{"optimized", "naive", "heron2017"}
		}
		for _, mode := range c.modes {
			t.Run(mode+"/"+c.name, func(t *testing.T) {
				md, err := ParseMode(mode)
				if err != nil {
					t.Fatal(err)
				}
				p := chainPlan(t, tracked, []uint32{1, 3}, []uint32{2, 4})
				listener, err := net.Listen("tcp", p.Containers[1].Address)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { listener.Close() })
				startManager(t, Config{Plan: p, Container: 1, Mode: md})
				peer := acceptPeer(t, listener, dialTask(t, p, 1))
				c.h.Epoch, c.h.Length = p.Epoch, uint32(len(c.body))
				peer.write(append(wire.AppendHeader(nil, c.h), c.body...))
				if got := peer.refused(); got.Code != c.code {
					t.Errorf("refused with %v, want %v", got, c.code)
				}
			})
		}
	}
}

// full is a connection whose other side does not read.
type full struct {
	writes

	waiting int
}

func (f *full) OutboundBuffered() int { return f.waiting }

// spoutLink attaches a connection that keeps writes as the link of task 1.
func spoutLink(lp *loop) *full {
	w := &full{}
	l := &link{conn: w, role: roleInstance, task: 1}
	lp.links[l] = struct{}{}
	lp.dests[1].out.attach(lp, l, 1<<20)
	return w
}

func TestAcksAreBoundedAndTheirLossIsTold(t *testing.T) {
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	for _, mode := range []string{"optimized", "naive", "heron2017"} {
		lp := offline(t, p, 1, mode)
		w := spoutLink(lp)
		fail := failFrame(p, 2, 1, 9)
		steps := []struct{ waiting, writes int }{{0, 1}, {maxAcksWaiting + 1<<20, 2}, {maxAcksWaiting + 1<<20 + 1, 2}, {1 << 30, 2}}
		for _, s := range steps {
			w.waiting = s.waiting
			feed(lp, roleInstance, 2, fail)
			if len(w.list) != s.writes {
				t.Errorf("%s: %d writes with %d bytes waiting, want %d", mode, len(w.list), s.waiting, s.writes)
			}
		}
		lp.tick()
		if lp.c.acksForwarded != 2 || lp.c.acksDropped != 2 || len(w.list) != 2 {
			t.Errorf("%s: %d forwarded, %d dropped, %d writes", mode, lp.c.acksForwarded, lp.c.acksDropped, len(w.list))
		}
		w.waiting = 0
		lp.tick()
		lp.tick()
		if len(w.list) != 3 || lp.c.losses != 1 {
			t.Fatalf("%s: %d writes, %d of them notices", mode, len(w.list), lp.c.losses)
		}
	}
}

func TestAcksForATaskOrContainerThatIsNotThere(t *testing.T) {
	p := chainPlan(t, tracked, []uint32{1, 2, 3}, []uint32{4})
	lp := offline(t, p, 1, "optimized")
	lp.peers[2].lost = true // its link broke
	feed(lp, roleInstance, 2, slices.Concat(ackFrame(p, 2, 1, entry{1, 2}, entry{2, 3}), ackFrame(p, 2, 4, entry{1, 2}), ackFrame(p, 2, 4, entry{1, 2})))
	if lp.c.acksDropped != 4 || lp.c.acksForwarded != 0 {
		t.Errorf("%d acks dropped, %d forwarded, want 4 and 0", lp.c.acksDropped, lp.c.acksForwarded)
	}
	if w := spoutLink(lp); len(w.list) != 0 {
		t.Errorf("a spout that connects, and takes all for lost by itself, got %x", w.list)
	}
	w := &writes{}
	lp.joinPeer(&link{conn: w, container: 2}, lp.peers[2], 1<<20)
	if len(w.list) != 1 || lp.c.losses != 1 {
		t.Fatalf("a container that connects got %d frames, want one notice", len(w.list))
	}
}

// TestLossOfAcksIsToldOfEachTask reads acks of two tasks from a peer, for a spout that does not read.
func TestLossOfAcksIsToldOfEachTask(t *testing.T) {
	p := chainPlan(t, tracked, []uint32{1, 4}, []uint32{2, 3})
	lp := offline(t, p, 1, "optimized")
	spoutLink(lp).waiting = 1 << 30
	feed(lp, rolePeer, 0, slices.Concat(ackFrame(p, 2, 1, entry{1, 2}), ackFrame(p, 2, 1, entry{1, 2}), ackFrame(p, 3, 1, entry{1, 2})))
	if owed := lp.dests[1].out.owed; !slices.Equal(owed, []uint32{2, 3}) {
		t.Errorf("the spout will be told of tasks %d, want 2 and 3", owed)
	}
}

// TestAcksShareOneWrite checks that neighbours of one task for one spout leave together.
func TestAcksShareOneWrite(t *testing.T) {
	p := chainPlan(t, tracked, []uint32{1, 2, 3, 4})
	for mode, want := range map[string]int{"optimized": 1, "optimized-writev": 5} {
		lp := offline(t, p, 1, mode)
		w := spoutLink(lp)
		read := bytes.Repeat(ackFrame(p, 2, 1, entry{5, 6}, entry{7, 8}), 5)
		feed(lp, roleInstance, 2, read)
		if got := bytes.Join(w.list, nil); len(w.list) != want || !bytes.Equal(got, read) {
			t.Errorf("%s: %d writes of %x, want %d of %x", mode, len(w.list), got, want, read)
		}
		if lp.c.acksForwarded != 10 {
			t.Errorf("%s: %d acks are counted, want 10", mode, lp.c.acksForwarded)
		}
	}
}

func TestForwardingAcksDoesNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("a checked build's pool allocates")
	}
	for _, mode := range []string{"optimized", "heron2017"} {
		for name, packing := range map[string][][]uint32{"to a task": {{1, 2, 3, 4}}, "to a peer": {{2, 3, 4}, {1}}} {
			p := chainPlan(t, tracked, packing...)
			lp := offline(t, p, 1, mode)
			conn := &nowhere{}
			if name == "to a task" {
				lp.dests[1].out.attach(lp, &link{conn: conn, role: roleInstance, task: 1}, 1<<20)
			} else {
				lp.joinPeer(&link{conn: conn, container: 2}, lp.peers[2], 1<<20)
			}
			var entries []entry
			for i := range uint64(3000) {
				entries = append(entries, entry{1<<44 + i, i})
			}
			read := slices.Concat(ackFrame(p, 2, 1, entries...), ackFrame(p, 2, 1, entries[:5]...))
			from := &link{role: roleInstance, task: 2, credit: 1 << 40, blocked: 1}
			lp.read(from, read)
			if n := testing.AllocsPerRun(100, func() { lp.read(from, read) }); n != 0 {
				t.Errorf("%s, %s: %v allocations", mode, name, n)
			}
		}
	}
}

// nowhere is a connection that forgets what is written to it.
type nowhere struct{ fakeConn }

func (*nowhere) Write(b []byte) (int, error) { return len(b), nil }
